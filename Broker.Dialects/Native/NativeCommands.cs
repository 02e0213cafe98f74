using Broker.Actors.Calls;
using Broker.Actors.Calls.Methods;
using System.Text;
using Broker.Actors.Model;
using Broker.Actors.Sessions;
using Broker.Core.Protocol.Transfers;
using Broker.Core.Protocol.Messages;
using Broker.Core.Protocol.Calls;
using SubscribeOptions = Broker.Actors.Channels.Delivery.SubscribeOptions;
using HistoryQuery = Broker.Actors.Channels.History.HistoryQuery;
using WireHistoryOptions = Broker.Core.Protocol.Messages.HistoryOptions;
using WireOptions = Broker.Core.Protocol.Messages.SubscribeOptions;

namespace Broker.Dialects.Native;

/// <summary>A client's messages as commands for its session.</summary>
internal static class NativeCommands
{
    // Around the texts and data of any command: itself, its texts as objects, the message to the channel's home, the answer,
    // places in two mailboxes. A small command of the JSON dialect holds as much.
    private const int AroundBytes = 256;

    /// <summary>What a message holds until it is done: its texts and data, and what is around them.</summary>
    internal static int CostOf(in NativeMessage message) => CostOf(message.Body.Length);

    /// <summary>What a message of so many bytes holds until it is done.</summary>
    internal static int CostOf(long bytes) => AroundBytes + (int)bytes;

    internal static ClientCommand Of(in Subscribe subscribe, int bytes, int index) => subscribe.Request == 0
        ? new ClientCommand.Invalid(0, bytes) { Index = index }
        : new ClientCommand.Subscribe(subscribe.Request, bytes, Encoding.UTF8.GetString(subscribe.Channel), OptionsOf(subscribe))
        { Index = index };

    private static SubscribeOptions OptionsOf(in Subscribe subscribe)
    {
        bool recovers = (subscribe.Options & WireOptions.Recover) != 0;
        return subscribe.Token.IsEmpty && !recovers ? SubscribeOptions.None : new SubscribeOptions
        {
            RecoverFrom = recovers ? new StreamPosition(subscribe.Epoch, subscribe.Offset) : null,
            Token = subscribe.Token.ToArray(),
        };
    }

    internal static ClientCommand Of(in HistoryRequest request, int bytes, int index)
    {
        if (request.Request == 0) return new ClientCommand.Invalid(0, bytes) { Index = index };
        StreamPosition? since =
            (request.Options & WireHistoryOptions.Since) != 0 ? new StreamPosition(request.Epoch, request.Offset) : null;
        var query = new HistoryQuery(
            since, (int)Math.Min(request.Limit, int.MaxValue), (request.Options & WireHistoryOptions.Reverse) != 0);
        return new ClientCommand.History(request.Request, bytes, Encoding.UTF8.GetString(request.Channel), query) { Index = index };
    }

    internal static ClientCommand Of(in Unsubscribe unsubscribe, int bytes, int index, string? channel) => unsubscribe.Request == 0
        ? new ClientCommand.Invalid(0, bytes) { Index = index }
        : new ClientCommand.Unsubscribe(unsubscribe.Request, bytes, channel ?? "") { Index = index, Number = unsubscribe.Channel };

    /// <summary>A publication that came in a frame.</summary>
    internal static ClientCommand Of(in Publish publish, int bytes, int index) =>
        new ClientCommand.Publish(publish.Request, bytes, Encoding.UTF8.GetString(publish.Channel), publish.Data.ToArray())
            { Index = index, IsJson = false };

    /// <summary>A publication whose data is not in the message.</summary>
    /// <param name="publish">All of it but its data.</param>
    /// <param name="data">The data; the command is its holder.</param>
    /// <param name="bytes">What it costs.</param>
    /// <param name="index">Of the message in its frame.</param>
    internal static ClientCommand.Publish OfLong(in Publish publish, LongBytes data, int bytes, int index) =>
        new(publish.Request, bytes, Encoding.UTF8.GetString(publish.Channel), default) { Index = index, IsJson = false, LongData = data };

    internal static ClientCommand.Call Of(
        in Call call, ReadOnlyMemory<byte> arguments, int bytes, int index, IDisposable? reservation, CallWindows windows) =>
        new(call.Id, bytes, call.Method, arguments)
            { Index = index, Deadline = TimeSpan.FromMilliseconds(call.DeadlineMilliseconds), Reservation = reservation,
                Windows = windows };

    internal static ClientCommand.Answer Of(in CallFault fault, int bytes) =>
        new(fault.Id, bytes, fault.Code == FaultCode.None ? FaultCode.Internal : fault.Code, default, Encoding.UTF8.GetString(fault.Text));
}
