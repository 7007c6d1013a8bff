namespace DistillSharp.Config;

/// <summary>The file that a path leads to. <see cref="FileInfo"/> has length and time of a symbolic link itself, not of its target.</summary>
/// <param name="Length">Bytes.</param>
/// <param name="WrittenUtc">When it was last written to.</param>
internal readonly record struct FileTarget(long Length, DateTime WrittenUtc)
{
    /// <summary>Asks about a file, through links.</summary>
    /// <exception cref="IOException">There is no such file, or a link leads nowhere.</exception>
    /// <exception cref="UnauthorizedAccessException">A link leads to a folder, or to a file that must not be read.</exception>
    public static FileTarget Of(string path)
    {
        var file = new FileInfo(path);
        if (!file.Attributes.HasFlag(FileAttributes.ReparsePoint))
        {
            return new FileTarget(file.Length, file.LastWriteTimeUtc);
        }

        // Opened, so that the system follows the links, also those within linked folders.
        using var target = File.OpenHandle(path);
        return new FileTarget(RandomAccess.GetLength(target), File.GetLastWriteTimeUtc(target));
    }
}
