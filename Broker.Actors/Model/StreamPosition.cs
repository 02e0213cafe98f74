namespace Broker.Actors.Model;

/// <summary>A place in a channel's publications.</summary>
/// <param name="Epoch">Another one whenever offsets begin again. 0 in a request stands for whatever epoch the channel has.</param>
/// <param name="Offset">Of a publication, from 1; 0 is before the first.</param>
public readonly record struct StreamPosition(ulong Epoch, ulong Offset);
