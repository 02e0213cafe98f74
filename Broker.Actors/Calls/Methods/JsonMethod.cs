using System.Text.Json;
using Broker.Core.Protocol.Calls;
using Broker.Core.Protocol.Messages;

namespace Broker.Actors.Calls.Methods;

/// <summary>A method whose arguments and result are JSON, over bytes.</summary>
internal sealed class JsonMethod<TArguments, TResult>(Func<TArguments, MethodCall, CancellationToken, ValueTask<TResult>> handler)
{
    public async ValueTask<ReadOnlyMemory<byte>> AnswerAsync(MethodCall call, CancellationToken cancellationToken)
    {
        TResult result = await handler(Read(call.Arguments.Span), call, cancellationToken).ConfigureAwait(false);
        return JsonSerializer.SerializeToUtf8Bytes(result, JsonSerializerOptions.Web);
    }

    // No arguments at all are null, for methods that take none.
    private static TArguments Read(ReadOnlySpan<byte> arguments)
    {
        try
        {
            return JsonSerializer.Deserialize<TArguments>(arguments.IsEmpty ? "null"u8 : arguments, JsonSerializerOptions.Web)!;
        }
        catch (JsonException unreadable)
        {
            throw new CallFaultException(
                FaultCode.BadArguments, $"The arguments are not JSON of what the method takes: {unreadable.Message}", unreadable);
        }
    }
}
