using Akka.Actor;
using Broker.Actors.Model;
using Broker.Actors.Sessions;
using CsCheck;
using Xunit;

namespace Broker.Tests.Sessions;

public sealed class LoopSessionsTests
{
    private readonly LoopSessions _sessions = new();

    [Fact]
    public void Finds_clients_by_id_and_by_user()
    {
        Add("ann", "1");
        Add("ann", "2");
        Add("bob", "3");
        Add("", "4");
        Add("", "5");

        Assert.Equal(5, _sessions.Count);
        Assert.Equal(["", "ann", "bob"], _sessions.Users.Order(StringComparer.Ordinal));
        Assert.Equal(["1", "2"], Clients(new UserConnections("ann")));
        Assert.Equal(["2"], Clients(new UserConnections("ann", "2")));
        Assert.Equal(["3"], Clients(new UserConnections("bob")));
        Assert.Equal(["4", "5"], Clients(new UserConnections("")));
        Assert.Equal(["4"], Clients(new UserConnections("", "4")));
        Assert.Empty(Clients(new UserConnections("ann", "3")));
        Assert.Empty(Clients(new UserConnections("", "1")));
        Assert.Empty(Clients(new UserConnections("carl")));
        Assert.NotNull(_sessions.Find("5"));
        Assert.Null(_sessions.Find("6"));
    }

    [Fact]
    public void A_user_leaves_with_its_last_client()
    {
        Add("ann", "1");
        Add("ann", "2");
        Add("", "3");

        Remove("ann", "1");
        Assert.Equal(["2"], Clients(new UserConnections("ann")));
        Remove("ann", "2");
        Remove("ann", "2");
        Remove("", "3");

        Assert.Equal(0, _sessions.Count);
        Assert.Empty(_sessions.Users);
    }

    [Fact]
    public void An_id_that_is_there_is_not_added_again()
    {
        Add("ann", "1");
        Add("bob", "1");

        Assert.Equal(1, _sessions.Count);
        Assert.Empty(Clients(new UserConnections("bob")));
    }

    [Fact]
    public void Holds_what_a_dictionary_holds_however_clients_come_and_go()
    {
        Gen.Select(Gen.Int[0, 300], Gen.Int[0, 4], Gen.Bool).Array[0, 1000].Sample(steps =>
        {
            var sessions = new LoopSessions();
            var expected = new Dictionary<string, string>(StringComparer.Ordinal);
            foreach ((int number, int userNumber, bool adds) in steps)
            {
                string client = $"c{number}", user = userNumber == 0 ? "" : $"u{userNumber}";
                if (adds && expected.TryAdd(client, user)) sessions.Add(new Principal(user, client), ActorRefs.Nobody);
                else if (!adds && expected.Remove(client, out string? known)) sessions.Remove(new Principal(known, client));
            }

            Assert.Equal(expected.Count, sessions.Count);
            Assert.All(expected.Keys, client => Assert.NotNull(sessions.Find(client)));
            Assert.Equal(expected.Values.Distinct().Order(), sessions.Users.Order());
            foreach (string user in expected.Values.Distinct())
            {
                Assert.Equal(
                    expected.Where(each => each.Value == user).Select(static each => each.Key).Order(),
                    sessions.Find(new UserConnections(user)).Select(static each => each.Client).Order());
            }
        });
    }

    private void Add(string user, string client) => _sessions.Add(new Principal(user, client), ActorRefs.Nobody);

    private void Remove(string user, string client) => _sessions.Remove(new Principal(user, client));

    private string[] Clients(UserConnections target) =>
        [.. _sessions.Find(target).Select(static each => each.Client).Order(StringComparer.Ordinal)];
}
