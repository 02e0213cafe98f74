using System.Text.Json;

namespace Broker.Cli.Bench;

/// <summary>What a line from a server of the Centrifuge JSON protocol says, as far as a run cares.</summary>
/// <param name="Id">The command that it answers; 0: none, it is a push.</param>
/// <param name="ErrorCode">Why the command was refused; 0: it was not.</param>
/// <param name="ErrorText">The same in words.</param>
internal readonly record struct CentrifugeReply(long Id, int ErrorCode, string? ErrorText)
{
    /// <summary>The ping of a server, and a client's answer to it.</summary>
    public static ReadOnlySpan<byte> Ping => "{}"u8;

    /// <summary>Reads a line.</summary>
    /// <exception cref="BenchException">It is none of the protocol.</exception>
    public static CentrifugeReply Parse(ReadOnlySpan<byte> line)
    {
        long id = 0;
        int code = 0;
        string? text = null;
        try
        {
            var reader = new Utf8JsonReader(line);
            while (reader.Read())
            {
                if (reader.TokenType != JsonTokenType.PropertyName) continue;
                bool isError = reader.ValueTextEquals("error"u8), isId = reader.ValueTextEquals("id"u8);
                reader.Read();
                if (isId && reader.TokenType == JsonTokenType.Number) id = reader.GetInt64();
                else if (isError && reader.TokenType == JsonTokenType.StartObject) (code, text) = ReadError(ref reader);
                else reader.Skip();
            }
        }
        catch (Exception failure) when (failure is JsonException or FormatException or InvalidOperationException)
        {
            throw new BenchException("The server does not speak the Centrifuge JSON protocol: a line of it is not valid in it.");
        }

        return new CentrifugeReply(id, code, text);
    }

    private static (int Code, string? Text) ReadError(ref Utf8JsonReader reader)
    {
        int code = -1;
        string? text = null;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            bool isCode = reader.ValueTextEquals("code"u8), isText = reader.ValueTextEquals("message"u8);
            reader.Read();
            if (isCode) code = reader.GetInt32();
            else if (isText) text = reader.GetString();
            else reader.Skip();
        }

        return (code, text);
    }
}
