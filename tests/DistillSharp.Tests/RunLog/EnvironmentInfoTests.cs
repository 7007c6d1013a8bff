using DistillSharp.RunLog;

namespace DistillSharp.Tests.RunLog;

public class EnvironmentInfoTests
{
    [Fact]
    public void Capture_ThisMachine_NamesWhatComputes()
    {
        var info = EnvironmentInfo.Capture(threads: 1, new FixedTime(DateTimeOffset.UnixEpoch));
        Assert.Equal(DateTimeOffset.UnixEpoch, info.Captured);
        Assert.NotEmpty(info.Cpu);
        Assert.Equal(Environment.ProcessorCount, info.Cores);
        Assert.True(info.MemoryBytes > 100_000_000);
        Assert.StartsWith(".NET 10", info.DotNet, StringComparison.Ordinal);
        Assert.StartsWith("0.107", info.Packages["TorchSharp"], StringComparison.Ordinal);
        Assert.Contains("Microsoft.ML.OnnxRuntime", info.Packages.Keys);
        Assert.Contains(info.Packages.Keys, name => name.StartsWith("libtorch-", StringComparison.Ordinal));
        Assert.Equal(1, info.Threads);
    }

    [Fact]
    public void Save_ThenLoad_KeepsEverything()
    {
        using var folder = new TemporaryFolder();
        var info = EnvironmentInfo.Capture();
        info.Save(folder.File("environment.json"));
        var loaded = EnvironmentInfo.Load(folder.File("environment.json"));
        Assert.Equal(info with { Packages = loaded.Packages }, loaded);
        Assert.Equal(info.Packages, loaded.Packages);
        Assert.Contains("\"operating_system\":", File.ReadAllText(folder.File("environment.json")), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("0.1.0+3f37586", "3f37586")]
    [InlineData("0.1.0", null)]
    [InlineData(null, null)]
    public void CommitOf_Version_IsThePartAfterPlus(string? version, string? expected) => Assert.Equal(expected, EnvironmentInfo.CommitOf(version));
}
