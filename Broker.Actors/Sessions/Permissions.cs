using Broker.Actors.Model;
using Broker.Actors.Settings;
using Broker.Core.Centrifuge;

namespace Broker.Actors.Sessions;

/// <summary>What a client may want to do with a channel.</summary>
public enum ChannelAction
{
    /// <summary>Listen to it.</summary>
    Subscribe,

    /// <summary>Publish to it.</summary>
    Publish,
}

/// <summary>The one place that says yes or no: every dialect and every road to a channel asks here.</summary>
public sealed class Permissions(CentrifugeSettings settings)
{
    /// <summary>Whether a client may come in.</summary>
    /// <returns>Why not, or <c>null</c>.</returns>
    public Disconnect? CheckConnect(bool hasToken) => hasToken switch
    {
        // Tokens cannot be verified here, and one that is not verified is no proof.
        true => Disconnect.InvalidToken,
        false when !settings.Anonymous => Disconnect.PermissionDenied,
        false => null,
    };

    /// <summary>Whether a client may do something with a channel.</summary>
    /// <returns>Why not, or <c>null</c>.</returns>
    public CentrifugeError? Check(ChannelAction action, string channel, Principal principal)
    {
        ArgumentNullException.ThrowIfNull(principal);
        return action switch
        {
            _ when channel.Length == 0 => CentrifugeError.BadRequest,
            ChannelAction.Subscribe when settings.Subscribe => null,
            ChannelAction.Publish when settings.Publish => null,
            _ => CentrifugeError.PermissionDenied,
        };
    }
}
