namespace Broker.Bench.Peers;

/// <summary>A server to compare with, written as its own documentation would have it written.</summary>
internal interface IPeerServer
{
    /// <summary>Whether permessage-deflate can be switched on.</summary>
    bool CanCompress { get; }

    /// <summary>What the server needs beside Kestrel.</summary>
    void AddServices(IServiceCollection services);

    /// <summary>The server's paths.</summary>
    void Map(WebApplication app, bool compression);
}
