using System.Text.Json;

namespace Broker.Identity.Tokens;

/// <summary>Reads the payload of a verified token. A claim of a wrong type makes the token invalid rather than being ignored.</summary>
/// <remarks>Two members of one name, where the name has a meaning, are refused: another reader might take the other one.</remarks>
internal static class TokenClaimsReader
{
    /// <summary>Most channels that a token may subscribe to; a connection may hold fewer by the settings.</summary>
    internal const int SubscriptionsMax = 4096;

    private const double SecondsMax = 253_402_300_799; // The end of the year 9999.

    /// <summary>Reads claims.</summary>
    /// <param name="json">The decoded payload; what is kept of it is copied.</param>
    /// <param name="userIdClaim">The claim with the user's id.</param>
    /// <param name="fault">What is wrong, for the log.</param>
    /// <returns>The claims, or <c>null</c> with a fault.</returns>
    internal static TokenClaims? Read(ReadOnlySpan<byte> json, string userIdClaim, out string? fault)
    {
        try
        {
            fault = null;
            return ReadClaims(json, userIdClaim);
        }
        catch (ClaimException bad)
        {
            fault = bad.Message;
        }
        catch (Exception notJson) when (notJson is JsonException or InvalidOperationException)
        {
            fault = "its payload is not a JSON object";
        }

        return null;
    }

