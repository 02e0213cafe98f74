namespace Broker.Dialects.Centrifuge.Wire.Protobuf;

/// <summary>How the value of a field stands on the wire. Protocol Buffers encoding, "Message Structure".</summary>
internal enum WireType : byte
{
    /// <summary>A number of 1 to 10 bytes, 7 bits in each, the lowest first.</summary>
    Varint = 0,

    /// <summary>8 bytes.</summary>
    Fixed64 = 1,

    /// <summary>A varint length and so many bytes.</summary>
    Bytes = 2,

    /// <summary>4 bytes.</summary>
    Fixed32 = 5,
}
