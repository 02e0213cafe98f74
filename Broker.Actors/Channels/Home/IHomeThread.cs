using System.Runtime.CompilerServices;

namespace Broker.Actors.Channels.Home;

/// <summary>The thread of a home, for what a store has finished on another one.</summary>
public interface IHomeThread
{
    /// <summary>Runs this on the home's thread, behind what was given before.</summary>
    void Post(Action action);
}

/// <summary>Ways back to a home's thread.</summary>
internal static class HomeThreads
{
    /// <summary>To be awaited: what follows runs on the home's thread.</summary>
    internal static Switch SwitchTo(this IHomeThread thread) => new(thread);

    /// <summary>Its awaiter, which is never completed before it has been posted.</summary>
    internal readonly struct Switch(IHomeThread thread) : INotifyCompletion
    {
        public bool IsCompleted => false;

        public Switch GetAwaiter() => this;

        public void GetResult()
        {
        }

        public void OnCompleted(Action continuation) => thread.Post(continuation);
    }
}
