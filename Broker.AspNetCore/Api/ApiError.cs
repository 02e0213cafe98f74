using Broker.Actors.Model;

namespace Broker.AspNetCore.Api;

/// <summary>Why a request of the server API failed, in the numbers of Centrifugo.</summary>
/// <param name="Code">The code; the same as clients get.</param>
/// <param name="Message">What is wrong, for people.</param>
public sealed record ApiError(uint Code, string Message)
{
    /// <summary>The hub failed.</summary>
    public static ApiError Internal { get; } = new(100, "internal server error");

    /// <summary>There is no such method.</summary>
    public static ApiError MethodNotFound { get; } = new(104, "method not found");

    /// <summary>The request makes no sense.</summary>
    /// <param name="detail">Which limit or rule it was.</param>
    public static ApiError BadRequest(string detail) => new(107, $"bad request: {detail}");

    /// <summary>An error of the hub.</summary>
    /// <param name="error">The error.</param>
    /// <param name="detail">What the caller reads.</param>
    public static ApiError Of(HubError error, string detail) =>
        new(error.Kind == HubErrorKind.Application ? (uint)error.ApplicationCode : 100 + (uint)error.Kind, detail);

    /// <summary>The status of HTTP for callers that want the error there.</summary>
    public int Status => Code switch
    {
        102 or 104 => 404,
        103 => 403,
        106 or 107 or 108 => 400,
        111 => 429,
        112 => 416,
        113 => 409,
        _ => 500,
    };
}

/// <summary>A request that cannot be done.</summary>
/// <param name="error">What the caller is sent.</param>
internal sealed class ApiException(ApiError error) : Exception(error.Message)
{
    internal ApiError Error { get; } = error;
}
