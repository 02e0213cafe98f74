using System.Text;

namespace Broker.Dialects.Centrifuge.Wire;

/// <summary>One command of a client. What the client left out, or gave as null, is empty, false or 0.</summary>
/// <remarks>
/// Borrowed: every span is a view of the frame that it was read from, or of an array of its own if the text was escaped
/// in the frame. All texts are unescaped UTF-8, and are UTF-8 if the frame was, which its reader has checked already.
/// </remarks>
public ref struct Command
{
    /// <summary>The number that the reply repeats; 0 for a pong, and perhaps for a send.</summary>
    public uint Id { get; internal set; }

    /// <summary>The method.</summary>
    public CommandKind Kind { get; internal set; }

    /// <summary>The channel, of each method that has one. Empty is error 107, bad request, where one is needed.</summary>
    public ReadOnlySpan<byte> Channel { get; internal set; }

    /// <summary>
    /// Connect, subscribe, publish, send, rpc: the data, byte for byte as the client wrote it; empty if it wrote none. In the
    /// JSON form it is one well-formed value that holds no line feed, as that would have ended the command. In the Protobuf
    /// form it is any bytes.
    /// </summary>
    public ReadOnlySpan<byte> Data { get; internal set; }

    /// <summary>Connect, subscribe, refresh, sub_refresh: the token.</summary>
    public ReadOnlySpan<byte> Token { get; internal set; }

    /// <summary>Connect: the name of the client's software, "js" unless its user chose another.</summary>
    public ReadOnlySpan<byte> Name { get; internal set; }

    /// <summary>Connect: the version of the client's software.</summary>
    public ReadOnlySpan<byte> Version { get; internal set; }

    /// <summary>Connect: a JSON object of what to recover, in both forms; <see cref="RecoveryReader"/> reads it. Already checked.</summary>
    public ReadOnlySpan<byte> Subs { get; internal set; }

    /// <summary>Connect: headers for the application, a JSON object in both forms. Its inside is not checked.</summary>
    public ReadOnlySpan<byte> Headers { get; internal set; }

    /// <summary>Rpc: the method to call.</summary>
    public ReadOnlySpan<byte> Method { get; internal set; }

    /// <summary>Subscribe: give what was published after <see cref="Offset"/> of <see cref="Epoch"/>.</summary>
    public bool Recover { get; internal set; }

    /// <summary>Subscribe with <see cref="Recover"/>, history with <see cref="Since"/>: the offset known last.</summary>
    public ulong Offset { get; internal set; }

    /// <summary>Subscribe with <see cref="Recover"/>, history with <see cref="Since"/>: the epoch known last.</summary>
    public ReadOnlySpan<byte> Epoch { get; internal set; }

    /// <summary>Subscribe: the client wants offsets that are checked for gaps.</summary>
    public bool Positioned { get; internal set; }

    /// <summary>Subscribe: the client will want to recover after a lost connection.</summary>
    public bool Recoverable { get; internal set; }

    /// <summary>Subscribe: the client wants to learn of joins and leaves.</summary>
    public bool JoinLeave { get; internal set; }

    /// <summary>Subscribe: the delta the client can apply, "fossil" or empty. Another one is bad request, 3501.</summary>
    public ReadOnlySpan<byte> Delta { get; internal set; }

    /// <summary>Subscribe: a filter over tags, a JSON object in both forms. Its inside is not checked.</summary>
    public ReadOnlySpan<byte> TagsFilter { get; internal set; }

    /// <summary>Subscribe: bit 1 asks for numeric channel ids, bit 2 for error 112 if recovery is not possible.</summary>
    public long Flags { get; internal set; }

    /// <summary>Subscribe, publish, sub_refresh: 0 is a plain channel; a server without the others answers 108.</summary>
    public int Type { get; internal set; }

    /// <summary>History: publications at most; 0 asks for the position alone, and a negative one for all.</summary>
    public int Limit { get; internal set; }

    /// <summary>History: newest first.</summary>
    public bool Reverse { get; internal set; }

    /// <summary>History: start after <see cref="Offset"/> of <see cref="Epoch"/>.</summary>
    public bool Since { get; internal set; }

    /// <summary>One of the texts as a string to keep. What is not UTF-8 becomes U+FFFD, and nothing is thrown.</summary>
    public static string Keep(ReadOnlySpan<byte> text) => Encoding.UTF8.GetString(text);
}
