using System.Net;
using Broker.Core.Upgrade;

namespace Broker.Actors.Limits;

/// <summary>The rates of all clients of a hub. From any thread.</summary>
internal sealed class ClientLimits
{
    private readonly LimitSettings _settings;
    private readonly TimeProvider _time;
    private readonly LimitCounters _counters;
    private readonly Rates _connection;
    private readonly RateTable<string> _users;
    private readonly RateTable<UInt128> _addresses;

    private ClientLimits(LimitSettings settings, int resumeCommands, long resumeBytes, TimeProvider time, LimitCounters counters)
    {
        _settings = settings;
        _time = time;
        _counters = counters;
        _connection = new Rates(settings.Connection, resumeCommands, resumeBytes);
        _users = new RateTable<string>(new Rates(settings.User, resumeCommands, resumeBytes), settings.EntriesMax);
        _addresses = new RateTable<UInt128>(new Rates(settings.Address, resumeCommands, resumeBytes), settings.EntriesMax);
    }

    /// <summary>Makes the limits.</summary>
    /// <param name="settings">The rates.</param>
    /// <param name="resumeCommands">Commands that a client says at once when it comes back.</param>
    /// <param name="resumeBytes">Their bytes.</param>
    /// <param name="time">The clock.</param>
    /// <param name="counters">Counts what is refused.</param>
    /// <returns>Null where nothing is limited.</returns>
    internal static ClientLimits? Of(
        LimitSettings settings, int resumeCommands, long resumeBytes, TimeProvider time, LimitCounters counters) =>
        settings.IsOn ? new ClientLimits(settings, resumeCommands, resumeBytes, time, counters) : null;

    /// <summary>Whether new connections of an address are limited.</summary>
    internal bool LimitsConnects => _settings.Address.Connects > 0;

    /// <summary>Whether the address of a connection matters to its commands.</summary>
    internal bool NeedsAddress => _settings.Address.LimitsCommands;

    /// <summary>Users and addresses that are remembered.</summary>
    internal (int Users, int Addresses) Entries => (_users.Count, _addresses.Count);

    private long Now => _time.GetTimestamp() / Math.Max(1, _time.TimestampFrequency / 1000);

    /// <summary>An address wants to open a connection.</summary>
    /// <returns>Why not, or null.</returns>
    internal UpgradeFault? CheckConnect(IPAddress address)
    {
        if (!LimitsConnects) return null;
        UInt128 key = AddressKey.Of(address);
        long now = Now;
        SharedBuckets buckets = _addresses.Acquire(key);
        bool isTaken = buckets.TryTake(LimitKind.Connects, 1, now);
        long wait = isTaken ? 0 : buckets.MillisecondsToNext(LimitKind.Connects, now);
        _addresses.Release(key, now);
        if (isTaken) return null;
        _counters.Add(LimitScope.Address, LimitKind.Connects);

        // Spread, so that those who were turned away do not come back together.
        return new UpgradeFault(429, $"More than {_settings.Address.Connects} new connections a second from one address.")
        {
            RetryAfter = TimeSpan.FromMilliseconds(wait) + TimeSpan.FromSeconds(Random.Shared.Next(0, 4)),
        };
    }

    /// <summary>The limits of one connection.</summary>
    /// <returns>Null where nothing but the connects of addresses is limited.</returns>
    internal SessionLimits? Begin(IPAddress address) =>
        _settings.Connection.LimitsCommands || _settings.User.IsOn || _settings.Address.LimitsCommands
            ? new SessionLimits(this, AddressKey.Of(address)) : null;

    /// <summary>Of one connection; for its loop's thread.</summary>
    internal sealed class SessionLimits
    {
        private readonly ClientLimits _all;
        private readonly TokenBucket[] _own;
        private readonly UInt128 _address;
        private readonly SharedBuckets? _ofAddress;
        private string _user = "";
        private SharedBuckets? _ofUser;
        private int _refused;

        internal SessionLimits(ClientLimits all, UInt128 address)
        {
            _all = all;
            _address = address;
            _own = all._settings.Connection.LimitsCommands ? new TokenBucket[all._connection.Count] : [];
            if (all._settings.Address.LimitsCommands) _ofAddress = all._addresses.Acquire(address);
        }

        /// <summary>More commands in a row were refused than may be.</summary>
        internal bool IsOver => _all._settings.RefusedMax > 0 && _refused > _all._settings.RefusedMax;

        /// <summary>A user wants to connect; its rates count from here on.</summary>
        /// <returns>Whether it may.</returns>
        internal bool TryConnect(string user)
        {
            if (user.Length == 0 || !_all._settings.User.IsOn) return true;
            if (_ofUser is null)
            {
                _user = user;
                _ofUser = _all._users.Acquire(user);
            }

            if (_ofUser.TryTake(LimitKind.Connects, 1, _all.Now)) return true;
            _all._counters.Add(LimitScope.User, LimitKind.Connects);
            ReleaseUser();
            return false;
        }

        /// <summary>The connection's commands come, all at once.</summary>
        /// <param name="commands">How many.</param>
        /// <param name="kind">What they are beside commands: publishes or subscribes; otherwise commands.</param>
        /// <param name="bytes">Their bytes.</param>
        /// <returns>Whether they are within every rate. If not, tokens that were there for them are gone all the same.</returns>
        internal bool TryTake(int commands, LimitKind kind, long bytes)
        {
            long now = _all.Now;
            bool isTaken = TryTake(LimitKind.Commands, commands, now)
                && (kind == LimitKind.Commands || TryTake(kind, commands, now))
                && TryTake(LimitKind.Bytes, bytes, now);
            _refused = isTaken ? 0 : _refused + 1;
            return isTaken;
        }

        private bool TryTake(LimitKind kind, long tokens, long now)
        {
            LimitScope scope;
            if (_own.Length > 0 && !_own[(int)kind].TryTake(_all._connection[kind], tokens, now)) scope = LimitScope.Connection;
            else if (_ofUser?.TryTake(kind, tokens, now) == false) scope = LimitScope.User;
            else if (_ofAddress?.TryTake(kind, tokens, now) == false) scope = LimitScope.Address;
            else return true;
            _all._counters.Add(scope, kind);
            return false;
        }

        /// <summary>The connection has ended.</summary>
        internal void End()
        {
            if (_ofAddress is not null) _all._addresses.Release(_address, _all.Now);
            ReleaseUser();
        }

        private void ReleaseUser()
        {
            if (_ofUser is not null) _all._users.Release(_user, _all.Now);
            _ofUser = null;
        }
    }
}
