using Broker.Dialects.Centrifuge;
using Broker.Dialects.Echo;
using Broker.Dialects.Native;
using Broker.Actors.Dialects;

namespace Broker.Dialects;

/// <summary>The dialects that a hub implements by itself.</summary>
public static class StandardDialects
{
    /// <summary>All of them, with their settings.</summary>
    public static IReadOnlyList<IDialectFactory> Of(StandardSettings settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        return [new CentrifugeDialect(settings.Centrifuge), new NativeDialect(settings.Native, settings.Centrifuge.MessageBytesMax),
            new EchoDialect(settings.Echo)];
    }
}
