using System.Text;
using ICSharpCode.SharpZipLib;
using ICSharpCode.SharpZipLib.GZip;

namespace DistillSharp.Text.Corpora;

/// <summary>Lines of UTF-8 files, plain or gzip, with the line named where one is not valid.</summary>
public static class TextLines
{
    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>The lines of a file without their ends (LF or CR LF).</summary>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">A line is not UTF-8; names file and line. Or a gzip file is damaged; names the file.</exception>
    public static IEnumerable<string> Read(string path)
    {
        using var stream = Open(path);
        foreach (var line in Read(stream, path))
        {
            yield return line;
        }
    }

    /// <summary>The lines of a stream; <paramref name="name"/> is what errors call it.</summary>
    public static IEnumerable<string> Read(Stream stream, string name) => ReadAhead(stream, name).Select(line => line.Text);

    /// <summary>The lines of a stream, each with whether the next one is there already, so that going on does not wait for the stream.</summary>
    internal static IEnumerable<(string Text, bool HasNext)> ReadAhead(Stream stream, string name, CancellationToken cancellation = default)
    {
        var (buffer, pending, number) = (new byte[1 << 16], new MemoryStream(), 0);
        int count;
        while ((count = Fill(buffer, stream, cancellation)) > 0)
        {
            var (start, end) = (0, Array.IndexOf(buffer, (byte)'\n', 0, count));
            while (end >= 0)
            {
                pending.Write(buffer, start, end - start);
                start = end + 1;
                end = Array.IndexOf(buffer, (byte)'\n', start, count - start);
                yield return (Decode(pending, name, ++number), end >= 0);
            }

            pending.Write(buffer, start, count - start);
        }

        if (pending.Length > 0)
        {
            yield return (Decode(pending, name, ++number), false);
        }
    }

    /// <summary>A file, unpacked where it is gzip; reading it says where that is damaged or cut off.</summary>
    public static Stream Open(string path)
    {
        if (!File.Exists(path))
        {
            throw new FileNotFoundException($"there is no file {path}");
        }

        var file = File.OpenRead(path);
        var packed = file.ReadByte() == 0x1F && file.ReadByte() == 0x8B;
        file.Position = 0;
        return packed ? new GzipFile(file, path) : file;
    }

    // Reading a pipe or a terminal cannot be cancelled: it is left to itself.
    private static int Fill(byte[] buffer, Stream stream, CancellationToken cancellation) => cancellation.CanBeCanceled
        ? Task.Run(() => stream.Read(buffer), cancellation).WaitAsync(cancellation).GetAwaiter().GetResult()
        : stream.Read(buffer);

    private static string Decode(MemoryStream line, string name, int number)
    {
        var bytes = line.GetBuffer().AsSpan(0, (int)line.Length);
        if (number == 1 && bytes.StartsWith(Encoding.UTF8.Preamble))
        {
            bytes = bytes[3..];
        }

        if (bytes is [.., (byte)'\r'])
        {
            bytes = bytes[..^1];
        }

        try
        {
            return Strict.GetString(bytes);
        }
        catch (DecoderFallbackException error)
        {
            throw new InvalidDataException($"{name}, line {number}: not valid UTF-8 (byte {Math.Max(0, error.Index) + 1} of the line); convert the file, with `iconv -f LATIN1 -t UTF-8` for example", error);
        }
        finally
        {
            line.SetLength(0);
        }
    }

    /// <summary>Unpacks a file and names it where it is damaged or cut off; for .NET's own stream it ends where there is no more to read.</summary>
    private sealed class GzipFile(FileStream file, string path) : GZipInputStream(file)
    {
        public override int Read(byte[] buffer, int offset, int count)
        {
            try
            {
                return base.Read(buffer, offset, count);
            }
            catch (Exception error) when (error is SharpZipBaseException or EndOfStreamException or IndexOutOfRangeException)
            {
                throw new InvalidDataException($"{path}: the gzip file is damaged or cut off ({error.Message}); bring it anew", error);
            }
        }
    }
}
