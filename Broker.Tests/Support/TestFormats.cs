using Broker.Actors.Channels.Delivery;
using Broker.Dialects.Centrifuge;
using Broker.Dialects.Native;
using Broker.Core.Protocol.Messages;

namespace Broker.Tests.Support;

/// <summary>The formats of the dialects, registered in the order of a hub that has all of them.</summary>
internal static class TestFormats
{
    public static PublicationFormat Json { get; } = new JsonFormat(new JsonEncoding(512 * 1024));

    private static readonly NativeEncoding s_native = new();

    public static PublicationFormat Batched { get; } = new NativeFormat(NativeProtocol.Batched, s_native);

    public static PublicationFormat Unbatched { get; } = new NativeFormat(NativeProtocol.Unbatched, s_native);

    public static PublicationFormats All { get; } = new(Json, Batched, Unbatched);

    /// <summary>A publication in the words of both encodings.</summary>
    public static EncodedPublication Encoded(byte[]? line, byte[]? message)
    {
        var encoded = new EncodedPublication();
        encoded.Set(Json.Encoding.Slot, line);
        encoded.Set(Batched.Encoding.Slot, message);
        return encoded;
    }
}
