using Akka.Actor;
using Akka.Configuration;
using Akka.Remote.Transport;
using Broker.Cluster.Links;
using Google.Protobuf;
using AkkaTransport = Akka.Remote.Transport.Transport;

namespace Broker.Cluster.Transport;

/// <summary>
/// Carries the messages of Akka.Remote over links of the node's port, so that subscription knows the same handshake and secret as
/// everything else.
/// </summary>
/// <remarks>Akka makes it, by its name in the configuration.</remarks>
public sealed class LinkTransport : AkkaTransport
{
    /// <summary>The scheme of its addresses.</summary>
    public const string Scheme = "broker";

    private readonly NodePort _port;
    private Address? _local;

    /// <summary>Made by Akka.</summary>
    public LinkTransport(ActorSystem system, Config config)
    {
        System = system;
        Config = config;
        SchemeIdentifier = Scheme;
        MaximumPayloadBytes = LinkFrames.MembershipBytesMax - LinkFrames.HeadBytes;
        _port = system.Settings.Setup.Get<LinkSetup>().Value?.Port
            ?? throw new ConfigurationException($"The actor system was made without a {nameof(LinkSetup)}.");
    }

    /// <summary>The address of a node in this transport.</summary>
    public static Address AddressOf(string system, string address, string scheme = Scheme) =>
        NodeAddress.TryParse(address, out string host, out int port) ? new Address(scheme, system, host, port)
            : throw new ArgumentException($"\"{address}\" is no HOST:PORT.", nameof(address));

    /// <summary>HOST:PORT of an address.</summary>
    public static string HostPortOf(Address address)
    {
        ArgumentNullException.ThrowIfNull(address);
        return NodeAddress.Format(address.Host, address.Port ?? 0);
    }

    /// <inheritdoc />
    public override Task<(Address, TaskCompletionSource<IAssociationEventListener>)> Listen()
    {
        Address local = _local = AddressOf(System.Name, _port.Address);
        var listener = new TaskCompletionSource<IAssociationEventListener>(TaskCreationOptions.RunContinuationsAsynchronously);
        _ = AcceptAsync(local, listener.Task);
        return Task.FromResult((local, listener));
    }

    // Links are refused until Akka listens.
    private async Task AcceptAsync(Address local, Task<IAssociationEventListener> listening)
    {
        IAssociationEventListener listener = await listening.ConfigureAwait(false);
        _port.ListenForMembership(
            link => listener.Notify(
                new InboundAssociation(new LinkHandle(local, AddressOf(System.Name, link.Peer!.Address), link, _port.Loop))));
    }

    /// <inheritdoc />
    public override bool IsResponsibleFor(Address remote) => true;

    /// <inheritdoc />
    public override async Task<AssociationHandle> Associate(Address remoteAddress)
    {
        DialOutcome outcome = await _port.DialAsync(HostPortOf(remoteAddress), LinkPurpose.Membership).ConfigureAwait(false);
        if (outcome.Link is not { } link) throw new InvalidAssociationException(outcome.Refusal?.Reason ?? outcome.Error ?? "no link");
        var handle = new TaskCompletionSource<AssociationHandle>(TaskCreationOptions.RunContinuationsAsynchronously);
        _port.Loop.Post(
            static state => ((Action)state)(), () => handle.SetResult(new LinkHandle(_local!, remoteAddress, link, _port.Loop)));
        return await handle.Task.ConfigureAwait(false);
    }

    /// <inheritdoc />
    public override Task<bool> Shutdown()
    {
        _port.ListenForMembership(null);
        _port.EndMembership();
        return Task.FromResult(true);
    }

    // One association. What arrives before Akka reads is kept.
    private sealed class LinkHandle : AssociationHandle, ILinkHandler
    {
        private const int PendingBytesMax = 8 * 1024 * 1024;

        private readonly NodeLink _link;
        private readonly Queue<IHandleEvent> _early = new();
        private IHandleEventListener? _listener;

        // On the loop's thread.
        internal LinkHandle(Address local, Address remote, NodeLink link, Broker.Reactor.Loops.EventLoop loop)
            : base(local, remote)
        {
            _link = link;
            link.Attach(this);
            ReadHandlerSource.Task.ContinueWith(
                read => loop.Post(static state => ((Action)state)(), () => Listen(read.Result)),
                CancellationToken.None,
                TaskContinuationOptions.ExecuteSynchronously | TaskContinuationOptions.OnlyOnRanToCompletion,
                TaskScheduler.Default);
        }

        private void Listen(IHandleEventListener listener)
        {
            _listener = listener;
            while (_early.TryDequeue(out IHandleEvent? early)) listener.Notify(early);
        }

        public void OnFrame(byte kind, ReadOnlySpan<byte> payload) => Notify(new InboundPayload(ByteString.CopyFrom(payload)));

        public void OnEnded() => Notify(new Disassociated(DisassociateInfo.Unknown));

        private void Notify(IHandleEvent what)
        {
            if (_listener is { } listener) listener.Notify(what);
            else _early.Enqueue(what);
        }

        public override bool Write(ByteString payload)
        {
            if (_link.PendingBytes > PendingBytesMax) return false;
            _link.Send(LinkFrames.Make(LinkFrameKind.Membership, payload.Span));
            return true;
        }

        [Obsolete("Akka's own callers use the one with a reason, which calls this.")]
        public override void Disassociate() => _link.Close("The association has ended.");
    }
}
