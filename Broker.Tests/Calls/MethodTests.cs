using Broker.Core.Protocol.Calls;
using Broker.Core.Protocol.Messages;

namespace Broker.Tests.Calls;

public sealed class MethodTests
{
    [Theory]
    [InlineData("", 0x2d06800538d394c2)]
    [InlineData("alice", 0x4da10dd61a0116b0)]
    [InlineData("bob", 0x1403c0c40f49b8e5)]
    [InlineData("carol", 0xe2fdb994ad3fcba4)]
    [InlineData("key1", 0x384d070cd5d829e2)]
    [InlineData("test_key", 0xe0614cc5ecbeed92)]
    [InlineData("longer_key_name", 0x4c21bc57c3b572ee)]
    [InlineData("\0", 0xc44bdff4074eecdb)]
    [InlineData("read", 0x2c2622a151f2cdf2)]
    [InlineData("batch_read", 0x01030b148b7284c2)]
    [InlineData("write", 0x3ec2ad5c308c53da)]
    [InlineData("batch_write", 0xb0207c59d9b60457)]
    [InlineData("delete", 0x42dbbac7f7e9defd)]
    [InlineData("exists", 0xcb471c821989c086)]
    [InlineData("len", 0xa41dbb760e96e3e3)]
    [InlineData("is_empty", 0x34e05a9b282d0770)]
    [InlineData("file_size", 0x720ea1f40d3468c2)]
    public void An_id_is_the_published_hash_of_the_name(string name, ulong id) => Assert.Equal(id, MethodId.Of(name).Value);

    [Fact]
    public void A_method_is_found_by_its_id()
    {
        var table = new MethodTable<int>();
        table.Add("sum", 7);

        Assert.True(table.TryGet(MethodId.Of("sum"), out string name, out int handler));
        Assert.Equal(("sum", 7), (name, handler));
        Assert.False(table.TryGet(MethodId.Of("product"), out _, out _));
    }

    [Fact]
    public void Two_names_with_one_id_fail_when_the_second_is_added()
    {
        var table = new MethodTable<int>();
        table.Add("sum", 7);

        Assert.Contains("there already", Assert.Throws<ArgumentException>(() => table.Add("sum", 8)).Message, StringComparison.Ordinal);
        string message = Assert.Throws<ArgumentException>(() => table.Add("total", MethodId.Of("sum"), 8)).Message;
        Assert.Contains("'total' and 'sum' have the same id", message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => table.Add("", 1));
        Assert.Equal(1, table.Count);
    }

    [Theory]
    [InlineData(0u, 1u)]
    [InlineData(0x7fffffffu, 0u)]
    [InlineData(0x80000000u, 0x80000001u)]
    [InlineData(0xffffffffu, 0x80000000u)]
    public void The_numbers_of_the_two_sides_never_meet(uint id, uint next)
    {
        Assert.Equal(next, CallIds.Next(id));
        Assert.Equal(CallIds.IsServers(id), CallIds.IsServers(next));
    }
}
