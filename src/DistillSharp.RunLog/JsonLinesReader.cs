using System.Text.Json;

namespace DistillSharp.RunLog;

/// <summary>Reads the events that <see cref="JsonLinesWriter"/> wrote, also while it is still writing.</summary>
public static class JsonLinesReader
{
    /// <summary>Every event in order. A last line without its end is left out: it was torn, or is being written.</summary>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">A line is not an event; the message names file and line.</exception>
    public static IEnumerable<RunEvent> Read(string path)
    {
        using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        using var reader = new StreamReader(stream);
        var number = 0;
        while (reader.ReadLine() is { } line)
        {
            number++;
            if (line.Length == 0)
            {
                continue;
            }

            RunEvent? runEvent;
            try
            {
                runEvent = JsonSerializer.Deserialize<RunEvent>(line, RunJson.Line);
            }
            catch (Exception error) when (error is JsonException or NotSupportedException)
            {
                if (reader.EndOfStream && !EndsWithNewline(stream))
                {
                    yield break;
                }

                throw new InvalidDataException($"{path}, line {number}: not an event of a run: {error.Message}", error);
            }

            yield return runEvent ?? throw new InvalidDataException($"{path}, line {number}: holds null where an event should be");
        }
    }

    private static bool EndsWithNewline(FileStream stream)
    {
        stream.Seek(-1, SeekOrigin.End);
        return stream.ReadByte() == '\n';
    }
}
