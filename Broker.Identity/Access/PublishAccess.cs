using System.Text.Json;
using Broker.Actors.Access;
using Broker.Identity.Backend;

namespace Broker.Identity.Access;

/// <summary>Decides about a publish in a namespace whose publications the backend sees first.</summary>
internal static class PublishAccess
{
    internal static async ValueTask<AuthorizationResult> AuthorizeAsync(
        BackendProxy backend, AuthorizationRequest request, CancellationToken cancellationToken)
    {
        BackendAnswer<PublishBackendResult> answer =
            await backend.PublishAsync(BackendClients.Of(request.Principal), request.Subject, request.Data, cancellationToken)
                .ConfigureAwait(false);
        if (answer.Disconnect is { } reason) return AuthorizationResult.Reject(reason);
        if (answer.Error is { } error) return AuthorizationResult.Reject(error);
        if (answer.Result is not { } result) return AuthorizationResult.Allowed;
        ReadOnlyMemory<byte> data = BackendResults.BytesOf(result.Data, result.BinaryData);
        return AuthorizationResult.Allow(new PublicationTerms
        {
            Data = data.IsEmpty ? default(ReadOnlyMemory<byte>?) : data,      // null alone would become empty data.
            IsJson = result.BinaryData is not { Length: > 0 },
            Tags = result.Tags is { Count: > 0 } tags ? [.. tags] : [],
            Options = new()
            {
                SkipsHistory = result.SkipHistory,
                IdempotencyKey = result.IdempotencyKey ?? "",
                UsesDelta = result.Delta,
                Version = result.Version,
                VersionEpoch = result.VersionEpoch ?? "",
            },
        });
    }
}
