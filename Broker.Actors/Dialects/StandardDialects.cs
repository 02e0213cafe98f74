using Broker.Actors.Centrifuge;
using Broker.Actors.Echo;
using Broker.Actors.Native;
using Broker.Actors.Settings;

namespace Broker.Actors.Dialects;

/// <summary>The dialects that a hub speaks by itself.</summary>
public static class StandardDialects
{
    /// <summary>All of them, with their settings.</summary>
    public static IReadOnlyList<IDialectFactory> Of(HubSettings settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        return [new CentrifugeDialect(settings.Centrifuge), new NativeDialect(settings.Native, settings.Centrifuge.MessageBytesMax), new EchoDialect(settings.Echo)];
    }
}
