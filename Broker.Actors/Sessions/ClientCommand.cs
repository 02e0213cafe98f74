using Broker.Actors.Calls;
using Broker.Actors.Calls.Inbound;
using Broker.Actors.Calls.Methods;
using Broker.Actors.Channels.Delivery;
using Broker.Actors.Channels.Home;
using Broker.Actors.Channels.History;
using Broker.Actors.Model;
using Broker.Core.Protocol.Transfers;
using Broker.Core.Protocol.Calls;
using Broker.Core.Protocol.Messages;
using SubscribeOptions = Broker.Actors.Channels.Delivery.SubscribeOptions;

namespace Broker.Actors.Sessions;

/// <summary>What a client asks of its session, in whatever dialect it was sent.</summary>
/// <param name="Id">The client's number for the reply.</param>
/// <param name="Bytes">How long the command was on the wire; it counts as under way until it is answered.</param>
public abstract record ClientCommand(uint Id, int Bytes)
{
    /// <summary>Which command of its frame it was, from 0, where the dialect tells its clients.</summary>
    public int Index { get; init; }

    /// <summary>Connect. The first command, and sent once.</summary>
    /// <param name="Id">The client's number for the reply.</param>
    /// <param name="Bytes">Bytes on the wire.</param>
    /// <param name="Credentials">What the client shows; null for nothing.</param>
    public sealed record Connect(uint Id, int Bytes, ConnectCredentials? Credentials = null) : ClientCommand(Id, Bytes);

    /// <summary>Subscribe to a channel.</summary>
    /// <param name="Id">The client's number for the reply.</param>
    /// <param name="Bytes">Bytes on the wire.</param>
    /// <param name="Channel">Its name.</param>
    /// <param name="Options">What the client wants beside the publications to come.</param>
    public sealed record Subscribe(uint Id, int Bytes, string Channel, SubscribeOptions Options) : ClientCommand(Id, Bytes);

    /// <summary>Unsubscribe from a channel.</summary>
    /// <param name="Id">The client's number for the reply.</param>
    /// <param name="Bytes">Bytes on the wire.</param>
    /// <param name="Channel">Its name.</param>
    public sealed record Unsubscribe(uint Id, int Bytes, string Channel) : ClientCommand(Id, Bytes)
    {
        /// <summary>Tells several subscriptions of the client to the channel apart; empty where it has one.</summary>
        public string Key { get; init; } = "";

        /// <summary>The number by which the client knows the channel, where its dialect has numbers.</summary>
        public uint Number { get; init; }
    }

    /// <summary>Send data to all who listen.</summary>
    /// <param name="Id">The client's number for the reply.</param>
    /// <param name="Bytes">Bytes on the wire.</param>
    /// <param name="Channel">Its name.</param>
    /// <param name="Data">One JSON value, or empty if the client left it out; owned by the command.</param>
    public sealed record Publish(uint Id, int Bytes, string Channel, ReadOnlyMemory<byte> Data) : ClientCommand(Id, Bytes)
    {
        /// <summary>Whether the dialect carries JSON only; otherwise the data is any bytes, and may be none.</summary>
        public bool IsJson { get; init; } = true;

        /// <summary>The data, where it is too long to be one piece; the command is one of its holders.</summary>
        public LongBytes? LongData { get; init; }

        /// <summary>What few publications have beside their data; null for none of it.</summary>
        public PublicationExtras? Extras { get; init; }

        /// <summary>How it is to be taken.</summary>
        public PublishOptions Options { get; init; } = PublishOptions.None;
    }

    /// <summary>Read a page of a channel's history.</summary>
    /// <param name="Id">The client's number for the reply.</param>
    /// <param name="Bytes">Bytes on the wire.</param>
    /// <param name="Channel">Its name.</param>
    /// <param name="Query">What the client wants.</param>
    public sealed record History(uint Id, int Bytes, string Channel, HistoryQuery Query) : ClientCommand(Id, Bytes);

    /// <summary>Ask who is in a channel.</summary>
    /// <param name="Id">The client's number for the reply.</param>
    /// <param name="Bytes">Bytes on the wire.</param>
    /// <param name="Channel">Its name.</param>
    /// <param name="CountsOnly">How many is enough.</param>
    public sealed record Presence(uint Id, int Bytes, string Channel, bool CountsOnly) : ClientCommand(Id, Bytes);

    /// <summary>Show a new token.</summary>
    /// <param name="Id">The client's number for the reply.</param>
    /// <param name="Bytes">Bytes on the wire.</param>
    /// <param name="Token">The token, UTF-8; owned by the command.</param>
    /// <param name="Channel">The subscription's channel; null for the connection.</param>
    public sealed record Refresh(uint Id, int Bytes, ReadOnlyMemory<byte> Token, string? Channel) : ClientCommand(Id, Bytes);

    /// <summary>Data for the server, without a reply.</summary>
    /// <param name="Bytes">Bytes on the wire.</param>
    public sealed record Send(int Bytes) : ClientCommand(0, Bytes);

    /// <summary>Call a method.</summary>
    /// <param name="Id">The client's number for the reply.</param>
    /// <param name="Bytes">Bytes on the wire.</param>
    /// <param name="Method">The number of its name.</param>
    /// <param name="Arguments">Owned by the command.</param>
    public sealed record Call(uint Id, int Bytes, MethodId Method, ReadOnlyMemory<byte> Arguments) : ClientCommand(Id, Bytes)
    {
        /// <summary>The name, where the dialect carries it and the hub has no such method.</summary>
        public string? Name { get; init; }

