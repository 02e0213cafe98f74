namespace Broker.Dialects.Native;

/// <summary>What a stream to a client is, for the day that it can not be sent to its end.</summary>
/// <param name="Channel">Of a delivery: the channel's number; else 0.</param>
/// <param name="Offset">Of a delivery: its place.</param>
/// <param name="Call">Of a result or of arguments: the call.</param>
internal readonly record struct DownloadSubject(uint Channel, ulong Offset, uint Call);
