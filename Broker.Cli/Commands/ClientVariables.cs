namespace Broker.Cli.Commands;

/// <summary>The environment variables that stand in for options of the client commands.</summary>
public static class ClientVariables
{
    /// <summary>The hub's URL, for <c>--url</c>.</summary>
    public const string Url = "BROKER_URL";

    /// <summary>The token, for <c>--token</c>.</summary>
    public const string Token = "BROKER_TOKEN";

    /// <summary>The URL of a node's server API, for <c>--api-url</c>.</summary>
    public const string ApiUrl = "BROKER_API_URL";

    /// <summary>A key of the server API, for <c>--api-key</c>.</summary>
    public const string ApiKey = "BROKER_API_KEY";

    /// <summary>All of them: no setting of the hub has these names.</summary>
    public static IReadOnlyList<string> All { get; } = [Url, Token, ApiUrl, ApiKey];
}
