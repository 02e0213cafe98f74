using Broker.Identity.Revocation;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using static Broker.Tests.Identity.TestTokens;

namespace Broker.Tests.Identity;

/// <summary>What is refused before its time.</summary>
public sealed class RevocationTests
{
    private readonly FakeTimeProvider _time = new(Now);

    [Fact]
    public void Refuses_a_token_by_id_a_user_and_older_tokens()
    {
        var list = new RevocationList(10, _time);
        list.Add(new Revoked(RevokedKind.Token, "t1"));
        list.Add(new Revoked(RevokedKind.User, "blocked"));
        list.Add(new Revoked(RevokedKind.UserTokens, "42") { IssuedBefore = Now });
        Assert.True(list.Covers("7", "t1", Now));
        Assert.False(list.Covers("7", "t2", Now));
        Assert.True(list.Covers("blocked", "", Now));
        Assert.True(list.Covers("42", "", Now.AddSeconds(-1)));
        Assert.False(list.Covers("42", "", Now));
        Assert.True(list.Covers("42", "", issuedAt: null));
        Assert.False(list.Covers("", "", issuedAt: null));
    }

    [Fact]
    public void Entries_end_at_their_time_and_make_room()
    {
        var list = new RevocationList(1, _time);
        Assert.True(list.Add(new Revoked(RevokedKind.Token, "t1", Now.AddMinutes(1))));
        Assert.False(list.Add(new Revoked(RevokedKind.Token, "t2")));
        Assert.True(list.Covers("", "t1", null));
        _time.Advance(TimeSpan.FromMinutes(1));
        Assert.False(list.Covers("", "t1", null));
        Assert.True(list.Add(new Revoked(RevokedKind.Token, "t2")));
    }

    [Fact]
    public void A_blocked_user_can_be_unblocked()
    {
        var list = new RevocationList(10, _time);
        list.Add(new Revoked(RevokedKind.User, "42"));
        list.Remove(RevokedKind.User, "42");
        Assert.False(list.Covers("42", "", null));
    }

    [Fact]
    public void Lists_of_several_nodes_become_equal_in_any_order()
    {
        var one = new RevocationList(10, _time);
        var other = new RevocationList(10, _time);
        List<Revoked> ended = [];
        other.Added += ended.AddRange;
        one.Add(new Revoked(RevokedKind.User, "42"));
        IReadOnlyList<Revoked> early = one.Shared;
        _time.Advance(TimeSpan.FromSeconds(1));
        one.Remove(RevokedKind.User, "42");
        one.Add(new Revoked(RevokedKind.Token, "t1"));

        Assert.Equal(0, other.Merge(early));
        Assert.True(other.Covers("42", "", null));
        other.Merge(one.Shared);
        other.Merge(early);
        Assert.False(other.Covers("42", "", null));
        Assert.True(other.Covers("", "t1", null));
        Assert.Equal(["42", "t1"], ended.Select(static each => each.Id));
        one.Merge(other.Shared);
        Assert.Equal(1, one.Count);
        Assert.Equal(1, other.Count);
    }

    [Fact]
    public void What_comes_from_another_node_is_not_sent_on()
    {
        var one = new RevocationList(10, _time);
        var other = new RevocationList(1, _time);
        List<Revoked> changed = [];
        other.Changed += changed.Add;
        one.Add(new Revoked(RevokedKind.User, "42"));
        one.Add(new Revoked(RevokedKind.User, "43"));
        Assert.Equal(1, other.Merge(one.Shared));
        Assert.Empty(changed);
        other.Remove(RevokedKind.User, "7");
        Assert.Equal("7", Assert.Single(changed).Id);
    }

    [Fact]
    public void A_changed_file_is_reloaded_within_a_second_and_logs_its_changes()
    {
        string path = Path.GetTempFileName();
        try
        {
            File.WriteAllText(path, "# tokens\n{\"token\":\"t1\"}\n");
            var list = new RevocationList(10, _time);
            List<Revoked> reported = [];
            list.Added += reported.AddRange;
            using var file = new RevocationFile(path, 10, list, _time, NullLogger.Instance);
            Assert.True(list.Covers("", "t1", null));

            File.WriteAllText(path, "{\"token\":\"t1\"}\n{\"user\":\"42\",\"until\":1900000000}\n");
            _time.Advance(TimeSpan.FromSeconds(1));
            Assert.True(list.Covers("42", "", null));
            Assert.Equal(["t1", "42"], reported.Select(each => each.Id));

            File.WriteAllText(path, "nonsense and more of it, so that the length differs\n");
            _time.Advance(TimeSpan.FromSeconds(1));
            Assert.True(list.Covers("42", "", null));

            File.WriteAllText(path, "");
            _time.Advance(TimeSpan.FromSeconds(1));
            Assert.False(list.Covers("42", "", null));
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Theory]
    [InlineData("""{"token":"a","user":"b"}"""), InlineData("{}"), InlineData("[]"), InlineData("""{"user":""}"""),
        InlineData("""{"user":1}"""), InlineData("""{"token":"a","until":"x"}""")]
    public void Refuses_a_malformed_line_by_its_number(string line) =>
        Assert.StartsWith(
            "line 2: ", Assert.Throws<InvalidDataException>(() => RevocationFile.Read(["", line], 10)).Message, StringComparison.Ordinal);
}
