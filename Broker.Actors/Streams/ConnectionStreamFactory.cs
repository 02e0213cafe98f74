using System.Runtime.CompilerServices;
using Akka;
using Akka.Actor;
using Akka.Event;
using Akka.Streams;
using Akka.Streams.Implementation;
using Akka.Streams.Implementation.Fusing;

namespace Broker.Actors.Streams;

/// <summary>
/// Makes running streams of one drawn graph again and again, for the price of their stages: the graph is fused and laid out
/// once, and each cast shares that layout.
/// </summary>
/// <remarks>
/// A materializer walks the graph anew each time, which costs 23 KB of garbage a connection. What it makes at the end of its
/// walk is made here directly, with members of Akka.Streams that are public but marked internal (<c>GraphModule</c>,
/// <c>GraphAssembly.Materialize</c>, <c>GraphInterpreterShell</c>) and some that are private: the function by which a
/// sub-fusing materializer hands a stream to the actor that runs it, and the stream's log. They are used here and nowhere
/// else, Akka is pinned, and a test fails when they change.
/// </remarks>
internal sealed class ConnectionStreamFactory
{
    private readonly GraphModule _graph;
    private readonly ExtendedActorMaterializer _materializer;
    private readonly Func<GraphInterpreterShell, IActorRef> _register;
    private readonly ILoggingAdapter _log;
    private readonly Dictionary<IModule, object> _values = [];

    /// <summary>Lays out a graph without outer ports and without asynchronous boundaries inside.</summary>
    /// <param name="drawn">The graph.</param>
    /// <param name="host">The materializer of the stream whose actor runs the casts.</param>
    internal ConnectionStreamFactory(IGraph<ClosedShape, NotUsed> drawn, IMaterializer host)
    {
        _graph = Akka.Streams.Fusing.Aggressive(drawn).Module.SubModules.OfType<GraphModule>().Single();
        var subFusing = (SubFusingActorMaterializerImpl)host;
        _materializer = DelegateOf(subFusing);
        _register = RegisterOf(subFusing);
        _log = Logging.GetLogger(_materializer.System, nameof(ConnectionFlow));
    }

    /// <summary>Makes one stream and starts it in the host's actor. Only there.</summary>
    internal void Cast()
    {
        (GraphInterpreter.Connection[] connections, Akka.Streams.Stage.GraphStageLogic[] logics) =
            _graph.Assembly.Materialize(Attributes.None, _graph.MaterializedValueIds, _values, static _ => { });
        _values.Clear();
        var shell = new GraphInterpreterShell(_graph.Assembly, connections, logics, _graph.Shape, _materializer.Settings, _materializer);

        // All of them run in one actor, by whose name each would else make a log of its own.
        LogOf(shell) = _log;
        _register(shell);
    }

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_registerShell")]
    private static extern ref Func<GraphInterpreterShell, IActorRef> RegisterOf(SubFusingActorMaterializerImpl materializer);

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_log")]
    private static extern ref ILoggingAdapter? LogOf(GraphInterpreterShell shell);

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_delegateMaterializer")]
    private static extern ref ExtendedActorMaterializer DelegateOf(SubFusingActorMaterializerImpl materializer);
}
