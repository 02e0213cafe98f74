using Broker.Core.Upgrade;
using Microsoft.AspNetCore.Http;

namespace Broker.AspNetCore.Streams;

/// <summary>Holds requests to the rule of origins, as upgrades to WebSocket are, and answers them as the Fetch standard wants it.</summary>
internal static class CrossOrigin
{
    private const string PreflightSeconds = "300";

    /// <summary>Checks whether the page behind a request may send it.</summary>
    /// <param name="request">The request.</param>
    /// <param name="origins">Which pages may.</param>
    /// <returns>Status 403, or <c>null</c>.</returns>
    internal static UpgradeFault? Check(UpgradeRequest request, OriginRule origins) =>
        origins.Allows(request.Origin ?? OriginOfEmbedded(request), request.Host)
            ? null
            : new UpgradeFault(403, "This Origin may not connect (RFC 6455 section 10.2).");

    // Browsers leave Origin out where a page embeds an address, as an image or a script, and say instead whether the page is of the same
    // origin.
    private static string? OriginOfEmbedded(UpgradeRequest request) =>
        request.TryGetHeader("Sec-Fetch-Site", out string? site) && site is not ("same-origin" or "none") ? OriginList.Opaque : null;

    /// <summary>Lets the page read the answer.</summary>
    internal static void Allow(UpgradeRequest request, IHeaderDictionary headers)
    {
        headers.Vary = "Origin";
        if (request.Origin is not { } origin) return;
        headers.AccessControlAllowOrigin = origin;
        headers.AccessControlAllowCredentials = "true";
    }

    /// <summary>Answers whether the page may send the request that it asks about.</summary>
    internal static void AnswerPreflight(UpgradeRequest request, IReadOnlyList<string> methods, HttpResponse response)
    {
        response.StatusCode = StatusCodes.Status204NoContent;
        response.Headers.AccessControlAllowMethods = string.Join(", ", methods.Append("OPTIONS"));
        if (request.TryGetHeader("Access-Control-Request-Headers", out string? asked)) response.Headers.AccessControlAllowHeaders = asked;
        response.Headers.AccessControlMaxAge = PreflightSeconds;
    }
}
