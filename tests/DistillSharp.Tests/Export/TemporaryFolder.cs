namespace DistillSharp.Tests.Export;

internal sealed class TemporaryFolder : IDisposable
{
    private readonly string _path = Directory.CreateTempSubdirectory("distill-test-").FullName;

    public string File(string name) => Path.Combine(_path, name);

    public string[] Files => [.. Directory.GetFiles(_path).Select(Path.GetFileName)!];

    public void Dispose() => Directory.Delete(_path, recursive: true);
}
