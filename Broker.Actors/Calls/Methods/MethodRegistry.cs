using System.Diagnostics.CodeAnalysis;
using Broker.Core.Protocol.Calls;
using Broker.Core.Protocol.Messages;

namespace Broker.Actors.Calls.Methods;

/// <summary>
/// The methods that clients may call, by name. Add them before the hub starts; from then on they are the same for every
/// client, dialect and loop.
/// </summary>
/// <remarks>
/// <para><b>A handler</b> takes bytes and gives bytes. What they mean is between it and its callers; callers of the Centrifuge
/// dialect send one JSON value, or nothing, and can take only that.</para>
/// <para>It runs on the thread pool, never on a loop, and as many at once as there are calls: it has to be safe for that. A
/// slow one delays no other component. Two calls of one connection may take effect in either order, unless their methods are added with
/// a <see cref="CallOrder"/>. <see cref="AddInline"/> is for what is so small that the way there would cost more than the call.</para>
/// <para>Where a caller of the native protocol sends further arguments, they come one by one as <see cref="MethodCall.Items"/>; and
/// with <c>MethodCall.SayAsync</c> it can send results before the last. Both are held back while the other side is
/// slower.</para>
/// <para>It says that it could not by throwing <see cref="CallFaultException"/>. Any other exception is logged and reaches the
/// caller as an internal fault, without its text.</para>
/// <para>Its token is cancelled when the caller cancels, when the call's time is over and when the caller is gone. The caller
/// has its answer then; but the handler goes on counting against the caller's bound until it has returned.</para>
/// </remarks>
public sealed class MethodRegistry
{
    private readonly MethodTable<Method> _table = new();
    private volatile bool _closed;

    /// <summary>Adds a method.</summary>
    /// <param name="name">What clients call it; natives by its <see cref="MethodId"/>.</param>
    /// <param name="handler">What answers.</param>
    /// <param name="order">How its calls stand to other calls of the same connection.</param>
    /// <exception cref="ArgumentException">The name is empty or taken, or its number is another name's.</exception>
    /// <exception cref="InvalidOperationException">The hub has started.</exception>
    public void Add(string name, MethodHandler handler, CallOrder order = CallOrder.None)
    {
        ArgumentNullException.ThrowIfNull(handler);
        Add(new Method(name, handler, order));
    }

    /// <summary>
    /// Adds a method that answers at once, out of memory: it runs on its caller's loop, between reading the call and writing the answer.
    /// </summary>
    /// <remarks>
    /// <para>A call then costs a fraction of the way to the thread pool and back. For as long as it takes, every other client of
    /// the loop waits: so it must not block, must take no lock that others hold for long, no file, no database and no other
    /// call, and should take some microseconds. It has no further arguments, one result, and nothing to cancel.</para>
    /// <para>A turn of the loop that is older than <see cref="CallSettings.InlineLimit"/> sends what is left of its calls to the thread
    /// pool, so the handler has to be safe for many threads, as any other. A method of which three calls within a minute have
    /// each taken longer than the limit runs on the thread pool from then on, and the log says so.</para>
    /// </remarks>
    /// <param name="name">What clients call it.</param>
    /// <param name="handler">What answers.</param>
    /// <exception cref="ArgumentException">The name is empty or taken, or its number is another name's.</exception>
    /// <exception cref="InvalidOperationException">The hub has started.</exception>
    public void AddInline(string name, InlineHandler handler)
    {
        ArgumentNullException.ThrowIfNull(handler);
        Add(new Method(name, handler));
    }

    /// <summary>Adds all methods of a source.</summary>
    /// <param name="source">What has them.</param>
    /// <exception cref="ArgumentException">A name is empty or taken, or its number is another name's.</exception>
    /// <exception cref="InvalidOperationException">The hub has started.</exception>
    public void AddFrom(IMethodSource source)
    {
        ArgumentNullException.ThrowIfNull(source);
        source.AddTo(this);
    }

    /// <summary>
    /// Answers calls of names that no method has, where the caller's dialect carries names; null, and they are unknown. The call has the
    /// name.
    /// </summary>
    public MethodHandler? Fallback { get; private set; }

    /// <summary>Whether every call is of an unknown method: none was added, and no fallback was set.</summary>
    public bool IsEmpty => _table.Count == 0 && Fallback is null;

    /// <summary>Sets what answers calls of names that no method has.</summary>
    /// <param name="handler">What answers.</param>
    /// <exception cref="InvalidOperationException">The hub has started, or there is one.</exception>
    public void SetFallback(MethodHandler handler)
    {
        if (_closed || Fallback is not null) throw new InvalidOperationException("One fallback is set, before the hub starts.");
        Fallback = handler;
    }

    /// <summary>Adds a method whose arguments and result are JSON, as <c>JsonSerializerOptions.Web</c> has it.</summary>
    /// <typeparam name="TArguments">
    /// What is read from the arguments; what can not be read is answered with <see cref="FaultCode.BadArguments"/>.
    /// </typeparam>
    /// <typeparam name="TResult">What is written as the result.</typeparam>
    /// <param name="name">What clients call it.</param>
    /// <param name="handler">What answers.</param>
    /// <exception cref="ArgumentException">The name is empty or taken, or its number is another name's.</exception>
    /// <exception cref="InvalidOperationException">The hub has started.</exception>
    /// <param name="order">How its calls stand to other calls of the same connection.</param>
    public void AddJson<TArguments,
        TResult>(string name, Func<TArguments, MethodCall, CancellationToken, ValueTask<TResult>> handler, CallOrder order = CallOrder.None)
    {
        ArgumentNullException.ThrowIfNull(handler);
        Add(name, new JsonMethod<TArguments, TResult>(handler).AnswerAsync, order);
    }

    /// <summary>Adds a method with any number of results, which reach the caller one by one, as fast as it takes them.</summary>
    /// <param name="name">What clients call it.</param>
    /// <param name="handler">What answers: each item is not to be changed afterwards. Its end ends the call with an empty result.</param>
    /// <exception cref="ArgumentException">The name is empty or taken, or its number is another name's.</exception>
    /// <exception cref="InvalidOperationException">The hub has started.</exception>
    public void AddStream(string name, Func<MethodCall, CancellationToken, IAsyncEnumerable<ReadOnlyMemory<byte>>> handler)
    {
        ArgumentNullException.ThrowIfNull(handler);
        Add(name, async (call, cancellationToken) =>
        {
            await foreach (
                ReadOnlyMemory<byte> item in handler(call, cancellationToken).WithCancellation(cancellationToken)
                    .ConfigureAwait(false)) await call.SendAsync(item).ConfigureAwait(false);
            return default;
        });
    }

    private void Add(Method method)
    {
        if (_closed) throw new InvalidOperationException("Methods are added before the hub starts.");
        _table.Add(method.Name, method);
    }

    /// <summary>The hub starts: all loops read from now on, so nothing may be added.</summary>
    internal void Close() => _closed = true;

    /// <summary>A method that runs on its callers' loops, now.</summary>
    internal bool TryGetInline(MethodId id, [MaybeNullWhen(false)] out Method method) =>
        _table.TryGet(id, out _, out method) && method.IsInline;

    internal bool TryGet(MethodId id, [MaybeNullWhen(false)] out Method method) => _table.TryGet(id, out _, out method);
}
