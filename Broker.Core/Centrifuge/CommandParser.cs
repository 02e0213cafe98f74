namespace Broker.Core.Centrifuge;

/// <summary>Parses one line into a command: one method a command, one C# method for its members.</summary>
internal ref struct CommandParser(ReadOnlySpan<byte> line)
{
    private JsonMembers _members = new(line);

    /// <summary>What is wrong, or null.</summary>
    public readonly string? Reason => _members.Reason;

    /// <summary>Parses the line. On failure <see cref="Reason"/> is set, or <c>JsonException</c> thrown.</summary>
    public void Parse(ref Command command)
    {
        if (!_members.EnterRoot()) return;
        while (_members.Next(out ReadOnlySpan<byte> name))
        {
            if (name.SequenceEqual("id"u8)) command.Id = _members.UInt32(command.Id, "id");
            else ParseMethod(KindOf(name), ref command);
        }
        if (Reason is not null) return;
        _members.LeaveRoot();

        switch (command.Kind)
        {
            case CommandKind.Pong when command.Id != 0: command.Kind = CommandKind.Unknown; break;
            case CommandKind.Pong or CommandKind.Send: break;
            default: if (command.Id == 0) _members.Refuse("A command has no id."); break;
        }
    }

    private static CommandKind KindOf(ReadOnlySpan<byte> name)
    {
        if (name.SequenceEqual("publish"u8)) return CommandKind.Publish;
        if (name.SequenceEqual("subscribe"u8)) return CommandKind.Subscribe;
        if (name.SequenceEqual("unsubscribe"u8)) return CommandKind.Unsubscribe;
        if (name.SequenceEqual("connect"u8)) return CommandKind.Connect;
        if (name.SequenceEqual("rpc"u8)) return CommandKind.Rpc;
        if (name.SequenceEqual("send"u8)) return CommandKind.Send;
        if (name.SequenceEqual("presence"u8)) return CommandKind.Presence;
        if (name.SequenceEqual("presence_stats"u8)) return CommandKind.PresenceStats;
        if (name.SequenceEqual("history"u8)) return CommandKind.History;
        if (name.SequenceEqual("refresh"u8)) return CommandKind.Refresh;
        if (name.SequenceEqual("sub_refresh"u8)) return CommandKind.SubRefresh;
        return CommandKind.Unknown;
    }

    private void ParseMethod(CommandKind kind, ref Command command)
    {
        if (kind == CommandKind.Unknown)
        {
            _members.Skip();
            return;
        }
        if (!_members.Enter("a method")) return;
        if (command.Kind != CommandKind.Pong)
        {
            _members.Refuse("A command has two methods.");
            return;
        }
        command.Kind = kind;
        while (_members.Next(out ReadOnlySpan<byte> name))
        {
            bool known = kind switch
            {
                CommandKind.Publish => ParsePublish(name, ref command),
                CommandKind.Subscribe => ParseSubscribe(name, ref command),
                CommandKind.Connect => ParseConnect(name, ref command),
                CommandKind.Rpc => ParseRpc(name, ref command),
                CommandKind.Send => ParseData(name, ref command),
                CommandKind.History => ParseHistory(name, ref command),
                CommandKind.Refresh => ParseToken(name, ref command),
                CommandKind.SubRefresh => ParseSubRefresh(name, ref command),
                _ => ParseChannel(name, ref command),
            };
            if (!known) _members.Skip();
        }
    }

    private bool ParsePublish(ReadOnlySpan<byte> name, ref Command command) =>
        ParseChannel(name, ref command) || ParseData(name, ref command) || ParseType(name, ref command);

    private bool ParseSubRefresh(ReadOnlySpan<byte> name, ref Command command) =>
        ParseChannel(name, ref command) || ParseToken(name, ref command) || ParseType(name, ref command);

    private bool ParseSubscribe(ReadOnlySpan<byte> name, ref Command command)
    {
        if (ParseChannel(name, ref command) || ParsePosition(name, ref command)) return true;
        if (ParseToken(name, ref command) || ParseData(name, ref command) || ParseType(name, ref command)) return true;
        if (name.SequenceEqual("recover"u8)) command.Recover = _members.Flag(command.Recover, "recover");
        else if (name.SequenceEqual("positioned"u8)) command.Positioned = _members.Flag(command.Positioned, "positioned");
        else if (name.SequenceEqual("recoverable"u8)) command.Recoverable = _members.Flag(command.Recoverable, "recoverable");
        else if (name.SequenceEqual("join_leave"u8)) command.JoinLeave = _members.Flag(command.JoinLeave, "join_leave");
        else if (name.SequenceEqual("delta"u8)) command.Delta = _members.Text(command.Delta, "delta");
        else if (name.SequenceEqual("tf"u8)) command.TagsFilter = _members.RawObject(command.TagsFilter, "tf");
        else if (name.SequenceEqual("flag"u8)) command.Flags = _members.Int64(command.Flags, "flag");
        else return false;
        return true;
    }

    private bool ParseConnect(ReadOnlySpan<byte> name, ref Command command)
    {
        if (ParseToken(name, ref command) || ParseData(name, ref command)) return true;
        if (name.SequenceEqual("name"u8)) command.Name = _members.Text(command.Name, "name");
        else if (name.SequenceEqual("version"u8)) command.Version = _members.Text(command.Version, "version");
        else if (name.SequenceEqual("headers"u8)) command.Headers = _members.RawObject(command.Headers, "headers");
        else if (name.SequenceEqual("subs"u8)) command.Subs = Checked(_members.RawObject(command.Subs, "subs"));
        else return false;
        return true;
    }

    private ReadOnlySpan<byte> Checked(ReadOnlySpan<byte> subs)
    {
        if (subs.IsEmpty) return subs;
        var reader = new RecoveryReader(subs);
        while (reader.Read(out _)) { }
        if (reader.Reason is not null) _members.Refuse(reader.Reason);
        return subs;
    }

    private bool ParseRpc(ReadOnlySpan<byte> name, ref Command command)
    {
        if (ParseData(name, ref command)) return true;
        if (!name.SequenceEqual("method"u8)) return false;
        command.Method = _members.Text(command.Method, "method");
        return true;
    }

    private bool ParseHistory(ReadOnlySpan<byte> name, ref Command command)
    {
        if (ParseChannel(name, ref command)) return true;
        if (name.SequenceEqual("limit"u8)) command.Limit = _members.Int32(command.Limit, "limit");
        else if (name.SequenceEqual("reverse"u8)) command.Reverse = _members.Flag(command.Reverse, "reverse");
        else if (name.SequenceEqual("since"u8)) ParseSince(ref command);
        else return false;
        return true;
    }

    private void ParseSince(ref Command command)
    {
        if (!_members.Enter("since")) return;
        command.Since = true;
        while (_members.Next(out ReadOnlySpan<byte> name))
        {
            if (!ParsePosition(name, ref command)) _members.Skip();
        }
    }

    private bool ParsePosition(ReadOnlySpan<byte> name, ref Command command)
    {
        if (name.SequenceEqual("offset"u8)) command.Offset = _members.UInt64(command.Offset, "offset");
        else if (name.SequenceEqual("epoch"u8)) command.Epoch = _members.Text(command.Epoch, "epoch");
        else return false;
        return true;
    }

    private bool ParseChannel(ReadOnlySpan<byte> name, ref Command command)
    {
        if (!name.SequenceEqual("channel"u8)) return false;
        command.Channel = _members.Text(command.Channel, "channel");
        return true;
    }

    private bool ParseData(ReadOnlySpan<byte> name, ref Command command)
    {
        if (!name.SequenceEqual("data"u8)) return false;
        command.Data = _members.Raw();
        return true;
    }

    private bool ParseToken(ReadOnlySpan<byte> name, ref Command command)
    {
        if (!name.SequenceEqual("token"u8)) return false;
        command.Token = _members.Text(command.Token, "token");
        return true;
    }

    private bool ParseType(ReadOnlySpan<byte> name, ref Command command)
    {
        if (!name.SequenceEqual("type"u8)) return false;
        command.Type = _members.Int32(command.Type, "type");
        return true;
    }
}
