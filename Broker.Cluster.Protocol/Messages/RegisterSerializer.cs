using System.Buffers;
using Broker.Cluster.Protocol.Register;

namespace Broker.Cluster.Protocol.Messages;

/// <summary>The bytes of a partition's record in the replicated register: <c>u8 version (1)</c>, then the claim and the set.</summary>
public static class RegisterSerializer
{
    /// <summary>The version that is written.</summary>
    public const byte Version = 1;

    /// <summary>Writes a record.</summary>
    /// <returns>The bytes; an array of their own.</returns>
    public static byte[] Write(RegisterRecord record)
    {
        var output = new ArrayBufferWriter<byte>(96);
        var writer = new WireWriter(output);
        writer.WriteByte(Version);
        writer.WriteRecord(record);
        return output.WrittenSpan.ToArray();
    }

    /// <summary>Reads a record.</summary>
    /// <returns>The record, or null if the bytes are none.</returns>
    public static RegisterRecord? Read(ReadOnlySpan<byte> bytes)
    {
        var reader = new WireReader(bytes);
        byte version = reader.ReadByte();
        RegisterRecord record = reader.ReadRecord();
        return version < Version || !reader.IsGood || (version == Version && reader.Left > 0) ? null : record;
    }
}