        /// <summary>How long the client will wait; zero where it does not say.</summary>
        public TimeSpan Deadline { get; init; }

        /// <summary>Where long arguments count until the call has ended; then disposed of.</summary>
        public IDisposable? Reservation { get; init; }

        /// <summary>Whether items may follow, in either direction.</summary>
        public CallWindows Windows { get; init; }

        /// <summary>A command for a call of several that came together.</summary>
        internal static Call Of(in CallRequest call, int bytes) =>
            new(call.Id, bytes, call.Method, call.Arguments)
                { Name = call.Name, Deadline = call.Deadline, Reservation = call.Reservation, Windows = call.Windows };

        /// <summary>What starts.</summary>
        internal CallRequest Request =>
            new(Id, Method, Arguments) { Name = Name, Deadline = Deadline, Reservation = Reservation, Windows = Windows };
    }

    /// <summary>Call methods that answer at once.</summary>
    internal sealed record InlineCalls(InlineRun Run) : ClientCommand(0, Run.Bytes);

    /// <summary>A further argument of a call.</summary>
    /// <param name="Id">The call's number.</param>
    /// <param name="Bytes">Bytes on the wire.</param>
    /// <param name="Data">Owned by the command.</param>
    public sealed record Item(uint Id, int Bytes, ReadOnlyMemory<byte> Data) : ClientCommand(Id, Bytes);

    /// <summary>The last argument of a call has been sent.</summary>
    /// <param name="Id">The call's number.</param>
    /// <param name="Bytes">Bytes on the wire.</param>
    public sealed record ItemsEnd(uint Id, int Bytes) : ClientCommand(Id, Bytes);

    /// <summary>The client takes more results of a call.</summary>
    /// <param name="Id">The call's number.</param>
    /// <param name="Bytes">Bytes on the wire.</param>
    /// <param name="Items">So many more than before.</param>
    public sealed record Grant(uint Id, int Bytes, int Items) : ClientCommand(Id, Bytes);

    /// <summary>The client answers a call of the hub.</summary>
    /// <param name="Id">The hub's number.</param>
    /// <param name="Bytes">Bytes on the wire.</param>
    /// <param name="Code">Why it failed, or none.</param>
    /// <param name="Result">What it came to; owned by the command.</param>
    /// <param name="Text">With a code: for people.</param>
    public sealed record Answer(uint Id, int Bytes, FaultCode Code, ReadOnlyMemory<byte> Result, string Text) : ClientCommand(Id, Bytes);

    /// <summary>The answer to a call is wanted no longer.</summary>
    /// <param name="Id">The call's number.</param>
    /// <param name="Bytes">Bytes on the wire.</param>
    public sealed record Cancel(uint Id, int Bytes) : ClientCommand(Id, Bytes);

    /// <summary>Something that makes no sense, as the dialect knows by itself; the connection stays.</summary>
    /// <param name="Id">The client's number for the reply.</param>
    /// <param name="Bytes">Bytes on the wire.</param>
    public sealed record Invalid(uint Id, int Bytes) : ClientCommand(Id, Bytes)
    {
        /// <summary>What it is told.</summary>
        public HubError Error { get; init; } = HubError.BadRequest;
    }

    /// <summary>Something that this hub does not do.</summary>
    /// <param name="Id">The client's number for the reply.</param>
    /// <param name="Bytes">Bytes on the wire.</param>
    public sealed record Unavailable(uint Id, int Bytes) : ClientCommand(Id, Bytes);

    /// <summary>The client goes, in good order; nothing of it follows.</summary>
    /// <param name="Bytes">Bytes on the wire.</param>
    public sealed record Leave(int Bytes) : ClientCommand(0, Bytes);

    /// <summary>Not a command: the client broke its dialect, after what stands before it.</summary>
    /// <param name="Reason">The disconnect that follows.</param>
    /// <param name="Detail">For the log.</param>
    public sealed record Misuse(DisconnectReason Reason, string Detail) : ClientCommand(0, 0);
}

/// <summary>What a client shows in its connect command. Owned by the command.</summary>
public sealed record ConnectCredentials
{
    /// <summary>The token, UTF-8; empty for none.</summary>
    public ReadOnlyMemory<byte> Token { get; init; }

    /// <summary>Data, as the dialect carries it; empty for none.</summary>
    public ReadOnlyMemory<byte> Data { get; init; }

    /// <summary>The name of the client's software.</summary>
    public string Name { get; init; } = "";

    /// <summary>The version of the client's software.</summary>
    public string Version { get; init; } = "";

    /// <summary>Headers inside the command; null for none.</summary>
    public IReadOnlyDictionary<string, string>? Headers { get; init; }

    /// <summary>Where the client left off in channels that the server subscribes it to; null for nowhere.</summary>
    public IReadOnlyDictionary<string, StreamPosition?>? Positions { get; init; }

    /// <summary>Channels that the client wants the server to subscribe it to, those with positions among them; each once.</summary>
    public IReadOnlyList<string> Channels { get; init; } = [];
}
