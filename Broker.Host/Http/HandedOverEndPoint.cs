using System.Net;

namespace Broker.Host.Http;

/// <summary>Where Kestrel listens: not at an address, but at the connections that the hub hands over.</summary>
public sealed class HandedOverEndPoint : EndPoint
{
    /// <summary>Gives the name that logs show.</summary>
    public override string ToString() => "handed-over";
}
