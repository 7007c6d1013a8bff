namespace DistillSharp.Export;

/// <summary>
/// A file that appears whole or not at all: written beside its destination, flushed to disk, then renamed over it.
/// Disposing without <see cref="Commit"/> removes what was written and leaves the old file as it was.
/// </summary>
public sealed class AtomicFile : IDisposable
{
    private static int _counter;
    private readonly FileStream _stream;
    private bool _closed;
    private bool _committed;

    /// <summary>Begins a file that will be <paramref name="path"/>; its folder must exist.</summary>
    public AtomicFile(string path)
    {
        Path = System.IO.Path.GetFullPath(path);
        TemporaryPath = $"{Path}.{Environment.ProcessId}-{Interlocked.Increment(ref _counter)}.tmp";
        _stream = new FileStream(TemporaryPath, FileMode.Create, FileAccess.Write, FileShare.Read, 1 << 16);
    }

    /// <summary>Where the file will be.</summary>
    public string Path { get; }

    /// <summary>Where it is until then.</summary>
    public string TemporaryPath { get; }

    /// <summary>What to write to.</summary>
    public Stream Stream => _stream;

    /// <summary>Writes a whole file.</summary>
    public static void Write(string path, Action<Stream> write)
    {
        using var file = new AtomicFile(path);
        write(file.Stream);
        file.Commit();
    }

    /// <summary>Writes a whole text file (UTF-8).</summary>
    public static void WriteText(string path, string text) => Write(path, stream => stream.Write(System.Text.Encoding.UTF8.GetBytes(text)));

    /// <summary>Flushes to disk and closes, so that others can read <see cref="TemporaryPath"/> before the rename.</summary>
    public void Close()
    {
        if (!_closed)
        {
            _stream.Flush(flushToDisk: true);
            _stream.Dispose();
            _closed = true;
        }
    }

    /// <summary>Puts the file in its place.</summary>
    public void Commit()
    {
        Close();
        Config.FaultInjection.Reach("before_rename");
        File.Move(TemporaryPath, Path, overwrite: true);
        _committed = true;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (!_closed)
        {
            _closed = true;
            try
            {
                _stream.Dispose();
            }
            catch (IOException)
            {
                // A full disk fails again while the buffer is flushed; the error that matters is on its way already.
            }
        }

        if (!_committed)
        {
            File.Delete(TemporaryPath);
        }
    }
}
