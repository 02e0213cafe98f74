using System.Buffers;
using System.Text;
using System.Text.Json;
using Broker.Identity.Tokens;
using Broker.Identity;

namespace Broker.Host.Commands;

/// <summary>The claims of a token as the hub reads them, as JSON.</summary>
internal static class ClaimsText
{
    internal static string Of(TokenClaims claims)
    {
        var text = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(text, new JsonWriterOptions { Indented = true }))
        {
            writer.WriteStartObject();
            writer.WriteString("user", claims.User);
            if (claims.Channel is { } channel) writer.WriteString("channel", channel);
            if (claims.Client is { } client) writer.WriteString("client", client);
            if (claims.TokenId.Length > 0) writer.WriteString("id", claims.TokenId);
            if (claims.Issuer.Length > 0) writer.WriteString("issuer", claims.Issuer);
            if (claims.IssuedAt is { } issued) writer.WriteString("issued_at", issued);
            if (claims.ExpiresAt is { } expires) writer.WriteString("accepted_until", expires);
            if (claims.GrantEndsAt is { } end) writer.WriteString("grant_ends_at", end);
            Write(writer, "info", claims.Info);
            Write(writer, "meta", claims.Meta);
            if (claims.Subscriptions.Count > 0)
            {
                writer.WriteStartArray("channels");
                foreach (TokenSubscription each in claims.Subscriptions) writer.WriteStringValue(each.Channel);
                writer.WriteEndArray();
            }

            writer.WriteEndObject();
        }

        return Encoding.UTF8.GetString(text.WrittenSpan);
    }

    private static void Write(Utf8JsonWriter writer, string name, ReadOnlyMemory<byte> value)
    {
        if (value.IsEmpty) return;
        if (JsonText.IsValue(value.Span))
        {
            writer.WritePropertyName(name);
            writer.WriteRawValue(value.Span);
        }
        else
        {
            writer.WriteBase64String($"b64{name}", value.Span);
        }
    }
}
