namespace Broker.Dialects.Centrifuge.Wire.Protobuf;

/// <summary>Parses one Protobuf message into a command: one method a command, one C# method for its fields.</summary>
/// <param name="message">The message. Borrowed.</param>
internal ref struct ProtobufCommandParser(ReadOnlySpan<byte> message)
{
    private ProtobufReader _command = new(message);

    /// <summary>Parses the message.</summary>
    /// <returns>What is wrong, or null.</returns>
    public string? Parse(scoped ref Command command)
    {
        while (_command.Next(out int field))
        {
            if (field == 1) command.Id = _command.UInt32("id");
            else if (KindOf(field) is { } kind) ParseMethod(kind, ref command);
            else _command.Skip();
        }

        if (_command.Reason is { } reason) return reason;
        switch (command.Kind)
        {
            case CommandKind.Pong when command.Id != 0: command.Kind = CommandKind.Unknown; return null;
            case CommandKind.Pong or CommandKind.Send: return null;
            default: return command.Id == 0 ? "A command has no id." : null;
        }
    }

    private static CommandKind? KindOf(int field) => field switch
    {
        4 => CommandKind.Connect,
        5 => CommandKind.Subscribe,
        6 => CommandKind.Unsubscribe,
        7 => CommandKind.Publish,
        8 => CommandKind.Presence,
        9 => CommandKind.PresenceStats,
        10 => CommandKind.History,
        12 => CommandKind.Send,
        13 => CommandKind.Rpc,
        14 => CommandKind.Refresh,
        15 => CommandKind.SubRefresh,
        _ => null,
    };

    private void ParseMethod(CommandKind kind, scoped ref Command command)
    {
        ReadOnlySpan<byte> request = _command.Bytes("a method");
        if (command.Kind != CommandKind.Pong) _command.Refuse("A command has two methods.");
        if (_command.Reason is not null) return;

        command.Kind = kind;
        var fields = new ProtobufReader(request);
        ProtobufMaps maps = default;
        while (fields.Next(out int field))
        {
            bool known = kind switch
            {
                CommandKind.Publish => ParsePublish(field, ref fields, ref command),
                CommandKind.Subscribe => ParseSubscribe(field, ref fields, ref command),
                CommandKind.Connect => ParseConnect(field, ref fields, ref command, ref maps),
                CommandKind.Rpc => ParseRpc(field, ref fields, ref command),
                CommandKind.Send => ParseSend(field, ref fields, ref command),
                CommandKind.History => ParseHistory(field, ref fields, ref command),
                CommandKind.Refresh => ParseRefresh(field, ref fields, ref command),
                CommandKind.SubRefresh => ParseSubRefresh(field, ref fields, ref command),
                _ => ParseChannel(field, ref fields, ref command),
            };
            if (!known) fields.Skip();
        }

        if (fields.Reason is { } reason) _command.Refuse(reason);
        else if (kind == CommandKind.Connect) maps.MoveTo(ref command);
    }

    private static bool ParseChannel(int field, scoped ref ProtobufReader fields, scoped ref Command command)
    {
        if (field != 1) return false;
        command.Channel = fields.Text("channel");
        return true;
    }

    private static bool ParsePublish(int field, scoped ref ProtobufReader fields, scoped ref Command command)
    {
        if (field == 2) command.Data = fields.Bytes("data");
        else if (field == 3) command.Type = fields.Int32("type");
        else return ParseChannel(field, ref fields, ref command);
        return true;
    }

    private static bool ParseSubscribe(int field, scoped ref ProtobufReader fields, scoped ref Command command)
    {
        switch (field)
        {
            case 2: command.Token = fields.Text("token"); break;
            case 3: command.Recover = fields.Flag("recover"); break;
            case 6: command.Epoch = fields.Text("epoch"); break;
            case 7: command.Offset = fields.UInt64("offset"); break;
            case 8: command.Data = fields.Bytes("data"); break;
            case 9: command.Positioned = fields.Flag("positioned"); break;
            case 10: command.Recoverable = fields.Flag("recoverable"); break;
            case 11: command.JoinLeave = fields.Flag("join_leave"); break;
            case 12: command.Delta = fields.Text("delta"); break;
            case 13: command.TagsFilter = ParseFilter(ref fields); break;
            case 14: command.Flags = fields.Int64("flag"); break;
            case 15: command.Type = fields.Int32("type"); break;
            default: return ParseChannel(field, ref fields, ref command);
        }

        return true;
    }

    private static ReadOnlySpan<byte> ParseFilter(scoped ref ProtobufReader fields)
    {
        ReadOnlySpan<byte> node = fields.Bytes("tf");
        if (fields.Reason is not null) return default;
        string? reason = ProtobufFilter.ToJson(node, out byte[] json);
        if (reason is not null) fields.Refuse(reason);
        return json;
    }

    private static bool ParseConnect(int field, scoped ref ProtobufReader fields, scoped ref Command command, scoped ref ProtobufMaps maps)
    {
        switch (field)
        {
            case 1: command.Token = fields.Text("token"); break;
            case 2: command.Data = fields.Bytes("data"); break;
            case 3: maps.AddSub(ref fields); break;
            case 4: command.Name = fields.Text("name"); break;
            case 5: command.Version = fields.Text("version"); break;
            case 6: maps.AddHeader(ref fields); break;
            default: return false;
        }

        return true;
    }

    private static bool ParseRpc(int field, scoped ref ProtobufReader fields, scoped ref Command command)
    {
        if (field == 1) command.Data = fields.Bytes("data");
        else if (field == 2) command.Method = fields.Text("method");
        else return false;
        return true;
    }

    private static bool ParseSend(int field, scoped ref ProtobufReader fields, scoped ref Command command)
    {
        if (field != 1) return false;
        command.Data = fields.Bytes("data");
        return true;
    }

    private static bool ParseHistory(int field, scoped ref ProtobufReader fields, scoped ref Command command)
    {
        switch (field)
        {
            case 7: command.Limit = fields.Int32("limit"); break;
            case 8: ParseSince(ref fields, ref command); break;
            case 9: command.Reverse = fields.Flag("reverse"); break;
            default: return ParseChannel(field, ref fields, ref command);
        }

        return true;
    }

    private static void ParseSince(scoped ref ProtobufReader fields, scoped ref Command command)
    {
        var position = new ProtobufReader(fields.Bytes("since"));
        command.Since = true;
        while (position.Next(out int field))
        {
            if (field == 1) command.Offset = position.UInt64("offset");
            else if (field == 2) command.Epoch = position.Text("epoch");
            else position.Skip();
        }

        if (position.Reason is { } reason) fields.Refuse(reason);
    }

    private static bool ParseRefresh(int field, scoped ref ProtobufReader fields, scoped ref Command command)
    {
        if (field != 1) return false;
        command.Token = fields.Text("token");
        return true;
    }

    private static bool ParseSubRefresh(int field, scoped ref ProtobufReader fields, scoped ref Command command)
    {
        if (field == 2) command.Token = fields.Text("token");
        else if (field == 3) command.Type = fields.Int32("type");
        else return ParseChannel(field, ref fields, ref command);
        return true;
    }
}
