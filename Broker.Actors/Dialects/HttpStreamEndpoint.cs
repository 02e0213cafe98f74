using Broker.Core.Upgrade;
using Broker.Reactor.Loops;

namespace Broker.Actors.Dialects;

/// <summary>
/// A path at which a request of HTTP opens a connection: the client is sent its messages in the body of the answer, for as long as that
/// lasts. Its own first message comes with the request, others by a <see cref="MessageEndpoint"/>, if the dialect has one.
/// </summary>
public sealed record HttpStreamEndpoint : ConnectionEndpoint
{
    /// <summary>The methods that open a connection.</summary>
    public required IReadOnlyList<string> Methods { get; init; }

    /// <summary>The longest body of a request; beyond it 413.</summary>
    public required int BodyBytesMax { get; init; }

    /// <summary>Bytes of the client's later messages that may wait; one message alone may be longer.</summary>
    public required int InboxBytesMax { get; init; }

    /// <summary>
    /// The status of the answer, by the first message in it, which the answer then waits for: 200, or that of an error. Null: 200, at once.
    /// </summary>
    public Func<ReadOnlyMemory<byte>, int>? StatusOf { get; init; }

    /// <summary>What stands in the answer before the first message, where its status is 200.</summary>
    public ReadOnlyMemory<byte> Preamble { get; init; }

    /// <summary>Reads what a request asks for.</summary>
    public required HttpStreamReader Read { get; init; }

    /// <inheritdoc />
    public override bool HasFrames => false;
}

/// <summary>Reads what a request asks for. From any thread.</summary>
/// <param name="request">The request.</param>
/// <param name="opening">What is opened.</param>
/// <returns>Why nothing is opened, or <c>null</c>.</returns>
public delegate UpgradeFault? HttpStreamReader(in HttpStreamRequest request, out HttpStreamOpening opening);

/// <summary>A request for a stream.</summary>
/// <param name="Method">One of the endpoint's.</param>
/// <param name="Query">As written, without its question mark.</param>
/// <param name="ContentType">Of the body; empty where it has none.</param>
/// <param name="Body">The whole body.</param>
public readonly record struct HttpStreamRequest(string Method, string Query, string ContentType, ReadOnlyMemory<byte> Body);

/// <summary>What a request opens.</summary>
/// <param name="Subprotocol">What is used; the connection's from now on.</param>
/// <param name="ContentType">Of the answer.</param>
/// <param name="FirstMessage">The client's first message.</param>
/// <param name="IsBinary">Whether that is data or a text.</param>
public readonly record struct HttpStreamOpening(string Subprotocol, string ContentType, ReadOnlyMemory<byte> FirstMessage, bool IsBinary);
