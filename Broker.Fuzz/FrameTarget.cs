using System.Buffers;
using System.Text;
using Broker.Core.Buffers;
using Broker.Core.Framing;

namespace Broker.Fuzz;

/// <summary>
/// The header reader, the assembler and the turn. The first byte says how the rest, the wire, is cut into reads and what the
/// handler does; then the story has to be the one of the uncut wire, the answer has to be well-formed, the bytes around the
/// read have to be untouched, and every buffer has to come back.
/// </summary>
public static class FrameTarget
{
    private const int Margin = 16;
    private const byte MarginByte = 0xEE;

    private static readonly FrameEngineSettings s_server = new(MessageBytesMax: 4096, FragmentsMax: 8);
    private static readonly FrameEngineSettings s_extended = s_server with { ReservedAllowed = 4 };
    private static readonly FrameEngineSettings s_lenient = s_server with { MaskMode = MaskMode.Lenient };

    /// <summary>Runs one input.</summary>
    public static void Run(byte[] input)
    {
        if (input.Length < 2) return;
        FrameEngineSettings settings = (input[0] & 3) switch { 0 => s_extended, 1 => s_lenient, _ => s_server };
        bool echoes = (input[0] & 4) == 0;
        int step = 1 + (input[0] >> 3);
        byte[] wire = input[1..];

        string whole = Describe(settings, wire, wire.Length, echoes);
        string cut = Describe(settings, wire, step, echoes);
        FindingException.Unless(whole == cut, $"Reads of {step} bytes differ.\nwhole:\n{whole}\ncut:\n{cut}");
    }

    private static string Describe(FrameEngineSettings settings, byte[] wire, int step, bool echoes)
    {
        var pool = new BufferPool();
        var engine = new FrameEngine(settings, pool);
        var turn = new Turn(pool);
        var story = new StringBuilder();
        var output = new ArrayBufferWriter<byte>();
        for (int start = 0; start < wire.Length; start += step)
        {
            int length = Math.Min(step, wire.Length - start);
            byte[] buffer = new byte[length + 2 * Margin];
            Array.Fill(buffer, MarginByte);
            wire.AsSpan(start, length).CopyTo(buffer.AsSpan(Margin));
            turn.Begin(engine, buffer, Margin, length);
            while (turn.TryRead(out Message message))
            {
                story.Append(message.Opcode).Append(' ').AppendLine(Convert.ToHexString(message.Payload));
                FindingException.Unless(message.Payload.Length <= settings.MessageBytesMax, "A message passes the limit.");
                if (echoes) turn.Echo(message);
                else turn.Reply(Opcode.Binary, message.Payload[..(message.Payload.Length / 2)]);
            }

            output.Write(turn.Output.Span);
            if (turn.Violation is not null) story.AppendLine(turn.Violation.ToString());
            if (turn.PeerClose != ClosePayload.None) story.AppendLine(turn.PeerClose.ToString());
            turn.End();
            FindingException.Unless(!buffer.AsSpan(0, Margin).ContainsAnyExcept(MarginByte), "Bytes before the read were written.");
            FindingException.Unless(!buffer.AsSpan(Margin + length).ContainsAnyExcept(MarginByte), "Bytes behind the read were written.");
        }

        story.Append(engine.State).Append(' ').Append(Convert.ToHexString(output.WrittenSpan));
        Judge(output.WrittenSpan, settings.ReservedAllowed);
        engine.Drop();
        FindingException.Unless(pool.Outstanding == 0, $"{pool.Outstanding} buffers did not come back.");
        return story.ToString();
    }

    // What a server says: whole frames, unmasked, nothing behind a Close.
    private static void Judge(ReadOnlySpan<byte> output, byte reservedAllowed)
    {
        var rules = new FrameRules(Side.Client, ReservedAllowed: reservedAllowed);
        var reader = new FrameReader(output);
        bool closed = false;
        while (reader.Position < output.Length)
        {
            FindingException.Unless(!closed, "Something stands behind the Close frame.");
            FindingException.Unless(reader.ReadHeader(out FrameHeader header) == OperationStatus.Done, "The answer is no frame.");
            FindingException.Unless(rules.Check(header, messageOpen: false, maskWanted: false) is null, "The answer breaks a rule.");
            FindingException.Unless(header.PayloadLength <= output.Length - reader.Position, "The answer is cut.");
            ReadOnlySpan<byte> payload = reader.TakePayload((int)header.PayloadLength);
            if (header.Opcode != Opcode.Close) continue;
            closed = true;
            FindingException.Unless(ClosePayload.Check(payload, out _) is null, "The Close frame may not be sent so.");
        }
    }
}
