using Broker.Actors.Runtime;
using System.Reflection;
using Akka;
using Akka.Actor;
using Akka.Event;
using Akka.Streams;
using Akka.Streams.Dsl;
using Akka.Streams.Implementation;
using Akka.Streams.Implementation.Fusing;
using Akka.Streams.Stage;
using Broker.Actors.Streams;
using Broker.Tests.Support;
using Xunit;

namespace Broker.Tests.Streams;

/// <summary>
/// The guard of <see cref="DirectEntry"/>: it enters Akka's interpreter by members that Akka calls internal. If one of these
/// fails after an update of Akka, read DirectEntry again before anything else.
/// </summary>
public sealed class DirectEntryTests : IDisposable
{
    private readonly TurnedLoop _harness = new(new FakeLoop());
    private readonly FakeLoop _loop;
    private readonly ActorMaterializer _materializer;
    private readonly List<object> _received = [];
    private readonly Gate _gate = new();

    public DirectEntryTests()
    {
        _loop = (FakeLoop)_harness.Loops[0];
        ActorMaterializerSettings settings = ActorMaterializerSettings.Create(_harness.System).WithDispatcher(LoopSetup.DispatcherOf(0));
        _materializer = ActorMaterializer.Create(_harness.System, settings);
        _harness.RunUntil(() => ((RepointableActorRef)_materializer.Supervisor).IsStarted, "the parent of streams starts");
        Source.FromGraph<object, NotUsed>(_gate).Select(each => each).RunForeach(_received.Add, _materializer);
        _harness.RunUntil(() => _gate.HasStarted, "the stream starts");
        _harness.Turn(4);
    }

    public void Dispose() => _harness.Dispose();

    public static TheoryData<string, string> Members => new()
    {
        { nameof(GraphInterpreter.IsSuspended), "Boolean IsSuspended" },
        { nameof(GraphInterpreter.IsCompleted), "Boolean IsCompleted" },
        { nameof(GraphInterpreter.Execute), "Int32 Execute(Int32)" },
        {
            nameof(GraphInterpreter.RunAsyncInput),
            "Void RunAsyncInput(Akka.Streams.Stage.GraphStageLogic, System.Object, "
                + "System.Threading.Tasks.TaskCompletionSource`1[Akka.Done], System.Action`1[System.Object])"
        },
        {
            nameof(GraphInterpreter.OnAsyncInput),
            "System.Action`4[Akka.Streams.Stage.GraphStageLogic,System.Object,System.Threading.Tasks.TaskCompletionSource`1[Akka.Done],System.Action`1[System.Object]] OnAsyncInput"
        },
    };

    [Theory, MemberData(nameof(Members))]
    public void The_members_of_Akka_that_are_used_are_as_they_were(string name, string signature)
    {
        MemberInfo? member = typeof(GraphInterpreter).GetMember(name).SingleOrDefault();

        Assert.True(member?.ToString() == signature,
            $"GraphInterpreter.{name} was \"{signature}\" and is now \"{member}\": DirectEntry has to be looked at again.");
    }

    [Fact]
    public void The_internal_member_of_Akka_that_is_used_is_as_it_was()
    {
        PropertyInfo? interpreter = typeof(GraphStageLogic).GetProperty("Interpreter", BindingFlags.Instance | BindingFlags.NonPublic);

        Assert.True(interpreter?.PropertyType == typeof(GraphInterpreter),
            $"GraphStageLogic.Interpreter is now \"{interpreter}\": DirectEntry has to be looked at again.");
    }

    [Theory]
    [InlineData(typeof(SubFusingActorMaterializerImpl), "_registerShell", typeof(Func<GraphInterpreterShell, IActorRef>))]
    [InlineData(typeof(SubFusingActorMaterializerImpl), "_delegateMaterializer", typeof(ExtendedActorMaterializer))]
    [InlineData(typeof(GraphInterpreterShell), "_log", typeof(ILoggingAdapter))]
    public void The_Akka_fields_used_by_the_stream_factory_are_unchanged(Type owner, string name, Type type)
    {
        FieldInfo? field = owner.GetField(name, BindingFlags.Instance | BindingFlags.NonPublic);

        Assert.True(field?.FieldType == type,
            $"{owner.Name}.{name} was a {type} and is now \"{field}\": PipeMould has to be looked at again.");
    }

    [Fact]
    public void An_element_that_enters_directly_has_gone_through_when_the_entry_returns()
    {
        // No turn between: were there a message on the way, it would still lie in a mailbox.
        Assert.True(_gate.Enter("one"), "A stream that runs said that it had ended.");
        Assert.True(_gate.Enter("two"), "A stream that runs said that it had ended.");

        Assert.Equal(["one", "two"], _received);
    }

    [Fact]
    public void A_stream_that_completes_by_a_direct_entry_ends_with_its_actor()
    {
        Assert.Single(StreamActors());

        Assert.False(_gate.Enter(Gate.Ends), "A stream that completed did not say so.");

        _harness.RunUntil(() => StreamActors().Count == 0, "the stream's actor stops");
        Assert.True(_gate.HasStopped, "The stage was not stopped.");
    }

    [Fact]
    public void A_stage_that_fails_in_a_direct_entry_ends_with_its_actor()
    {
        Assert.False(_gate.Enter(Gate.Fails), "A stream that failed did not say so.");

        _harness.RunUntil(() => StreamActors().Count == 0, "the stream's actor stops");
        Assert.True(_gate.HasStopped, "The stage was not stopped.");
    }

    private List<IInternalActorRef> StreamActors() => [.. ((ActorRefWithCell)_materializer.Supervisor).Children.Cast<IInternalActorRef>()];

    /// <summary>A source whose elements come in directly.</summary>
    private sealed class Gate : GraphStage<SourceShape<object>>
    {
        public const string Ends = "ends", Fails = "fails";

        private static readonly Action<object> s_onEntered = static logic => ((Logic)logic).OnEntered();

        private readonly Outlet<object> _elements = new("Gate.elements");
        private Logic? _logic;

        public Gate() => Shape = new SourceShape<object>(_elements);

        public override SourceShape<object> Shape { get; }

        public bool HasStarted => _logic is not null;

        public bool HasStopped { get; private set; }

        private object Next { get; set; } = Ends;

        /// <summary>Enters with an element, or with a word that ends the stage.</summary>
        public bool Enter(object next)
        {
            Next = next;
            return DirectEntry.Enter(_logic!, s_onEntered);
        }

        protected override GraphStageLogic CreateLogic(Attributes inheritedAttributes) => new Logic(this);

        private sealed class Logic : OutGraphStageLogic
        {
            private readonly Gate _gate;

            public Logic(Gate gate)
                : base(gate.Shape)
            {
                _gate = gate;
                SetHandler(gate._elements, this);
            }

            public override void PreStart()
            {
                SetKeepGoing(true);
                _gate._logic = this;
            }

            internal void OnEntered()
            {
                switch (_gate.Next)
                {
                    case Ends: CompleteStage(); break;
                    case Fails: throw new InvalidOperationException("The stage of the test fails.");
                    default: Push(_gate._elements, _gate.Next); break;
                }
            }

            public override void OnPull()
            {
            }

            public override void PostStop() => _gate.HasStopped = true;
        }
    }
}
