namespace Broker.Core.Upgrade;

/// <summary>Chooses one of the subprotocols that a client offers, for one endpoint. RFC 6455 section 4.2.2.</summary>
public sealed class SubprotocolChoice
{
    private readonly string[] _supported;
    private readonly string? _fallback;
    private readonly bool _refusesUnmatched;

    /// <summary>Takes what the endpoint uses.</summary>
    /// <param name="supported">Subprotocols, the most preferred first.</param>
    /// <param name="fallback">What is used with a client that offers none, or <c>null</c> for no subprotocol at all.</param>
    /// <param name="refusesUnmatched">Whether a client that offers only others is refused, instead of served as if it offered none.</param>
    /// <exception cref="ArgumentException">A name is not a token.</exception>
    public SubprotocolChoice(IReadOnlyList<string> supported, string? fallback, bool refusesUnmatched)
    {
        foreach (string name in supported)
        {
            if (!HttpText.IsToken(name)) throw new ArgumentException($"'{name}' is not a token.", nameof(supported));
        }

        _supported = [.. supported];
        _fallback = fallback;
        _refusesUnmatched = refusesUnmatched;
    }

    /// <summary>Whether a client that offers none is refused too; then there is no fallback.</summary>
    public bool RefusesNone { get; init; }

    /// <summary>
    /// What a client that offers none asks for by the query of its URL: a subprotocol that is used, or null for the fallback.
    /// </summary>
    public Func<string, string?>? OfQuery { get; init; }

    /// <summary>Chooses for a request. A client that offers subprotocols is answered by those alone.</summary>
    /// <inheritdoc cref="Check(IReadOnlyList{string}, out ChosenSubprotocol)" />
    public UpgradeFault? Check(UpgradeRequest request, out ChosenSubprotocol chosen)
    {
        ArgumentNullException.ThrowIfNull(request);
        if (request.Subprotocols.Count > 0 || OfQuery?.Invoke(request.Query) is not { } asked)
            return Check(request.Subprotocols, out chosen);
        chosen = new ChosenSubprotocol(asked, Answered: null);
        return null;
    }

    /// <summary>Chooses by the order of the endpoint, whatever the order of the client.</summary>
    /// <param name="offered">What the client offers; compared exactly.</param>
    /// <param name="chosen">What is used and what is answered.</param>
    /// <returns><c>null</c>, or status 400 where nothing offered is used, or nothing offered, and the endpoint insists.</returns>
    public UpgradeFault? Check(IReadOnlyList<string> offered, out ChosenSubprotocol chosen)
    {
        foreach (string name in _supported)
        {
            if (!Holds(offered, name)) continue;
            chosen = new ChosenSubprotocol(name, Answered: name);
            return null;
        }

        // "If the server does not agree to any of the client's requested subprotocols, the only acceptable value is
        // null", section 4.2.2: a fallback is used without being announced, or browsers would hang up.
        chosen = new ChosenSubprotocol(_fallback, Answered: null);
        return (offered.Count > 0 ? _refusesUnmatched : RefusesNone)
            ? new UpgradeFault(400, $"None of the subprotocols offered is served here: {string.Join(", ", _supported)}.")
            : null;
    }

    private static bool Holds(IReadOnlyList<string> offered, string name)
    {
        for (int i = 0; i < offered.Count; i++)
        {
            if (string.Equals(offered[i], name, StringComparison.Ordinal)) return true;
        }

        return false;
    }
}

/// <summary>The outcome of a choice.</summary>
/// <param name="Supported">The subprotocol that both sides use from now on, or <c>null</c> for none.</param>
/// <param name="Answered">The value for Sec-WebSocket-Protocol, or <c>null</c> to leave the field out.</param>
public readonly record struct ChosenSubprotocol(string? Supported, string? Answered);
