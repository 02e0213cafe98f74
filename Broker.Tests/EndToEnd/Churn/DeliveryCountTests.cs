namespace Broker.Tests.EndToEnd.Churn;

/// <summary>The count that judges churn: each way in which a publication can go astray is seen.</summary>
public sealed class DeliveryCountTests
{
    private static readonly Sighting s_first = new Sighting.Subscribed(WasRecovering: false, Recovered: false, WithPublications: false, 0);
    private static readonly Sighting s_recovered = new Sighting.Subscribed(WasRecovering: true, Recovered: true, WithPublications: true, 2);
    private static readonly Sighting s_anew = new Sighting.Subscribed(WasRecovering: false, Recovered: false, WithPublications: false, 0);

    [Fact]
    public void All_in_order_is_all_delivered() => Expect((4, 0, 0, 0), s_first, P(1), P(2), P(3), P(4));

    [Fact]
    public void A_recovery_goes_on_where_the_client_was() => Expect((4, 0, 0, 0), s_first, P(1), P(2), s_recovered, P(3), P(4));

    [Fact]
    public void A_gap_behind_a_recovery_that_succeeded_is_a_loss() => Expect((3, 0, 1, 0), s_first, P(1), P(2), s_recovered, P(4));

    [Fact]
    public void A_gap_without_any_word_is_a_loss() => Expect((2, 0, 2, 0), s_first, P(1), s_anew, P(4));

    [Fact]
    public void An_announced_gap_is_no_loss() => Expect((2, 2, 0, 0), s_first, P(1), Failed(3), P(4));

    [Fact]
    public void A_gap_longer_than_announced_is_a_loss() => Expect((2, 1, 1, 0), s_first, P(1), Failed(2), P(4));

    [Fact]
    public void What_never_came_at_the_end_is_a_loss() => Expect((2, 0, 2, 0), s_first, P(1), P(2));

    [Fact]
    public void A_subscriber_that_received_nothing_has_lost_everything() => Expect((0, 0, 4, 0));

    [Fact]
    public void What_comes_twice_is_out_of_order() => Expect((4, 0, 0, 1), s_first, P(1), P(2), s_recovered, P(2), P(3), P(4));

    [Fact]
    public void What_comes_behind_a_later_one_is_lost_and_out_of_order() => Expect((3, 0, 1, 1), s_first, P(1), P(3), P(2), P(4));

    [Fact]
    public void An_offset_of_another_publication_is_out_of_order() =>
        Expect((3, 0, 1, 1), s_first, P(1), new Sighting.Published(2, 7), P(3), P(4));

    [Fact]
    public void A_position_behind_the_client_gives_nothing_back() => Expect((4, 0, 0, 1), s_first, P(1), P(2), Failed(1), P(2), P(3), P(4));

    private static void Expect((long Delivered, long Missed, long Lost, long OutOfOrder) expected, params Sighting[] seen)
    {
        DeliveryCount count = DeliveryCount.Of(4, seen, hasOffsets: true);
        Assert.Equal(expected, (count.Delivered, count.Missed, count.Lost, count.OutOfOrder));
        Assert.Equal(count.Published, count.Delivered + count.Missed + count.Lost);
    }

    private static Sighting.Published P(long number) => new Sighting.Published(number, number);

    private static Sighting.Subscribed Failed(long offset) =>
        new Sighting.Subscribed(WasRecovering: true, Recovered: false, WithPublications: false, offset);
}
