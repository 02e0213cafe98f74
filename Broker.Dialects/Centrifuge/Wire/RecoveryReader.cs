namespace Broker.Dialects.Centrifuge.Wire;

/// <summary>Where a client that connects again left off in one channel that the server had subscribed it to.</summary>
public ref struct Recovery
{
    /// <summary>The channel, unescaped UTF-8. Borrowed like a <see cref="Command"/>'s texts.</summary>
    public ReadOnlySpan<byte> Channel { get; internal set; }

    /// <summary>The client wants what was published after <see cref="Offset"/> of <see cref="Epoch"/>.</summary>
    public bool Recover { get; internal set; }

    /// <summary>The offset known last.</summary>
    public ulong Offset { get; internal set; }

    /// <summary>The epoch known last.</summary>
    public ReadOnlySpan<byte> Epoch { get; internal set; }

    /// <summary>The delta the client can apply, "fossil" or empty.</summary>
    public ReadOnlySpan<byte> Delta { get; internal set; }
}

/// <summary>Reads <see cref="Command.Subs"/>: an object with a channel for each name.</summary>
/// <param name="subs">The object. Borrowed.</param>
public ref struct RecoveryReader(ReadOnlySpan<byte> subs)
{
    private readonly bool _none = subs.IsEmpty;
    private JsonMembers _members = new(subs);
    private bool _entered;

    /// <summary>What is wrong, or null. Always null for what a <see cref="CommandReader"/> gave, as it has looked.</summary>
    public readonly string? Reason => _members.Reason;

    /// <summary>Reads the next channel; false if there is none, or if <see cref="Reason"/> says what is wrong.</summary>
    /// <exception cref="System.Text.Json.JsonException">The bytes are not JSON; never so for a command's subs.</exception>
    public bool Read(out Recovery recovery)
    {
        recovery = default;
        if (_none) return false;
        if (!_entered && !_members.EnterRoot()) return false;
        _entered = true;
        if (!_members.Next(out ReadOnlySpan<byte> channel)) return false;

        var read = new Recovery { Channel = channel };
        if (_members.Enter("a channel of subs"))
        {
            while (_members.Next(out ReadOnlySpan<byte> name)) ReadMember(name, ref read);
        }
        if (Reason is not null) return false;
        recovery = read;
        return true;
    }

    private void ReadMember(ReadOnlySpan<byte> name, ref Recovery recovery)
    {
        if (name.SequenceEqual("recover"u8)) recovery.Recover = _members.Flag(recovery.Recover, "recover");
        else if (name.SequenceEqual("offset"u8)) recovery.Offset = _members.UInt64(recovery.Offset, "offset");
        else if (name.SequenceEqual("epoch"u8)) recovery.Epoch = _members.Text(recovery.Epoch, "epoch");
        else if (name.SequenceEqual("delta"u8)) recovery.Delta = _members.Text(recovery.Delta, "delta");
        else _members.Skip();
    }
}
