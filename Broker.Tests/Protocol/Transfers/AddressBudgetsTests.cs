using System.Net;
using Broker.Core.Protocol.Transfers;
using Broker.Core.Upgrade;

namespace Broker.Tests.Protocol.Transfers;

/// <summary>However many connections an address has, its transfers have one share of the process's memory.</summary>
public sealed class AddressBudgetsTests
{
    private static readonly IPEndPoint s_crowd = new(IPAddress.Parse("192.0.2.1"), 1), s_other = new(IPAddress.Parse("192.0.2.2"), 1);

    private readonly ChunkBudget _process = new(1000);
    private readonly AddressBudgets _budgets;

    public AddressBudgetsTests() => _budgets = new AddressBudgets(_process, 500, ClientAddresses.Direct);

    private static TimeSpan At(double seconds) => TimeSpan.FromSeconds(seconds);

    [Fact]
    public void Connections_of_one_address_share_half()
    {
        BudgetLease[] crowd = [.. Enumerable.Range(0, 10).Select(_ => _budgets.Rent(s_crowd))];
        foreach (BudgetLease each in crowd) Assert.True(each.Budget.TryTake(50));

        Assert.False(crowd[0].Budget.TryTake(1));
        Assert.True(_budgets.Rent(s_other).Budget.TryTake(500));
        Assert.Equal(1000, _process.Bytes);
    }

    [Fact]
    public void What_does_not_fit_the_process_is_not_taken_of_the_share()
    {
        ChunkBudget crowd = _budgets.Rent(s_crowd).Budget, other = _budgets.Rent(s_other).Budget;
        Assert.True(_process.TryTake(600));
        Assert.False(crowd.TryTake(450));
        Assert.False(crowd.TryReserve(450, At(0)));

        Assert.Equal((0L, 600L), (crowd.Bytes, _process.Bytes));
        Assert.True(other.TryReserve(100, At(0)));
        other.ReturnReserved(100);
        Assert.Equal(600, _process.Bytes);
    }

    [Fact]
    public void A_wait_for_the_share_of_an_address_sheds_no_other()
    {
        ChunkBudget crowd = _budgets.Rent(s_crowd).Budget, other = _budgets.Rent(s_other).Budget;
        Assert.True(crowd.TryReserve(300, At(0)));
        for (double time = 0; time <= 3; time += 0.1) Assert.False(crowd.TryReserve(300, At(time)));

        Assert.False(other.TryShed(0, At(3)));
        Assert.True(crowd.TryShed(0, At(3)));
    }

    [Fact]
    public void A_wait_for_the_process_sheds_the_slowest_of_any_address()
    {
        ChunkBudget crowd = _budgets.Rent(s_crowd).Budget, other = _budgets.Rent(s_other).Budget;
        Assert.True(crowd.TryTake(500));
        Assert.True(_process.TryTake(500));
        for (double time = 0; time <= 3; time += 0.1) Assert.False(other.TryReserve(100, At(time)));

        Assert.True(crowd.TryShed(0, At(3)));
    }

    [Fact]
    public void What_an_address_still_holds_counts_when_it_comes_back()
    {
        BudgetLease lease = _budgets.Rent(s_crowd);
        Assert.True(lease.Budget.TryTake(400));
        lease.Dispose();
        Assert.Equal(1, _budgets.Count);

        BudgetLease again = _budgets.Rent(s_crowd);
        Assert.False(again.Budget.TryTake(101));
        again.Dispose();
        again.Budget.Return(400);
        Assert.Equal((0, 0L), (_budgets.Count, _process.Bytes));
    }

    [Fact]
    public void A_proxy_and_a_Unix_socket_have_the_whole()
    {
        var behind =
            new AddressBudgets(
                _process, 500, new ClientAddresses(new ProxyTrust { Forwarded = new AddressRanges([new IPNetwork(s_crowd.Address, 32)]) }));

        Assert.Same(_process, behind.Rent(s_crowd).Budget);
        Assert.Same(_process, behind.Rent(remote: null).Budget);
        Assert.NotSame(_process, behind.Rent(s_other).Budget);
    }
}
