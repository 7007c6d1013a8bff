using System.Text.Json;

namespace DistillSharp.RunLog;

/// <summary>Appends events to a file, one JSON object a line, handed to the operating system with each event.</summary>
public sealed class JsonLinesWriter : IRunEventSink, IDisposable
{
    private readonly FileStream _stream;
    private readonly TimeProvider _time;

    /// <summary>Opens or creates the file. A last line that a killed process left half-written is cut off.</summary>
    /// <param name="path">File, usually <c>events.jsonl</c>; its folder is made.</param>
    /// <param name="time">Clock for events that carry no time.</param>
    /// <exception cref="IOException">The file cannot be opened.</exception>
    public JsonLinesWriter(string path, TimeProvider? time = null)
    {
        _time = time ?? TimeProvider.System;
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
        _stream = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);
        MendLastLine(_stream);
    }

    /// <inheritdoc/>
    public void Write(RunEvent runEvent)
    {
        var stamped = runEvent.Time == default ? runEvent with { Time = _time.GetUtcNow() } : runEvent;
        var json = JsonSerializer.SerializeToUtf8Bytes(stamped, RunJson.Line);
        Array.Resize(ref json, json.Length + 1);
        json[^1] = (byte)'\n';
        _stream.Write(json);
    }

    /// <summary>Closes the file.</summary>
    public void Dispose() => _stream.Dispose();

    /// <summary>Leaves the position after a newline: a whole last line gets one, half a line goes.</summary>
    private static void MendLastLine(FileStream stream)
    {
        var start = stream.Length;
        while (start > 0)
        {
            stream.Position = start - 1;
            if (stream.ReadByte() == '\n')
            {
                break;
            }

            start--;
        }

        stream.Position = start;
        var tail = new byte[stream.Length - start];
        stream.ReadExactly(tail);
        if (tail.Length > 0 && IsJson(tail))
        {
            stream.WriteByte((byte)'\n');
        }
        else
        {
            stream.SetLength(start);
        }

        stream.Position = stream.Length;
    }

    private static bool IsJson(byte[] line)
    {
        try
        {
            JsonDocument.Parse(line).Dispose();
            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }
}
