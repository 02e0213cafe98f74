using System.Buffers;
using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;
using Broker.Core.Buffers;
using Broker.Core.Deflate;
using Broker.Core.Framing;

namespace Broker.Fuzz;

/// <summary>
/// Compressed messages, through engine and turn. The first byte says what was agreed on and how the frames are cut; the rest
/// is payloads, each behind a byte with its length. What comes out has to be the same however it is cut, no longer than the
/// limit, what .NET's own stream makes of it, and readable again from its echo; and every buffer and native state comes back.
/// </summary>
public static class InflateTarget
{
    private const int InputBytesMax = 4096, MessageBytesMax = 64 * 1024;
    private const byte Compressed = 4;
    private const uint Key = 0x37fa213d;

    private static readonly FrameEngineSettings s_server = new(MessageBytesMax, FragmentsMax: InputBytesMax);

    /// <summary>Runs one input.</summary>
    public static void Run(byte[] input)
    {
        if (input.Length is < 2 or > InputBytesMax) return;
        int live = ZLib.Live;
        bool keeps = (input[0] & 1) != 0;
        Opcode opcode = (input[0] & 2) != 0 ? Opcode.Text : Opcode.Binary;
        var terms = new DeflateTerms(8 + ((input[0] >> 2) & 7), DeflateOffer.WindowBitsMax, keeps, keeps);
        int step = 1 + 9 * (input[0] >> 5);
        List<byte[]> payloads = Split(input.AsSpan(1));

        string whole = Describe(terms, opcode, payloads, InputBytesMax, out List<byte[]> messages);
        string cut = Describe(terms, opcode, payloads, step, out _);
        FindingException.Unless(whole == cut, $"Parts of {step} bytes differ.\nwhole:\n{whole}\ncut:\n{cut}");
        for (int i = 0; !keeps && i < messages.Count; i++) Compare(payloads[i], messages[i]);
        FindingException.Unless(ZLib.Live == live, "A native state did not come back.");
    }

    private static List<byte[]> Split(ReadOnlySpan<byte> rest)
    {
        var payloads = new List<byte[]>();
        while (!rest.IsEmpty)
        {
            int length = rest[0] == 0 ? rest.Length - 1 : Math.Min(rest[0], rest.Length - 1);
            payloads.Add(rest.Slice(1, length).ToArray());
            rest = rest[(1 + length)..];
        }

        return payloads;
    }

    // Frames of so many bytes, in reads of as many.
    private static string Describe(DeflateTerms terms, Opcode opcode, List<byte[]> payloads, int step, out List<byte[]> messages)
    {
        var pool = new BufferPool();
        var policy = new DeflatePolicy(new DeflateBudget(long.MaxValue));
        using var loop = new LoopDeflate(pool);
        var engine = new FrameEngine(s_server, pool, new MessageDeflate(terms, policy, loop));
        var turn = new Turn(pool);
        var story = new StringBuilder();
        var output = new ArrayBufferWriter<byte>();
        messages = [];
        byte[] wire = [.. payloads.SelectMany(payload => FramesOf(opcode, payload, step))];
        for (int start = 0; start < wire.Length; start += step)
        {
            int length = Math.Min(step, wire.Length - start);
            turn.Begin(engine, wire.AsSpan(start, length).ToArray(), 0, length);
            while (turn.TryRead(out Message message))
            {
                story.Append(message.Opcode).Append(' ').Append(message.Payload.Length).Append(' ')
                    .AppendLine(Convert.ToHexString(SHA256.HashData(message.Payload)));
                FindingException.Unless(message.Payload.Length <= MessageBytesMax, "A message passes the limit.");
                messages.Add(message.Payload.ToArray());
                turn.Echo(message);
            }

            output.Write(turn.Output.Span);
            if (turn.Violation is { } broken)
            {
                FindingException.Unless(
                    broken.Code == CloseCode.InvalidPayload || broken.Code == CloseCode.MessageTooBig,
                        $"An answer that broken data has not: {broken}");
                story.AppendLine(broken.ToString());
            }

            turn.End();
        }

        story.Append(engine.State).Append(' ').Append(Convert.ToHexString(SHA256.HashData(output.WrittenSpan)));
        ReadEchoes(terms, output.WrittenSpan, messages, policy, loop);
        engine.Drop();
        FindingException.Unless(pool.Outstanding == 0, $"{pool.Outstanding} buffers did not come back.");
        return story.ToString();
    }

    private static IEnumerable<byte> FramesOf(Opcode opcode, byte[] payload, int step)
    {
        for (int start = 0; start == 0 || start < payload.Length; start += step)
        {
            int length = Math.Min(step, payload.Length - start);
            byte[] frame =
                FrameWriter.Frame(
                    start == 0 ? opcode : Opcode.Continuation, payload.AsSpan(start, length), Key, final: start + length == payload.Length);
            if (start == 0) frame[0] |= Compressed << 4;
            foreach (byte each in frame) yield return each;
        }
    }

    private static void ReadEchoes(
        DeflateTerms terms, ReadOnlySpan<byte> output, List<byte[]> messages, DeflatePolicy policy, LoopDeflate loop)
    {
        // What the server keeps of its own messages, their reader keeps of them.
        MessageDeflate client = new(terms with { ClientContext = terms.ServerContext, ServerContext = false }, policy, loop);
        var reader = new FrameReader(output);
        int count = 0;
        while (reader.Position < output.Length)
        {
            FindingException.Unless(reader.ReadHeader(out FrameHeader header) == OperationStatus.Done, "The answer is no frame.");
            ReadOnlySpan<byte> payload = reader.TakePayload((int)header.PayloadLength);
            if (header.Opcode == Opcode.Close) continue;
            FindingException.Unless(header.Reserved == Compressed && count < messages.Count, "A frame that is no echo.");
            FrameViolation? broken = client.Inflate(header.Opcode, payload, MessageBytesMax, out SharedBytes? message);
            FindingException.Unless(broken is null, $"The echo is broken: {broken}");
            FindingException.Unless(
                message!.Array.AsSpan(0, message.Length).SequenceEqual(messages[count++]), "The echo says something else.");
            message.Release();
        }

        FindingException.Unless(count == messages.Count, $"{messages.Count} messages, {count} echoes.");
        client.Drop();
    }

    // The other reader ends at the first final block, so it may see less, but nothing else.
    private static void Compare(byte[] payload, byte[] message)
    {
        if (payload.Length == 0)
        {
            // It is no DEFLATE, as no header stands before the tail; the hub takes it for what it must mean.
            FindingException.Unless(message.Length == 0, "Something came of nothing.");
            return;
        }

        using var source = new MemoryStream([.. payload, 0x00, 0x00, 0xff, 0xff, 0x01, 0x00, 0x00, 0xff, 0xff]);
        using var other = new DeflateStream(source, CompressionMode.Decompress);
        byte[] seen = new byte[message.Length + 1];
        int count = other.ReadAtLeast(seen, seen.Length, throwOnEndOfStream: false);
        FindingException.Unless(message.AsSpan().StartsWith(seen.AsSpan(0, count)), ".NET's own stream reads something else.");
    }
}
