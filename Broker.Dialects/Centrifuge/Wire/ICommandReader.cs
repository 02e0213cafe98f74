using System.Buffers;

namespace Broker.Dialects.Centrifuge.Wire;

/// <summary>Reads the commands of one frame, one at a time, whichever form they have.</summary>
public interface ICommandReader
{
    /// <summary>Bytes of the frame that were read, with the command that was read last.</summary>
    int Position { get; }

    /// <summary>Which command was read last, from 0; -1 before the first.</summary>
    int Index { get; }

    /// <summary>What is wrong, in words for a log, after <c>InvalidData</c>; else null. Holds nothing of the client's.</summary>
    string? Reason { get; }

    /// <summary>Reads the next command.</summary>
    /// <param name="command">The command, valid as long as the frame is; <c>default</c> on any answer but <c>Done</c>.</param>
    /// <returns>
    /// <c>Done</c>: one command was read; <see cref="Index"/> moved by one.
    /// <c>NeedMoreData</c>: the frame holds no more commands, and held at least one.
    /// <c>InvalidData</c>: close with 3501, bad request; <see cref="Reason"/> says why, and so it stays for this frame.
    /// </returns>
    OperationStatus Read(out Command command);
}
