using System.Text;
using Microsoft.Win32.SafeHandles;

namespace DistillSharp.Cli;

/// <summary>Standard output of commands whose work is worth nothing once nobody reads what they write.</summary>
internal static class StandardOutput
{
    private const int Descriptor = 1;

    // EPIPE, on Linux and macOS alike.
    private const int BrokenPipe = 32;

    /// <summary>Runs what writes, and ends it quietly where the reader has gone, as <c>head</c> goes after its last line.</summary>
    public static void Write(Encoding encoding, Action<TextWriter> work)
    {
        try
        {
            using var writer = new StreamWriter(Open(), encoding is UTF8Encoding ? new UTF8Encoding(encoderShouldEmitUTF8Identifier: false) : encoding);
            work(writer);
        }
        catch (IOException error) when (error.HResult == BrokenPipe)
        {
            // What was not read was not wanted.
        }
    }

    // The console's stream keeps silent about a broken pipe. Files are left to it: the other one would write over what other processes write to the same file.
    private static Stream Open()
    {
        if (!OperatingSystem.IsWindows())
        {
            var stream = new FileStream(new SafeFileHandle(Descriptor, ownsHandle: false), FileAccess.Write, bufferSize: 0);
            if (!stream.CanSeek)
            {
                return stream;
            }

            stream.Dispose();
        }

        return Console.OpenStandardOutput();
    }
}
