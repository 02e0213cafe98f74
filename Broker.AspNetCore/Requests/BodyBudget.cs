using System.Net;
using Broker.Core.Upgrade;

namespace Broker.AspNetCore.Requests;

/// <summary>
/// Bytes of bodies that are read at once, and how long one may take. The clients of one address have half. For all threads.
/// </summary>
/// <param name="bytesMax">The most of them.</param>
/// <param name="timeMax">How long one body may take, so that none holds its bytes by coming slowly.</param>
/// <param name="addresses">Which clients share.</param>
/// <param name="time">The clock.</param>
internal sealed class BodyBudget(long bytesMax, TimeSpan timeMax, ClientAddresses addresses, TimeProvider time)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<IPAddress, long> _shares = [];
    private long _taken;

    /// <summary>How long one body may take.</summary>
    internal TimeSpan TimeMax => timeMax;

    /// <summary>Measures that.</summary>
    internal TimeProvider Time => time;

    /// <summary>Bytes that are taken.</summary>
    internal long Taken
    {
        get
        {
            lock (_gate) return _taken;
        }
    }

    /// <summary>Takes some, if there are enough for all and in the client's share.</summary>
    internal bool TryTake(int bytes, IPEndPoint client)
    {
        lock (_gate)
        {
            if (_taken + bytes > bytesMax) return false;
            if (addresses.ShareOf(client) is { } address)
            {
                long share = _shares.GetValueOrDefault(address) + bytes;
                if (share > bytesMax / 2) return false;
                _shares[address] = share;
            }

            _taken += bytes;
            return true;
        }
    }

    /// <summary>Gives them back.</summary>
    internal void Return(int bytes, IPEndPoint client)
    {
        if (bytes == 0) return;
        lock (_gate)
        {
            _taken -= bytes;
            if (addresses.ShareOf(client) is not { } address) return;
            long share = _shares[address] - bytes;
            if (share > 0) _shares[address] = share;
            else _shares.Remove(address);
        }
    }
}
