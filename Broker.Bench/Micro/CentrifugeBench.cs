using System.Text.Json;
using System.Text.Json.Serialization;
using BenchmarkDotNet.Attributes;
using Broker.Dialects.Centrifuge.Wire;

namespace Broker.Bench.Micro;

/// <summary>What does one Centrifuge command cost to read, and one publication or reply to write?</summary>
[MemoryDiagnoser]
public class CentrifugeBench
{
    private static readonly byte[] Data = """{"text":"hello, everyone in here","n":12345}"""u8.ToArray();
    private static readonly byte[] Prefix = PublicationEncoder.EncodePrefix("chat:lobby"u8);
    private static readonly byte[] Info = PublicationEncoder.EncodeInfo("42", "2f0c8a0e-6c7b-4d7e-9a52-1d6b7b3c9f10");

    private readonly byte[] _publish =
        """{"publish":{"channel":"chat:lobby","data":{"text":"hello, everyone in here","n":12345}},"id":3}"""u8.ToArray();

    private readonly byte[] _subscribe =
        """{"subscribe":{"channel":"chat:lobby","recover":true,"epoch":"xyz1","offset":1234},"id":2}"""u8.ToArray();

    private readonly byte[] _target = new byte[4096];
    private readonly ReplyWriter _writer = new();

    [Benchmark]
    public int ReadPublish()
    {
        var reader = new CommandReader(_publish);
        reader.Read(out Command command);
        return command.Data.Length;
    }

    /// <summary>The same command as the runtime's serialiser reads it, with code made at build time.</summary>
    [Benchmark]
    public int ReadPublishByJsonSerializer() =>
        JsonSerializer.Deserialize(_publish, CommandJson.Default.CommandShape)!.Publish!.Channel.Length;

    [Benchmark]
    public int ReadSubscribe()
    {
        var reader = new CommandReader(_subscribe);
        reader.Read(out Command command);
        return command.Channel.Length;
    }

    [Benchmark]
    public int ReadPong()
    {
        var reader = new CommandReader("{}"u8);
        reader.Read(out Command command);
        return (int)command.Kind;
    }

    [Benchmark]
    public byte[] EncodePublication() =>
        PublicationEncoder.Encode(Prefix, new Publication { Data = Data, Info = Info, Offset = 1234 });

    [Benchmark]
    public int WritePublication() =>
        PublicationEncoder.Write(Prefix, new Publication { Data = Data, Info = Info, Offset = 1234 }, _target);

    [Benchmark]
    public int ReplyToPublish()
    {
        _writer.Clear();
        _writer.WritePublish(3);
        return _writer.Frame.Length;
    }

    [Benchmark]
    public int ReplyToConnect()
    {
        _writer.Clear();
        _writer.WriteConnect(
            1, new ConnectResult { Client = "2f0c8a0e-6c7b-4d7e-9a52-1d6b7b3c9f10", Version = "0.1.0", PingSeconds = 25, Pong = true });
        return _writer.Frame.Length;
    }
}

/// <summary>A publish command as an application would declare it.</summary>
internal sealed record CommandShape(uint Id, PublishShape? Publish);

/// <summary>What is in it; the data stays as it is.</summary>
internal sealed record PublishShape(string Channel, JsonElement Data);

[JsonSerializable(typeof(CommandShape))]
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
internal sealed partial class CommandJson : JsonSerializerContext;
