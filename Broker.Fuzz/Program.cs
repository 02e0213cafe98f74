using Broker.Fuzz;
using SharpFuzz;

// broker-fuzz TARGET          under afl-fuzz, which feeds it; ./fuzz starts both
// broker-fuzz TARGET PATH...  each file, and each file of each folder, once: to look into what was found
// broker-fuzz seeds FOLDER    writes the first corpora, from which the kept ones were grown
if (args is ["seeds", string folder])
{
    Seeds.Write(folder);
    return 0;
}

if (args.Length == 0 || !Targets.ByName.TryGetValue(args[0], out FuzzTarget? target))
{
    Console.Error.WriteLine($"usage: broker-fuzz {string.Join('|', Targets.ByName.Keys)} [PATH...]");
    return 2;
}

if (args.Length == 1)
{
    Fuzzer.OutOfProcess.Run(stream => target(ReadAll(stream)));
    return 0;
}

int count = 0;
foreach (string path in args.Skip(1))
{
    string[] files = Directory.Exists(path) ? Directory.GetFiles(path) : [path];
    foreach (string file in files)
    {
        target(File.ReadAllBytes(file));
        count++;
    }
}

Console.WriteLine($"{count} inputs, none of them a finding.");
return 0;

static byte[] ReadAll(Stream stream)
{
    using var all = new MemoryStream();
    stream.CopyTo(all);
    return all.ToArray();
}
