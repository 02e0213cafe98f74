namespace Broker.Cli.Commands;

/// <summary>The environment variables that stand in for options of the client commands.</summary>
public static class ClientVariables
{
    /// <summary>The hub's URL, for <c>--url</c>.</summary>
    public const string Url = "BROKER_URL";

    /// <summary>The token, for <c>--token</c>.</summary>
    public const string Token = "BROKER_TOKEN";

    /// <summary>All of them: no setting of the hub has these names.</summary>
    public static IReadOnlyList<string> All { get; } = [Url, Token];
}
