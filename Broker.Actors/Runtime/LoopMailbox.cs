using Akka.Actor;
using Akka.Configuration;
using Akka.Dispatch;
using Akka.Dispatch.MessageQueues;

namespace Broker.Actors.Runtime;

/// <summary>The mailbox of actors on a loop: 32 bytes while it is empty, which the mailboxes of idle sessions are.</summary>
/// <remarks>Akka's own keeps a segment of 32 places for each actor, three quarters of a kibibyte.</remarks>
public sealed class LoopMailbox(Akka.Actor.Settings settings, Config config) : MailboxType(settings, config),
    IProducesMessageQueue<LoopMailbox.Messages>
{
    /// <inheritdoc />
    public override IMessageQueue Create(IActorRef owner, ActorSystem system) => new Messages();

    /// <summary>
    /// First in, first out, for any number of senders and one receiver: senders push on a stack, and the receiver turns the
    /// whole stack round when it has used up what it turned before.
    /// </summary>
    public sealed class Messages : IMessageQueue, IUnboundedMessageQueueSemantics
    {
        private Node? _pushed;      // Newest first; senders and receiver.
        private Node? _turned;      // Oldest first; the receiver's own.

        private sealed class Node(Envelope envelope)
        {
            internal readonly Envelope Envelope = envelope;
            internal Node? Next;
        }

        /// <inheritdoc />
        public bool HasMessages => _turned is not null || Volatile.Read(ref _pushed) is not null;

        /// <inheritdoc />
        public int Count => Length(_turned) + Length(Volatile.Read(ref _pushed));

        private static int Length(Node? node)
        {
            int length = 0;
            for (; node is not null; node = node.Next) length++;
            return length;
        }

        /// <inheritdoc />
        public void Enqueue(IActorRef receiver, Envelope envelope)
        {
            var node = new Node(envelope);
            Node? newest = Volatile.Read(ref _pushed);
            while (true)
            {
                node.Next = newest;
                Node? found = Interlocked.CompareExchange(ref _pushed, node, newest);
                if (ReferenceEquals(found, newest)) return;
                newest = found;
            }
        }

        /// <inheritdoc />
        public bool TryDequeue(out Envelope envelope)
        {
            if (_turned is null) TurnRound();
            if (_turned is not { } oldest)
            {
                envelope = default;
                return false;
            }

            _turned = oldest.Next;
            envelope = oldest.Envelope;
            return true;
        }

        private void TurnRound()
        {
            Node? newest = Interlocked.Exchange(ref _pushed, null);
            while (newest is not null)
            {
                Node? older = newest.Next;
                newest.Next = _turned;
                _turned = newest;
                newest = older;
            }
        }

        /// <inheritdoc />
        public void CleanUp(IActorRef owner, IMessageQueue deadletters)
        {
            ArgumentNullException.ThrowIfNull(deadletters);
            while (TryDequeue(out Envelope envelope)) deadletters.Enqueue(owner, envelope);
        }
    }
}
