using System.Text;
using Broker.Configuration;
using Serilog.Core;
using Serilog.Events;
using Serilog.Formatting;

namespace Broker.Host.Logging;

/// <summary>Writes each event as lines that hold nothing but visible characters, into a queue.</summary>
/// <remarks>
/// What a client said may stand anywhere in an event, in its words, its properties or its exception. So it is the finished line that is
/// made visible, and every further line of an exception is set in by four spaces: no event can look like two.
/// </remarks>
/// <param name="formatter">Writes an event on one line; in text without its exception.</param>
/// <param name="writesExceptions">Whether the exception follows on lines of its own.</param>
/// <param name="queue">Where the lines go.</param>
internal sealed class QueuedSink(ITextFormatter formatter, bool writesExceptions, LogQueue queue) : ILogEventSink
{
    private const int LineCharsMax = 64 * 1024;

    /// <inheritdoc/>
    public void Emit(LogEvent logEvent)
    {
        ArgumentNullException.ThrowIfNull(logEvent);
        using var text = new StringWriter { NewLine = "\n" };
        formatter.Format(logEvent, text);
        var lines = new StringBuilder(VisibleText.Of(text.ToString().TrimEnd('\r', '\n'))).Append('\n');
        if (writesExceptions && logEvent.Exception is { } exception)
        {
            foreach (string line in exception.ToString().Split('\n'))
                lines.Append("    ").Append(VisibleText.Of(line.TrimEnd('\r'))).Append('\n');
        }

        // Only text is cut: half an object of JSON is none.
        if (writesExceptions && lines.Length > LineCharsMax) lines.Length = LineCharsMax - 1;
        if (lines[^1] != '\n') lines.Append('\n');
        queue.Add(Encoding.UTF8.GetBytes(lines.ToString()));
    }
}
