using System.IO.Compression;
using System.Text;
using Broker.Core.Framing;

namespace Broker.Fuzz;

/// <summary>A few inputs of each kind to begin with; a fuzzer finds the rest.</summary>
internal static class Seeds
{
    private const uint Key = 0x37fa213d;

    public static void Write(string folder)
    {
        Write(folder, "frames", Frames());
        Write(folder, "handshake", Heads().Select(head => (byte[])[7, .. Encoding.Latin1.GetBytes(head)]));
        Write(folder, "commands", Commands().Select(Encoding.UTF8.GetBytes));
        Write(folder, "inflate", Deflated());
        Write(folder, "protobuf", Messages().Select(Convert.FromHexString));
        Write(folder, "streams",
            [[10, 0, 0, 2, 200, 10, 0, 1, 2, 200], [4, 1, 90, 0, 0, 10, 1, 0, 3, 200, 2, 200, 0, 0, 0],
                [6, 2, 90, 0, 0, 10, 2, 1, 3, 100, 10, 2, 0, 3, 100, 0, 2, 0, 0, 0]]);
    }

    private static void Write(string folder, string target, IEnumerable<byte[]> inputs)
    {
        string own = Path.Combine(folder, target);
        Directory.CreateDirectory(own);
        int number = 0;
        foreach (byte[] input in inputs) File.WriteAllBytes(Path.Combine(own, $"seed-{number++:D2}"), input);
    }

    // Each command of the Protobuf form, then what is malformed.
    private static IEnumerable<string> Messages() =>
    [
        "00040801220000",
        "38080122340a017412077b2261223a317d1a170a046e657773120f180132016538096206666f7373696c22026a732a013132060a0168120176",
        "2608022a220a0163120174180132016538074201784801500158016206666f7373696c70037801",
        "3008022a2c0a01636a270a03616e64320d1201611a02696e2a01782a017932110a036e6f74320a12016b1a026571220131",
        "07080332030a01630e08043a0a0a0163120300ff0a1800",
        "07080542030a01630708064a030a01631b080752170a016338ffffffffffffffffff01420508051201654801",
        "0562030a01310b08096a070a027b7d12016d07080a72030a01740c080b7a080a01631201741801",
        "14080c5a00fd3f31323334f93f3132333435363738",
        "ffffffffffffffffff01",
        "04080b0c00",
        "07080122030a01ff",
    ];

    private static IEnumerable<byte[]> Frames()
    {
        byte[] text = FrameWriter.Frame(Opcode.Text, "Hello"u8, Key);
        byte[] euro = FrameWriter.Frame(Opcode.Text, "€ 𐍈"u8, Key);
        byte[] begin = FrameWriter.Frame(Opcode.Text, "Hel"u8, Key, final: false);
        byte[] middle = FrameWriter.Frame(Opcode.Continuation, "l"u8, Key, final: false);
        byte[] end = FrameWriter.Frame(Opcode.Continuation, "o"u8, Key);
        byte[] ping = FrameWriter.Ping("ping"u8, Key);
        byte[] pong = FrameWriter.Pong(""u8, Key);
        byte[] close = FrameWriter.Close(CloseCode.Normal, "bye", Key);
        byte[] medium = FrameWriter.Frame(Opcode.Binary, new byte[126], Key);
        byte[] zeroKey = FrameWriter.Frame(Opcode.Binary, new byte[200], 0);
        yield return [2, .. text, .. ping, .. close];
        yield return [10, .. begin, .. ping, .. middle, .. end, .. text];
        yield return [3, .. euro, .. pong, .. text];
        yield return [0, .. medium, .. zeroKey, .. close, .. text];
        yield return [6, .. begin, .. end, .. begin, .. close];
        yield return [1, .. FrameWriter.Frame(Opcode.Text, "bare"u8), .. FrameWriter.Close(CloseCode.GoingAway)];
        yield return [0, 0xC1, 0x85, .. text[2..]];
        yield return [2, 0x82, 0xFF, 0x80, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4];
        yield return [2, 0x82, 0xFF, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1, 2, 3, 4];
        yield return [2, 0x82, 0xFE, 0x10, 0x00, 1, 2, 3, 4, 5];
        yield return [
            2, .. Enumerable.Repeat(FrameWriter.Frame(Opcode.Continuation, [], Key, final: false), 9).Prepend(begin)
                .SelectMany(each => each)];
    }

