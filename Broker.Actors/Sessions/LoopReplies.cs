using Broker.Core.Buffers;
using Broker.Core.Centrifuge;

namespace Broker.Actors.Sessions;

/// <summary>What the sessions of one loop say in a turn: it leaves together at the turn's end, as one frame for each client.</summary>
/// <remarks>For the loop's thread.</remarks>
public sealed class LoopReplies(BufferPool pool)
{
    private readonly List<IReplySource> _waiting = [];

    /// <summary>The loop's pool.</summary>
    public BufferPool Pool { get; } = pool;

    /// <summary>Encodes one line; shared by all sessions of the loop, and empty between two uses.</summary>
    public ReplyWriter Writer { get; } = new();

    /// <summary>Notes that a client has something to be sealed.</summary>
    public void Add(IReplySource source) => _waiting.Add(source);

    /// <summary>Seals everything: whatever is written to a connection next, stands behind it.</summary>
    public void SealAll()
    {
        for (int i = 0; i < _waiting.Count; i++) _waiting[i].Seal();
        _waiting.Clear();
    }
}

/// <summary>Someone with replies in the making.</summary>
public interface IReplySource
{
    /// <summary>Ends the frame in the making and writes it to the connection; nothing, if there is none.</summary>
    void Seal();
}
