namespace DistillSharp.Cli;

/// <summary>Checks of files that a command is to write, before hours of work and not after them.</summary>
internal static class OutputPaths
{
    /// <summary>Says where a file cannot be written since its folder is not there, or since it is a folder itself.</summary>
    /// <param name="option">What names the file on the command line, such as <c>--output</c>.</param>
    /// <param name="path">The file.</param>
    /// <exception cref="UsageException">There is no such folder, or the path is one.</exception>
    public static void CheckFolder(string option, string path)
    {
        var folder = Path.GetDirectoryName(Path.GetFullPath(path));
        if (Directory.Exists(path) || !Directory.Exists(folder))
        {
            throw new UsageException(Directory.Exists(path) ? $"{option} {path} is a folder; name a file in it" : $"{option} {path}: there is no folder {folder}; make it, or name a file elsewhere");
        }
    }
}
