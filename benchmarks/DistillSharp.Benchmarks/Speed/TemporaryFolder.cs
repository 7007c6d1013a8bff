namespace DistillSharp.Benchmarks.Speed;

/// <summary>A folder that goes with what was measured in it.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("distill-store-").FullName;

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
