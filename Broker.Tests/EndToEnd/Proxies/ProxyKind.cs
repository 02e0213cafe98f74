namespace Broker.Tests.EndToEnd.Proxies;

/// <summary>A proxy as docs/PROXIES.md sets it up, or with one thing changed.</summary>
/// <param name="Program">What runs it.</param>
/// <param name="Configuration">Its configuration, with the ports of the document.</param>
/// <param name="BrokerConfiguration">What Broker is told about it.</param>
internal sealed record ProxyKind(string Program, string Configuration, string BrokerConfiguration)
{
    private const string Nginx = "/usr/sbin/nginx", HAProxy = "/usr/sbin/haproxy";

    private static readonly string s_forwarded = ProxySnippet.Read("hocon", "broker.conf, X-Forwarded-For from this machine");
    private static readonly string s_preamble = ProxySnippet.Read("hocon", "broker.conf, PROXY headers from this machine");
    private static readonly string s_nginx = ProxySnippet.Read("nginx", "/etc/nginx/conf.d/broker.conf");
    private static readonly string s_http = ProxySnippet.Read("haproxy", "/etc/haproxy/haproxy.cfg, HTTP mode");
    private static readonly string s_tcp = ProxySnippet.Read("haproxy", "/etc/haproxy/haproxy.cfg, TCP mode");

    /// <summary>Finds a proxy by the name that tests print.</summary>
    public static ProxyKind Find(string name) => name switch
    {
        "nginx" => new ProxyKind(Nginx, s_nginx, s_forwarded),
        "nginx that keeps connections" => new ProxyKind(
            Nginx,
            s_nginx.With("server 127.0.0.1:8000;", "server 127.0.0.1:8000;\n    keepalive 4;").With("''      close;", "''      '';"),
            s_forwarded),
        "HAProxy, HTTP" => new ProxyKind(HAProxy, s_http, s_forwarded),
        "HAProxy, HTTP, that keeps connections" =>
            new ProxyKind(HAProxy, s_http.With("    option forwardfor", "    option forwardfor\n    http-reuse always"), s_forwarded),
        "HAProxy, TCP, PROXY version 1" => new ProxyKind(HAProxy, s_tcp.With("send-proxy-v2", "send-proxy"), s_preamble),
        "HAProxy, TCP, PROXY version 2" => new ProxyKind(HAProxy, s_tcp, s_preamble),
        "HAProxy, TCP, PROXY version 2 with a checksum" =>
            new ProxyKind(HAProxy, s_tcp.With("send-proxy-v2", "send-proxy-v2 proxy-v2-options crc32c,unique-id"), s_preamble),
        _ => throw new ArgumentOutOfRangeException(nameof(name), name, "no such proxy"),
    };

    /// <summary>Whether it is nginx, which wants a frame around what stands in the document.</summary>
    public bool IsNginx => Program == Nginx;
}
