using System.Globalization;
using Broker.Core.Protocol.Store;
using Broker.Tests.EndToEnd;
using static Broker.Tests.Hostile.EveryWay.EveryRow;
using static Broker.Tests.Hostile.HostileNativeClient;

namespace Broker.Tests.Hostile.EveryWay;

/// <summary>
/// Rows of docs/ERRORS.md that need a store, tokens or small limits, by every entry point. What a method or a transfer does with them is
/// proved by the tests that the page names; here, that no entry point changes it.
/// </summary>
public sealed partial class CallsAndTokensEveryWayTests(StoreEntryPoints shared) : IClassFixture<StoreEntryPoints>
{
    // After hello; the answer is a fault or an error with the number of the row, and the connection lives.
    internal static readonly Dictionary<string, Func<NativeTalk, Task>> Calls = new()
    {
        ["with bad arguments"] = static talk => talk.SendAsync(StoreCalls.Of(1, StoreMethods.Read, [])),
        ["that is cancelled"] = static talk => talk.SendAsync(StoreCalls.OpenWrite(1), CancelCall(1)),
        ["that is cancelled while its result is being sent as a transfer"] = static async talk =>
        {
            await BeginLongResultAsync(talk);
            await talk.SendAsync(CancelCall(1));
            Assert.True(await talk.WaitForAsync("stream-cancel"));
        },
        ["whose deadline has passed"] = static talk => talk.SendAsync(StoreCalls.OpenWrite(1, deadline: 1)),
        ["whose result the client rejects without a reason"] = static talk => RefuseLongResultAsync(talk, 0),
        ["whose result the client rejects with 204, 205 or 214"] = static talk => RefuseLongResultAsync(talk, 205),
        ["whose result the client rejects with another code"] = static talk => RefuseLongResultAsync(talk, 212),
        ["with an item without credit"] =
            static talk => talk.SendAsync([StoreCalls.OpenWrite(1), .. Enumerable.Repeat(Item(1, "x"u8), 300)]),
        ["with items of other bytes than write_stream announced"] =
            static talk => talk.SendAsync(StoreCalls.OpenWrite(1, length: 3), Item(1, "ab"u8), ItemsEnd(1)),
        ["for a first byte behind the end of a value"] =
            static talk => talk.SendAsync(
                StoreCalls.Of(
                    1, StoreMethods.ReadStream, [.. StoreCalls.Bytes8(1 << 30), .. StoreCalls.Bytes8(1), .. StoreCalls.Key])),
        ["with a value over store.streamed-value-bytes-max"] = static talk => talk.SendAsync(StoreCalls.OpenWrite(1, length: 5 << 20)),
        ["for a streamed value in one piece over store.result-bytes-max"] =
            static talk => talk.SendAsync(StoreCalls.Of(1, StoreMethods.Read, "streamed"u8)),
        ["in chunks, though items follow"] = static talk => talk.SendAsync(Chunk(0, 0, 1, StoreCalls.OpenWrite(1))),
        ["with the number of a pending one"] = static talk => talk.SendAsync(StoreCalls.OpenWrite(1), StoreCalls.OpenWrite(1)),
        ["with a result over streams.bytes-max"] = static talk => talk.SendAsync(StoreCalls.ReadMany(1, times: 4)),
        ["with a long result, and too many bytes are on their way to the client"] = static async talk =>
        {
            await BeginLongResultAsync(talk);
            await talk.SendAsync(StoreCalls.ReadMany(2, times: 2));
        },
        ["a header for a call that is not pending, with the number of a transfer under way"] =
            static talk => talk.SendAsync(Stream(0, 10), Stream(0, 10, purpose: 2, call: 99)),
        ["a chunk with too much data"] = static talk => talk.SendAsync(Chunk(0, 0, 2, new byte[(256 * 1024) + 1])),
        ["more than streams.connection-bytes-max"] = static async talk =>
        {
            for (uint i = 0; i < 5; i++) await talk.SendAsync(Chunk(i % 2, i / 2, 4, new byte[256 * 1024]));
        },
        ["a publication too long to be delivered"] = static async talk =>
        {
            await talk.SendAsync(Subscribe(1, "c"));
            Assert.True(await talk.WaitForAsync("subscribed"));
            byte[] publish = Publish(2, "c", new byte[(1 << 20) - 13]);
            for (int i = 0; i < 4; i++)
                await talk.SendAsync(Chunk(0, (uint)i, 4, publish.AsSpan(i * 262_144, Math.Min(262_144, publish.Length - (i * 262_144)))));
        },
        ["a command that cannot be carried out"] = static talk => talk.SendAsync(Publish(1, "no subscriber of it", "x"u8)),
    };

    public static TheoryData<EntryPoint> Entries => [.. EveryEntryPoint.All];

    [Theory, MemberData(nameof(Entries))]
    public Task Failed_calls_and_transfers_have_the_number_of_the_page(EntryPoint entry) =>
        ForEachAsync(Calls, async (row, send, stop) =>
        {
            using NativeTalk talk = await NativeTalk.BeginAsync(
                await shared.EntryPoints.OpenAsync(entry, HostileNativeClient.Path, "v3.broker", stop), stop);
            await send(talk);
            if (!await WaitForAnswerAsync(talk, ErrorPage.Answer(row))) return $"{talk.CloseCode}: {string.Join(", ", talk.Received)}";
            await talk.SendAsync(Ping(7));
            return await talk.WaitForAsync("pong") ? null : $"{talk.CloseCode} after the answer";
        });

    [Theory, MemberData(nameof(Entries))]
    public async Task A_bye_is_answered_by_Close_1000(EntryPoint entry)
    {
        using var limit = new CancellationTokenSource(HostProcess.Patience);
        using NativeTalk talk = await NativeTalk.BeginAsync(
            await shared.EntryPoints.OpenAsync(entry, HostileNativeClient.Path, "v3.broker", limit.Token), limit.Token);
        await talk.SendAsync(Message(0x06, [0xE8, 0x03, 0, 0, 0, 0]));
        Assert.Equal(ErrorPage.Answer(Bye), await talk.ReadToEndAsync());
    }

    internal const string Bye = "bye, without a Close frame";

    // Faults of calls have numbers below 100, errors of commands and transfers others.
    private static Task<bool> WaitForAnswerAsync(NativeTalk talk, int number) =>
        talk.WaitForAsync(string.Create(CultureInfo.InvariantCulture, $"{(number < 100 ? "fault" : "error")} {number}"));

    private static async Task BeginLongResultAsync(NativeTalk talk)
    {
        await talk.SendAsync(StoreCalls.ReadMany(1, times: 2));
        Assert.True(await talk.WaitForAsync("chunk"), "The result does not come as a transfer.");
    }

    private static async Task RefuseLongResultAsync(NativeTalk talk, ushort code)
    {
        await BeginLongResultAsync(talk);
        await talk.SendAsync(RefuseStream(0, code));
    }
}