    // What RFC 7692 section 7.2.3 prints, and then each kind of block at some length.
    private static IEnumerable<byte[]> Deflated()
    {
        byte[] hello = [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00], again = [0xf2, 0x00, 0x11, 0x00, 0x00];
        yield return [2, 7, .. hello, 7, .. hello];
        yield return [3, 7, .. hello, 5, .. again];
        yield return [34, 0, 0x00, 0x05, 0x00, 0xfa, 0xff, 0x48, 0x65, 0x6c, 0x6c, 0x6f, 0x00];
        yield return [67, 8, 0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00, 7, .. hello];
        yield return [2, 0, 0xf2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xff, 0xff, 0xca, 0xc9, 0xc9, 0x07, 0x00];
        yield return [28, 1, 0x00, 1, 0x00, 0, .. Compress(new byte[60_000])];
        yield return [0, 0, .. Compress(new byte[70_000])];
        yield return [30, 0, .. Compress(Encoding.UTF8.GetBytes(string.Join(' ', Commands())))];
        yield return [255, 0, .. Compress("\u20ac\ud800\udf48 and so on"u8.ToArray())];
    }

    private static byte[] Compress(byte[] message)
    {
        using var target = new MemoryStream();
        using (var deflate = new DeflateStream(target, CompressionLevel.SmallestSize, leaveOpen: true)) deflate.Write(message);
        return target.ToArray();
    }

    private static IEnumerable<string> Heads()
    {
        const string fields =
            "Host: chat.example\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\nSec-WebSocket-Key: "
                + "dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n";
        yield return $"GET /connection/websocket?a=b HTTP/1.1\r\n{fields}Origin: https://chat.example\r\nSec-WebSocket-Protocol: other, "
            + $"centrifuge-json\r\n\r\n";
        yield return $"GET /echo HTTP/1.1\r\n{fields}Origin: null\r\n\r\n\x81\x80";
        yield return $"GET / HTTP/1.1\r\n{fields}Sec-WebSocket-Extensions: x-a; b=\"c\", permessage-deflate; client_max_window_bits; "
            + $"server_max_window_bits=10\r\n\r\n";
        yield return "\r\nGET http://chat.example:8000/x HTTP/1.0\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\nhello";
        yield return "HEAD / HTTP/1.1\r\nHost: [::1]:80\r\nSec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n";
        yield return "GET / HTTP/2.0\r\nHost: a\r\n\r\n";
        yield return "POST * HTTP/1.1\r\nHost : a\r\nX: \r\n folded\r\n\r\n";
    }

    private static IEnumerable<string> Commands()
    {
        yield return """{"id":1,"connect":{"token":"t","data":{"a":[1,2]},"name":"js","version":"5","subs":{"c":{"recover":true,"offset":7,"epoch":"e","delta":"fossil"}}}}""";
        yield return "{}\n"
            + """{"id":2,"subscribe":{"channel":"c","recover":true,"epoch":"e","offset":18446744073709551615,"positioned":true,"recoverable":true,"join_leave":true,"delta":"fossil","tf":{"a":1},"flag":-1,"type":1}}""";
        yield return """{"id":3,"publish":{"channel":"\u0063\ud834\udd1e","data":{"text":"h\u00e9 \" "},"type":0}}""" + "\n"
            + """{"id":4,"unsubscribe":{"channel":"c"}}""" + "\n";
        yield return """{"id":5,"rpc":{"method":"m","data":null}}""" + "\n" + """{"send":{"data":[]}}""";
        yield return """{"id":6,"history":{"channel":"c","limit":-1,"since":{"offset":1,"epoch":"e"},"reverse":true}}""" + "\n"
            + """{"id":7,"presence":{"channel":"c"}}""" + "\n" + """{"id":8,"presence_stats":{"channel":"c"}}""";
        yield return """{"id":9,"refresh":{"token":"t"}}""" + "\n" + """{"id":10,"sub_refresh":{"channel":"c","token":"t","type":2}}""";
        yield return """{"id":4294967295,"publish":{"channel":null,"data":""" + new string('[', 62) + new string(']', 62) + "}}";
        yield return """{"id":1,"unknown":{"a":"\ud800"},"publish":{"channel":"\ud800","data":1e400}}""";
    }
}
