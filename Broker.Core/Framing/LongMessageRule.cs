namespace Broker.Core.Framing;

/// <summary>
/// Takes a message that is longer than others may be, if it begins as only such messages do: no more than the length of others is held
/// before that is known.
/// </summary>
/// <param name="BytesMax">The longest such message; beyond it 1009.</param>
/// <param name="Accepts">
/// Judges the first bytes, as many as the longest other message has. A compressed message is never asked about.
/// </param>
public sealed record LongMessageRule(int BytesMax, LongMessageCheck Accepts);

/// <summary>Judges the beginning of a message that is longer than others may be.</summary>
/// <param name="opcode">Text or binary.</param>
/// <param name="first">Its first bytes, unmasked. Borrowed.</param>
/// <returns>Whether the rest may follow.</returns>
public delegate bool LongMessageCheck(Opcode opcode, ReadOnlySpan<byte> first);
