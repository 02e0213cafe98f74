using Broker.Tests.Conformance.Cases;
using Broker.Tests.Conformance.Running;
using Xunit;

namespace Broker.Tests.Conformance.SelfTests;

/// <summary>A whole case against servers that go wrong in one way each: every way has to show.</summary>
public sealed class CasePlayerTests
{
    private const string EmptyEcho = "81 00";
    private const string Close1000 = "88 02 03e8";

    // A limit is waited for only where something does not come.
    private static readonly ConformanceSettings Patient = ConformanceSettings.Reduced with { Patience = 60 }, Impatient =
        Patient with { Patience = 1 };

    [Theory]
    [InlineData("1.1.1", EmptyEcho, Close1000, true, Behaviour.Ok, Closing.Ok)]
    [InlineData("1.1.1", "", Close1000, true, Behaviour.Failed, Closing.Ok, true)] // No echo.
    [InlineData("1.1.1", "82 00", Close1000, true, Behaviour.Failed, Closing.Ok, true)] // Of the wrong type.
    [InlineData("1.1.1", EmptyEcho, EmptyEcho + Close1000, true, Behaviour.Failed, Closing.Ok)] // Once too often.
    [InlineData("1.1.1", EmptyEcho, Close1000 + EmptyEcho, true, Behaviour.Failed, Closing.Ok)] // Data after the close.
    [InlineData("1.1.1", EmptyEcho, Close1000, false, Behaviour.Ok, Closing.Unclean, true)] // Never ends the stream.
    [InlineData("1.1.1", EmptyEcho, "", true, Behaviour.Ok, Closing.Unclean)] // Ends it without a close frame.
    [InlineData("1.1.1", EmptyEcho, "88 02 03e9", true, Behaviour.Ok, Closing.WrongCode)]
    [InlineData("1.1.1", EmptyEcho + Close1000, "", true, Behaviour.Ok, Closing.Failed)] // Closes first.
    [InlineData("3.1", "88 02 03ea", "", true, Behaviour.Ok, Closing.Ok)]
    [InlineData("3.1", "", Close1000, true, Behaviour.Ok, Closing.Failed, true)] // Lets the error pass.
    [InlineData("3.1", "88 02 03ea", "", false, Behaviour.Ok, Closing.FailedByClient, true)] // Fails it, and stays.
    [InlineData("6.6.1", "88 02 03ea", "", true, Behaviour.Ok, Closing.WrongCode)] // 1002 for broken UTF-8.
    [InlineData("6.4.1", "88 02 03ef", "", true, Behaviour.Failed, Closing.Ok)] // Too early.
    [InlineData("7.9.1", "", Close1000, true, Behaviour.Failed, Closing.WrongCode)] // Takes code 0 for good.
    [InlineData("9.7.1", "81 01 2a", Close1000, true, Behaviour.Failed, Closing.Ok)] // Of other content.
    [InlineData("10.1.1", "82 00", Close1000, true, Behaviour.Failed, Closing.Ok)]
    [InlineData("2.1", "8a 00 8a 00", Close1000, true, Behaviour.Failed, Closing.Ok, true)] // A pong too many.
    [InlineData("12.1.1", "", Close1000, true, Behaviour.Unimplemented, Closing.Ok)]
    public async Task A_server_gets_the_verdict_that_it_deserves(
        string id, string atOnce, string onClose, bool ends, Behaviour behaviour, Closing closing, bool waits = false)
    {
        ConformanceCase played = CaseCatalog.All.Single(c => c.Id == id);
        await using var server = new ScriptedServer(atOnce, onClose, ends);

        CaseResult result = await new CasePlayer(played, server, waits ? Impatient : Patient).PlayAsync();

        Assert.Equal((behaviour, closing), (result.Behaviour, result.Closing));
    }

    /// <summary>"A Pong frame MAY be sent unsolicited": as a heartbeat it falls between the echoes of a long case.</summary>
    [Fact]
    public async Task A_heartbeat_in_an_exchange_is_nobodys_fault()
    {
        ConformanceCase played = CaseCatalog.All.Single(c => c.Id == "9.7.1");
        string echoes = string.Concat(Enumerable.Repeat(EmptyEcho, Patient.CountOf(1000) - 1));
        await using var server = new ScriptedServer(echoes + "8a 00" + EmptyEcho, "8a 00" + Close1000, endsOnClose: true);

        CaseResult result = await new CasePlayer(played, server, Patient).PlayAsync();

        Assert.Equal((Behaviour.Ok, Closing.Ok), (result.Behaviour, result.Closing));
    }
}
