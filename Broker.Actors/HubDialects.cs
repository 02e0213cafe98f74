using Broker.Actors.Centrifuge;
using Broker.Actors.Echo;
using Broker.Actors.Native;
using Broker.Actors.Rpc;
using Broker.Actors.Sessions;
using Broker.Actors.Settings;
using Broker.Actors.Streams;
using Broker.Reactor.Loops;

namespace Broker.Actors;

/// <summary>Which dialect is spoken on which path.</summary>
/// <param name="settings">All that can be set.</param>
/// <param name="methods">What clients may call.</param>
/// <param name="version">Of this hub, told to clients.</param>
internal sealed class HubDialects(HubSettings settings, Methods methods, string version)
{
    private readonly NativeEnvironment _native = new(settings, methods);

    /// <summary>Makes the dialect of a connection by the path that it came to; every path has one.</summary>
    internal IDialect Of(Connection connection, LoopReplies replies) => connection.Endpoint!.Path switch
    {
        var path when path == settings.Centrifuge.Path => new CentrifugeConversation(connection, replies, settings.Centrifuge, version),
        var path when settings.Native.Enabled && path == settings.Native.Path => new NativeConversation(connection, replies, _native),
        _ => new EchoDialect(connection),
    };
}