    private static TokenClaims ReadClaims(ReadOnlySpan<byte> json, string userIdClaim)
    {
        var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = 32 });
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject) throw new ClaimException("its payload is not a JSON object");

        string? user = null, tokenId = null, issuer = null, channel = null, client = null;
        List<string>? audience = null, channels = null;
        List<TokenSubscription>? subscriptions = null;
        DateTimeOffset? issuedAt = null, expiresAt = null, notBefore = null, expireAt = null;
        ReadOnlyMemory<byte> meta = default;
        var own = new SubscriptionMembers();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals(userIdClaim)) Once(ref user, ReadText(ref reader, "the user's id"), userIdClaim);
            else if (reader.ValueTextEquals("jti"u8)) Once(ref tokenId, ReadText(ref reader, "jti"), "jti");
            else if (reader.ValueTextEquals("iss"u8)) Once(ref issuer, ReadText(ref reader, "iss"), "iss");
            else if (reader.ValueTextEquals("aud"u8)) Once(ref audience, ReadTextOrTexts(ref reader, "aud"), "aud");
            else if (reader.ValueTextEquals("iat"u8)) Once(ref issuedAt, ReadTime(ref reader, "iat"), "iat");
            else if (reader.ValueTextEquals("exp"u8)) Once(ref expiresAt, ReadTime(ref reader, "exp"), "exp");
            else if (reader.ValueTextEquals("nbf"u8)) Once(ref notBefore, ReadTime(ref reader, "nbf"), "nbf");
            else if (reader.ValueTextEquals("expire_at"u8)) Once(ref expireAt, ReadEnd(ref reader), "expire_at");
            else if (reader.ValueTextEquals("meta"u8)) meta = ReadRaw(ref reader, json);
            else if (reader.ValueTextEquals("channels"u8)) Once(ref channels, ReadTexts(ref reader, "channels"), "channels");
            else if (reader.ValueTextEquals("subs"u8)) Once(ref subscriptions, ReadSubscriptions(ref reader, json), "subs");
            else if (reader.ValueTextEquals("channel"u8)) Once(ref channel, ReadText(ref reader, "channel"), "channel");
            else if (reader.ValueTextEquals("client"u8)) Once(ref client, ReadText(ref reader, "client"), "client");
            else if (!own.TryRead(ref reader, json)) SkipValue(ref reader);
        }

        while (reader.Read()) { }
        TokenSubscription subscription = own.Make(channel ?? "");
        return new TokenClaims
        {
            User = user ?? "",
            TokenId = tokenId ?? "",
            Issuer = issuer ?? "",
            Audience = audience ?? [],
            IssuedAt = issuedAt,
            ExpiresAt = expiresAt,
            NotBefore = notBefore,
            ExpireAt = expireAt,
            Info = subscription.Info,
            Meta = meta,
            Subscriptions =
                subscriptions is { Count: > 0 } ? subscriptions : channels is null ? []
                    : [.. channels.Select(name => new TokenSubscription(name))],
            Channel = channel,
            Client = client,
            Subscription = subscription,
        };
    }

    private static List<TokenSubscription> ReadSubscriptions(ref Utf8JsonReader reader, ReadOnlySpan<byte> json)
    {
        List<TokenSubscription> subscriptions = [];
        reader.Read();
        if (reader.TokenType == JsonTokenType.Null) return subscriptions;
        if (reader.TokenType != JsonTokenType.StartObject) throw new ClaimException("its subs is not an object");
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (subscriptions.Count == SubscriptionsMax) throw new ClaimException("its subs has too many channels");
            string channel = reader.GetString()!;
            reader.Read();
            if (reader.TokenType != JsonTokenType.StartObject) throw new ClaimException("a channel of its subs is not an object");
            var members = new SubscriptionMembers();
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                if (!members.TryRead(ref reader, json)) SkipValue(ref reader);
            }

            subscriptions.Add(members.Make(channel));
        }

        return subscriptions;
    }

    // info, b64info, data, b64data and override: at the top of a subscription token, and in each channel of a connection token's subs.
    private ref struct SubscriptionMembers
    {
        private ReadOnlyMemory<byte> _info, _data;
        private ReadOnlyMemory<byte>? _binaryInfo, _binaryData;
        private SubscriptionOverride _override;

        internal bool TryRead(ref Utf8JsonReader reader, ReadOnlySpan<byte> json)
        {
            if (reader.ValueTextEquals("info"u8)) _info = ReadRaw(ref reader, json);
            else if (reader.ValueTextEquals("b64info"u8)) _binaryInfo = ReadBase64(ref reader, "b64info");
            else if (reader.ValueTextEquals("data"u8)) _data = ReadRaw(ref reader, json);
            else if (reader.ValueTextEquals("b64data"u8)) _binaryData = ReadBase64(ref reader, "b64data");
            else if (reader.ValueTextEquals("override"u8)) _override = ReadOverride(ref reader);
            else return false;
            return true;
        }

        internal readonly TokenSubscription Make(string channel) =>
            new(channel) { Info = _binaryInfo ?? _info, Data = _binaryData ?? _data, Override = _override };
    }

    private static SubscriptionOverride ReadOverride(ref Utf8JsonReader reader)
    {
        SubscriptionOverride read = default;
        reader.Read();
        if (reader.TokenType == JsonTokenType.Null) return read;
        if (reader.TokenType != JsonTokenType.StartObject) throw new ClaimException("its override is not an object");
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("presence"u8)) read = read with { Presence = ReadSwitch(ref reader) };
            else if (reader.ValueTextEquals("join_leave"u8)) read = read with { JoinLeave = ReadSwitch(ref reader) };
            else if (reader.ValueTextEquals("force_recovery"u8)) read = read with { ForceRecovery = ReadSwitch(ref reader) };
            else if (reader.ValueTextEquals("force_positioning"u8)) read = read with { ForcePositioning = ReadSwitch(ref reader) };
            else if (reader.ValueTextEquals("force_push_join_leave"u8)) read = read with { ForcePushJoinLeave = ReadSwitch(ref reader) };
            else SkipValue(ref reader);
        }

        return read;
    }

    // {"value": true}; an object, so that absent and false differ.
    private static bool? ReadSwitch(ref Utf8JsonReader reader)
    {
        bool value = false;
        reader.Read();
        if (reader.TokenType == JsonTokenType.Null) return null;
        if (reader.TokenType != JsonTokenType.StartObject)
            throw new ClaimException("a switch of its override is not an object with a value");
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (!reader.ValueTextEquals("value"u8))
            {
                SkipValue(ref reader);
                continue;
            }

            reader.Read();
            value = reader.TokenType switch
            {
                JsonTokenType.True => true,
                JsonTokenType.False => false,
                _ => throw new ClaimException("a switch of its override is not true or false"),
            };
        }

        return value;
    }

    private static string ReadText(ref Utf8JsonReader reader, string name)
    {
        reader.Read();
        return reader.TokenType switch
        {
            JsonTokenType.String => reader.GetString()!,
            JsonTokenType.Null => "",
            _ => throw new ClaimException($"its {name} is not a text"),
        };
    }

    private static List<string> ReadTextOrTexts(ref Utf8JsonReader reader, string name)
    {
        Utf8JsonReader ahead = reader;
        ahead.Read();
        return ahead.TokenType == JsonTokenType.String ? [ReadText(ref reader, name)] : ReadTexts(ref reader, name);
    }

    private static List<string> ReadTexts(ref Utf8JsonReader reader, string name)
    {
        List<string> texts = [];
        reader.Read();
        if (reader.TokenType == JsonTokenType.Null) return texts;
        if (reader.TokenType != JsonTokenType.StartArray) throw new ClaimException($"its {name} is not a list of texts");
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (reader.TokenType != JsonTokenType.String || texts.Count == SubscriptionsMax)
                throw new ClaimException($"its {name} is not a list of texts, or too long");
            texts.Add(reader.GetString()!);
        }

        return texts;
    }

    // NumericDate: "a JSON numeric value ... seconds ... non-integer values can be represented", RFC 7519 section 2.
    private static DateTimeOffset? ReadTime(ref Utf8JsonReader reader, string name)
    {
        reader.Read();
        if (reader.TokenType == JsonTokenType.Null) return null;
        if (reader.TokenType != JsonTokenType.Number || !reader.TryGetDouble(out double seconds) || !(seconds is >= 0 and <= SecondsMax))
        {
            throw new ClaimException($"its {name} is not a time in seconds");
        }

        return DateTimeOffset.FromUnixTimeMilliseconds((long)(seconds * 1000));
    }

    private static DateTimeOffset? ReadEnd(ref Utf8JsonReader reader) =>
        ReadTime(ref reader, "expire_at") is { } at ? at == DateTimeOffset.UnixEpoch ? DateTimeOffset.MaxValue : at : null;

    private static ReadOnlyMemory<byte> ReadBase64(ref Utf8JsonReader reader, string name)
    {
        reader.Read();
        if (reader.TokenType == JsonTokenType.Null) return default;
        if (reader.TokenType != JsonTokenType.String || !reader.TryGetBytesFromBase64(out byte[]? bytes))
            throw new ClaimException($"its {name} is not base64");
        return bytes;
    }

    private static ReadOnlyMemory<byte> ReadRaw(ref Utf8JsonReader reader, ReadOnlySpan<byte> json)
    {
        reader.Read();
        if (reader.TokenType == JsonTokenType.Null) return default;
        int start = (int)reader.TokenStartIndex;
        reader.Skip();
        return json[start..(int)reader.BytesConsumed].ToArray();
    }

    private static void SkipValue(ref Utf8JsonReader reader)
    {
        reader.Read();
        reader.Skip();
    }

    private static void Once<T>(ref T? claim, T? value, string name)
    {
        if (claim is not null) throw new ClaimException($"it has {name} twice");
        claim = value;
    }

    private sealed class ClaimException(string message) : Exception(message);
}
