using System.IO.Hashing;
using System.Text;

namespace Broker.Cluster.Membership;

/// <summary>Names of nodes as numbers.</summary>
internal static class NodeNames
{
    /// <summary>A number of a node's life that is the same on every node, and never 0.</summary>
    internal static ulong HashOf(NodeName name) => HashOf(name.ToString());

    /// <summary>The same of a name as it is written.</summary>
    internal static ulong HashOf(string name) => Math.Max(1, XxHash3.HashToUInt64(Encoding.UTF8.GetBytes(name)));
}
