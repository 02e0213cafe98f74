using Broker.Actors.Sessions;
using Broker.Core.Buffers;
using Broker.Core.Framing;
using Broker.Core.Protocol.Messages;

namespace Broker.Actors.Routing;

/// <summary>A sealed batch on its way to many: as it is, and compressed once for each way that one of them wants.</summary>
internal ref struct AudienceFrames
{
    private readonly bool _isNative;
    private FrameVariants _lines;           // In permessage-deflate,
    private PayloadVariants _messages;      // or in the native protocol's own way.

    internal AudienceFrames(FrameVariants lines) => _lines = lines;

    internal AudienceFrames(PayloadVariants messages)
    {
        _messages = messages;
        _isNative = true;
    }

    internal SharedBytes For(ISessionOutlet outlet, out int at) =>
        _isNative ? _messages.For(outlet.Compression, out at) : _lines.For(outlet.Connection.Deflate, out at);

    internal void LetGo()
    {
        if (_isNative) _messages.LetGo();
        else _lines.LetGo();
    }
}
