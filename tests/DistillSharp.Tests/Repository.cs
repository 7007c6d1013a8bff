namespace DistillSharp.Tests;

/// <summary>Files of the repository that tests look at.</summary>
internal static class Repository
{
    public static string Root { get; } = FindRoot(AppContext.BaseDirectory);

    public static string File(params string[] parts) => Path.Combine([Root, .. parts]);

    /// <summary>Output of another project in the configuration of this test run.</summary>
    public static string Output(string project, string file) =>
        Path.Combine(Root, project, Path.GetRelativePath(File("tests", "DistillSharp.Tests"), AppContext.BaseDirectory), file);

    private static string FindRoot(string folder) =>
        System.IO.File.Exists(Path.Combine(folder, "DistillSharp.slnx")) ? folder : FindRoot(Path.GetDirectoryName(folder)!);
}
