using DistillSharp.Cli;

namespace DistillSharp.Tests.Cli;

public sealed class OutputPathsTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void CheckFolder_FolderThatIsNotThere_IsNamed() =>
        Assert.Contains($"there is no folder {_folder.File("absent")};", Fault("absent/student.onnx"), StringComparison.Ordinal);

    [Fact]
    public void CheckFolder_FolderInPlaceOfAFile_IsRefused()
    {
        Directory.CreateDirectory(_folder.File("folder"));

        Assert.Equal($"--output {_folder.File("folder")} is a folder; name a file in it", Fault("folder"));
    }

    [Fact]
    public void CheckFolder_FileInAFolderThatIsThere_IsFine()
    {
        OutputPaths.CheckFolder("--output", _folder.File("student.onnx"));
        OutputPaths.CheckFolder("--output", "student.onnx");
    }

    private string Fault(string name) => Assert.Throws<UsageException>(() => OutputPaths.CheckFolder("--output", _folder.File(name))).Message;
}
