namespace Broker.Actors.Calls;

/// <summary>Bounds of the items of the hub's calls to one client.</summary>
/// <param name="Windows">Items of one call before the first credit: arguments, as the client has said, and results.</param>
/// <param name="UnreadBytesMax">Bytes of arguments that may be under way to it, of all calls together.</param>
internal readonly record struct ItemBounds(CallWindows Windows, int UnreadBytesMax);
