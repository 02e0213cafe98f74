namespace Broker.Core.Protocol.Messages;

/// <summary>Bits of a <see cref="Call"/>.</summary>
[Flags]
public enum CallOptions : byte
{
    /// <summary>The arguments are all here, and the result comes in one piece.</summary>
    None = 0,

    /// <summary>Further arguments follow: <see cref="CallItem"/>s up to <see cref="CallItemsEnd"/>, or one stream.</summary>
    MoreArguments = 1,
}

/// <summary>Either: call a method.</summary>
public readonly ref struct Call : INativeMessage<Call>
{
    private const int FixedBytes = 17;

    /// <inheritdoc />
    public static NativeKind Kind => NativeKind.Call;

    /// <summary>The call's number. Its highest bit says who chose it: 0 the client, 1 the server.</summary>
    public uint Id { get; init; }

    /// <summary>The method.</summary>
    public MethodId Method { get; init; }

    /// <summary>How long the caller will wait; 0 leaves it to the other side.</summary>
    public uint DeadlineMilliseconds { get; init; }

    /// <summary>What follows.</summary>
    public CallOptions Options { get; init; }

    /// <summary>Whatever the method takes.</summary>
    public ReadOnlySpan<byte> Arguments { get; init; }

    /// <inheritdoc />
    public int BodyBytes => FixedBytes + Arguments.Length;

    /// <inheritdoc />
    public static Call Read(scoped ref BodyReader body) => new()
    {
        Id = body.NextWord(),
        Method = new MethodId(body.NextLong()),
        DeadlineMilliseconds = body.NextWord(),
        Options = (CallOptions)body.NextFlags((byte)CallOptions.MoreArguments),
        Arguments = body.Rest(),
    };

    /// <inheritdoc />
    public void Write(scoped ref BodyWriter body)
    {
        body.PutWord(Id);
        body.PutLong(Method.Value);
        body.PutWord(DeadlineMilliseconds);
        body.PutByte((byte)Options);
        body.PutBytes(Arguments);
    }
}

/// <summary>Either: what a call came to. It ends the call.</summary>
public readonly ref struct CallResult : INativeMessage<CallResult>
{
    /// <inheritdoc />
    public static NativeKind Kind => NativeKind.Result;

    /// <summary>The call's number.</summary>
    public uint Id { get; init; }

    /// <summary>Whatever the method gives.</summary>
    public ReadOnlySpan<byte> Data { get; init; }

    /// <inheritdoc />
    public int BodyBytes => sizeof(uint) + Data.Length;

    /// <inheritdoc />
    public static CallResult Read(scoped ref BodyReader body) => new() { Id = body.NextWord(), Data = body.Rest() };

    /// <inheritdoc />
    public void Write(scoped ref BodyWriter body)
    {
        body.PutWord(Id);
        body.PutBytes(Data);
    }
}

/// <summary>Either: why a call failed. It ends the call, and only the call.</summary>
public readonly ref struct CallFault : INativeMessage<CallFault>
{
    private const int FixedBytes = 6;

    /// <inheritdoc />
    public static NativeKind Kind => NativeKind.Fault;

    /// <summary>The call's number.</summary>
    public uint Id { get; init; }

    /// <summary>Why.</summary>
    public FaultCode Code { get; init; }

    /// <summary>For people.</summary>
    public ReadOnlySpan<byte> Text { get; init; }

    /// <inheritdoc />
    public int BodyBytes => FixedBytes + Text.Length;

    /// <inheritdoc />
    public static CallFault Read(scoped ref BodyReader body) => new()
    {
        Id = body.NextWord(),
        Code = (FaultCode)body.NextShort(),
        Text = body.RestText(),
    };

    /// <inheritdoc />
    public void Write(scoped ref BodyWriter body)
    {
        body.PutWord(Id);
        body.PutShort((ushort)Code);
        body.PutBytes(Text);
    }
}

/// <summary>Either: the caller wants the call no longer. One result or fault still answers it, or has crossed this.</summary>
public readonly ref struct CallCancel : INativeMessage<CallCancel>
{
    /// <inheritdoc />
    public static NativeKind Kind => NativeKind.Cancel;

    /// <summary>The call's number.</summary>
    public uint Id { get; init; }

    /// <inheritdoc />
    public int BodyBytes => sizeof(uint);

    /// <inheritdoc />
    public static CallCancel Read(scoped ref BodyReader body) => new() { Id = body.NextWord() };

    /// <inheritdoc />
    public void Write(scoped ref BodyWriter body) => body.PutWord(Id);
}

/// <summary>Either: one more argument, sent by the caller; or one more result, sent by the other side.</summary>
public readonly ref struct CallItem : INativeMessage<CallItem>
{
    /// <inheritdoc />
    public static NativeKind Kind => NativeKind.Item;

    /// <summary>The call's number.</summary>
    public uint Id { get; init; }

    /// <summary>Whatever the method takes or gives.</summary>
    public ReadOnlySpan<byte> Data { get; init; }

    /// <inheritdoc />
    public int BodyBytes => sizeof(uint) + Data.Length;

    /// <inheritdoc />
    public static CallItem Read(scoped ref BodyReader body) => new() { Id = body.NextWord(), Data = body.Rest() };

    /// <inheritdoc />
    public void Write(scoped ref BodyWriter body)
    {
        body.PutWord(Id);
        body.PutBytes(Data);
    }
}

/// <summary>Either: the caller's last argument has been sent. Results end with the result itself.</summary>
public readonly ref struct CallItemsEnd : INativeMessage<CallItemsEnd>
{
    /// <inheritdoc />
    public static NativeKind Kind => NativeKind.ItemsEnd;

    /// <summary>The call's number.</summary>
    public uint Id { get; init; }

    /// <inheritdoc />
    public int BodyBytes => sizeof(uint);

    /// <inheritdoc />
    public static CallItemsEnd Read(scoped ref BodyReader body) => new() { Id = body.NextWord() };

    /// <inheritdoc />
    public void Write(scoped ref BodyWriter body) => body.PutWord(Id);
}
