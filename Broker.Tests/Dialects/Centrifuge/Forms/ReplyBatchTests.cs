using System.Text;
using Broker.Core.Buffers;
using Broker.Dialects.Centrifuge.Forms;

namespace Broker.Tests.Dialects.Centrifuge.Forms;

public sealed class ReplyBatchTests
{
    private const string Replies = "{\"id\":1,\"publish\":{}}\n{\"push\":{\"channel\":\"a\",\"pub\":{\"data\":1}}}";

    [Fact]
    public void A_line_feed_ends_each_line() => Assert.Equal(Replies + "\n{}\n", Write(new ReplyForm(ReplyFraming.Lines), Replies, "{}"));

    [Fact]
    public void Each_reply_is_an_event() => Assert.Equal(
        "data: {\"id\":1,\"publish\":{}}\n\ndata: {\"push\":{\"channel\":\"a\",\"pub\":{\"data\":1}}}\n\ndata: {}\n\n",
            Write(new ReplyForm(ReplyFraming.Events), Replies, "{}"));

    [Fact]
    public void Pushes_are_bare_and_pings_are_as_they_were() => Assert.Equal(
        "{\"channel\":\"a\",\"pub\":{\"data\":1}}\n{}\n",
            Write(new ReplyForm(ReplyFraming.Lines, IsPush: true), Replies.Split('\n')[1], "{}"));

    [Fact]
    public void Each_push_is_a_frame_of_its_own() => Assert.Equal(
        "\u0081\u0020{\"channel\":\"a\",\"pub\":{\"data\":1}}\u0081\u0002{}",
            Write(new ReplyForm(ReplyFraming.Single, IsPush: true), Replies.Split('\n')[1], "{}"));

    [Fact]
    public void Replies_share_one_frame_where_they_are_joined() => Assert.Equal("\u0081\u0005{}\n{}", Write(default, "{}", "{}"));

    [Fact]
    public void Encoded_replies_follow_each_other() =>
        Assert.Equal("\u0001\n\u0002\n\n", Write(new ReplyForm(ReplyFraming.Lines, IsBinary: true), "\u0001\n", "\u0002\n\n"));

    private static string Write(ReplyForm form, params string[] replies)
    {
        var batch = new ReplyBatch(form);
        Assert.True(batch.IsEmpty);
        foreach (string each in replies) batch.Append(Encoding.UTF8.GetBytes(each), new BufferPool());
        SharedBytes bytes = batch.Seal(out int start);
        Assert.True(batch.IsEmpty);
        string text = Encoding.Latin1.GetString(bytes.Array.AsSpan(start, bytes.Length - start));
        bytes.Release();
        return text;
    }
}
