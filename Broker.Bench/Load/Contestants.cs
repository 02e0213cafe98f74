namespace Broker.Bench.Load;

/// <summary>The servers that a load run knows how to start, in the order in which they take turns.</summary>
internal static class Contestants
{
    public const string Broker = "broker";

    // The generator answers no protocol's pings, and who does not answer Broker's is disconnected: in a run of some seconds, one of many.
    private static readonly string[] s_withoutPings = ["env", "BROKER_CENTRIFUGE_PING_INTERVAL=1h", "BROKER_CENTRIFUGE_PONG_LIMIT=1h"];

    /// <summary>All known servers, also those that are not installed here.</summary>
    /// <param name="hostCommand">Starts Broker, with <c>{port}</c> in it; none for the Release build of this tree.</param>
    public static IReadOnlyList<Contestant> Known(string? hostCommand) =>
    [
        OfThisTree(Broker, Dialects.Centrifuge, hostCommand),
        OfThisTree($"{Broker}-native", Dialects.Native, hostCommand),
        InThisAssembly("kestrel-echo", Dialects.EchoOnly),
        InThisAssembly("kestrel-hub", Dialects.Plain with { EchoPath = null }),
        InThisAssembly("signalr", Dialects.SignalR),
        NodeWs(),
        Nats(),
        Mosquitto(),
    ];

    /// <summary>A server given as <c>NAME=COMMAND</c> or <c>NAME:DIALECT=COMMAND</c>; the dialect is plain unless named.</summary>
    public static Contestant Parse(string definition)
    {
        if (definition.Split('=', 2) is not [var left, var command] || !command.Contains("{port}", StringComparison.Ordinal))
            throw new LoadException($"A peer is NAME=COMMAND or NAME:DIALECT=COMMAND, with {{port}} in the command: {definition}");
        string[] names = left.Split(':', 2);
        string dialect = names.Length == 2 ? names[1] : Dialects.Plain.Name;
        if (names[0].Length == 0 || names[0].Any(c => char.IsWhiteSpace(c) || c == ','))
            throw new LoadException($"A peer's name has no space and no comma in it: {definition}");
        if (!Dialects.ByName.TryGetValue(dialect, out Dialect? known))
            throw new LoadException($"There is no dialect {dialect}; there are {string.Join(", ", Dialects.ByName.Keys)}.");
        return FromCommand(names[0], known, command);
    }

    private static Contestant FromCommand(string name, Dialect dialect, string command)
    {
        IReadOnlyList<string> words =
            [.. dialect == Dialects.Centrifuge || dialect == Dialects.Native ? s_withoutPings : [], .. CommandLine.Split(command)];
        return new Contestant(
            name,
            dialect,
            place => [.. words.Select(word => word.Replace("{port}", $"{place.Port}", StringComparison.Ordinal))]);
    }

    private static Contestant OfThisTree(string name, Dialect dialect, string? hostCommand)
    {
        if (hostCommand is not null) return FromCommand(name, dialect, hostCommand);
        string assembly = Path.Combine(Tree.Root, "Broker.Host", "bin", "Release", "net10.0", "broker.dll");
        return new Contestant(
            name,
            dialect,
            place => [.. s_withoutPings, "dotnet", assembly, "serve", "--port", $"{place.Port}", "--echo"])
        {
            Missing = File.Exists(assembly) ? null : "not built: dotnet build -c Release Broker.Host",
        };
    }

    private static Contestant InThisAssembly(string name, Dialect dialect)
    {
        string assembly = typeof(Contestants).Assembly.Location;
        return new Contestant(name, dialect, place => ["dotnet", assembly, "peer", name, "--port", $"{place.Port}"]);
    }

    private static Contestant NodeWs()
    {
        string folder = Path.Combine(Tree.Root, "Broker.Bench", "Peers", "node");
        string? missing = CommandLine.Find("node") is null ? "node is not installed"
            : !Directory.Exists(Path.Combine(folder, "node_modules", "ws")) ? "npm ci has not run in Broker.Bench/Peers/node"
            : null;
        const string Versions =
            "console.log('ws ' + require('ws/package.json').version + ' on node ' + process.version)";
        return new Contestant(
            "node-ws",
            Dialects.Plain,
            place => ["node", Path.Combine(folder, "server.js"), "--port", $"{place.Port}"])
        {
            Missing = missing,
            VersionCommand = ["env", "-C", folder, "node", "--input-type=commonjs", "-e", Versions],
        };
    }

    private static Contestant Nats()
    {
        string? program = CommandLine.Find("nats-server");
        return new Contestant("nats", Dialects.Nats, place =>
        {
            // Clients over WebSocket only: the plain port is any free one. The generator answers no protocol PING.
            string file = Path.Combine(place.Folder, "nats.conf");
            File.WriteAllText(file, $$"""
                listen: "127.0.0.1:-1"
                websocket { listen: "127.0.0.1:{{place.Port}}", no_tls: true }
                ping_interval: "1h"
                ping_max: 1000

                """);
            return [program!, "-c", file];
        })
        {
            Missing = program is null ? "nats-server is not installed" : null,
            VersionCommand = program is null ? null : [program, "--version"],
        };
    }

    private static Contestant Mosquitto()
    {
        string? program = CommandLine.Find("mosquitto");
        return new Contestant("mosquitto", Dialects.Mqtt, place =>
        {
            // Nothing is dropped for a full queue, so that deliveries can be counted. Version 2.0 does not start with a
            // WebSocket listener alone, so it gets a socket file as well; with IPv6 on, it would ignore the address.
            string file = Path.Combine(place.Folder, "mosquitto.conf");
            File.WriteAllText(file, $"""
                user {Environment.UserName}
                listener 0 {Path.Combine(place.Folder, "mqtt.sock")}
                listener {place.Port} 127.0.0.1
                socket_domain ipv4
                protocol websockets
                allow_anonymous true
                persistence false
                set_tcp_nodelay true
                max_queued_messages 0
                log_type error

                """);
            return [program!, "-c", file];
        })
        {
            Missing = program is null ? "mosquitto is not installed" : null,
            VersionCommand = program is null ? null : [program, "-h"],
        };
    }
}
