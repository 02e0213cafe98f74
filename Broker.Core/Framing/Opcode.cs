namespace Broker.Core.Framing;

/// <summary>What a frame is, RFC 6455 section 5.2. Every other value of the four bits is reserved.</summary>
public enum Opcode : byte
{
    /// <summary>One more fragment of the message that is open.</summary>
    Continuation = 0x0,

    /// <summary>A message, or its first fragment, in UTF-8.</summary>
    Text = 0x1,

    /// <summary>A message, or its first fragment, of any bytes.</summary>
    Binary = 0x2,

    /// <summary>The last frame of its sender.</summary>
    Close = 0x8,

    /// <summary>Asks for a <see cref="Pong"/> with the same payload.</summary>
    Ping = 0x9,

    /// <summary>Answers a <see cref="Ping"/>, or is a sign of life that was not requested.</summary>
    Pong = 0xA,
}

/// <summary>Questions about an <see cref="Opcode"/>.</summary>
public static class Opcodes
{
    extension(Opcode opcode)
    {
        /// <summary>Whether the highest bit says "control frame", reserved ones included.</summary>
        public bool IsControl => (byte)opcode >= 0x8;

        /// <summary>Whether the frame may begin a message.</summary>
        public bool BeginsMessage => opcode is Opcode.Text or Opcode.Binary;
    }
}
