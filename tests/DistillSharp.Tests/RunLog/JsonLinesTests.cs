using System.Text;
using CsCheck;
using DistillSharp.RunLog;

namespace DistillSharp.Tests.RunLog;

public class JsonLinesTests
{
    private static readonly DateTimeOffset s_now = new(2026, 3, 4, 5, 6, 7, TimeSpan.Zero);

    private static readonly RunEvent[] s_events =
    [
        new RunStarted("digits \"quick\"", ["plain/seed-0"], false),
        new JobStarted("plain", 0, 3, 12),
        new StepLogged("plain", 0, 5, 36, 2.25, new Dictionary<string, double> { ["hard_labels"] = 2.25 }, 0.1),
        new EpochEnded("plain", 0, "main", 1, 3, 12, double.NaN, new Dictionary<string, double>(), new Dictionary<string, double> { ["top1"] = 1 / 3.0 }, 1e-5, 0.5),
        new CheckpointSaved("plain", 0, 12, "arms/plain/seed-0/step-12"),
        new NoteLogged("warning", "line\nbreak, “quotes” and ünïcödé"),
        new JobEnded("plain", 0, new Dictionary<string, double> { ["top1"] = 0.9 }, 4),
        new RunEnded("finished", 5),
    ];

    [Fact]
    public void Write_EveryKind_ReadsBack()
    {
        using var folder = new TemporaryFolder();
        using (var writer = new JsonLinesWriter(folder.File("deep/events.jsonl"), new FixedTime(s_now)))
        {
            foreach (var runEvent in s_events)
            {
                writer.Write(runEvent);
                Assert.Equal((byte)'\n', ReadShared(folder.File("deep/events.jsonl"))[^1]);
            }
        }

        var read = JsonLinesReader.Read(folder.File("deep/events.jsonl")).ToArray();
        Assert.Equal(s_events.Select(runEvent => runEvent.GetType()), read.Select(runEvent => runEvent.GetType()));
        Assert.All(read, runEvent => Assert.Equal(s_now, runEvent.Time));
        var epoch = Assert.IsType<EpochEnded>(read[3]);
        Assert.Equal((1 / 3.0, 1e-5, double.NaN), (epoch.Validation["top1"], epoch.LearningRate, epoch.Loss));
        Assert.Equal("line\nbreak, “quotes” and ünïcödé", Assert.IsType<NoteLogged>(read[5]).Message);
        Assert.Equal(8, File.ReadAllLines(folder.File("deep/events.jsonl")).Length);
        Assert.StartsWith("{\"kind\":\"run_started\"", File.ReadAllText(folder.File("deep/events.jsonl")), StringComparison.Ordinal);
    }

    [Fact]
    public void Write_TimeGiven_IsKept()
    {
        using var folder = new TemporaryFolder();
        using (var writer = new JsonLinesWriter(folder.File("e.jsonl"), new FixedTime(s_now)))
        {
            writer.Write(new RunEnded("finished", 1) { Time = s_now.AddDays(1) });
        }

        Assert.Equal(s_now.AddDays(1), Assert.Single(JsonLinesReader.Read(folder.File("e.jsonl"))).Time);
    }

    [Fact]
    public void Reopen_CutAnywhere_LosesOnlyTheTornLine()
    {
        using var folder = new TemporaryFolder();
        var path = folder.File("e.jsonl");
        WriteAll(path, s_events);
        var whole = File.ReadAllBytes(path);
        Gen.Int[0, whole.Length].Sample(
            cut =>
            {
                File.WriteAllBytes(path, whole[..cut]);
                var complete = whole[..cut].Count(value => value == '\n');
                var tailIsWhole = cut < whole.Length && whole[cut] == '\n' ? 1 : 0;
                Assert.Equal(complete + tailIsWhole, JsonLinesReader.Read(path).Count());
                WriteAll(path, [new RunEnded("finished", 9)]);
                var read = JsonLinesReader.Read(path).ToArray();
                Assert.Equal(complete + tailIsWhole + 1, read.Length);
                Assert.IsType<RunEnded>(read[^1]);
            },
            iter: 100,
            threads: 1);
    }

    [Fact]
    public void Read_CorruptLineInside_NamesFileAndLine()
    {
        using var folder = new TemporaryFolder();
        var path = folder.File("e.jsonl");
        WriteAll(path, s_events[..2]);
        File.AppendAllText(path, "{\"kind\":\"step\",\"arm\":\n{\"kind\":\"run_ended\",\"outcome\":\"finished\",\"seconds\":1}\n");
        Assert.Contains("e.jsonl, line 3", Assert.Throws<InvalidDataException>(() => JsonLinesReader.Read(path).ToArray()).Message, StringComparison.Ordinal);
        File.WriteAllText(path, "{\"kind\":\"from_the_future\"}\n");
        Assert.Contains("e.jsonl, line 1", Assert.Throws<InvalidDataException>(() => JsonLinesReader.Read(path).ToArray()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_WhileWriting_SeesWhatWasWritten()
    {
        using var folder = new TemporaryFolder();
        using var writer = new JsonLinesWriter(folder.File("e.jsonl"));
        writer.Write(s_events[0]);
        Assert.Single(JsonLinesReader.Read(folder.File("e.jsonl")));
        writer.Write(s_events[1]);
        Assert.Equal(2, JsonLinesReader.Read(folder.File("e.jsonl")).Count());
    }

    private static void WriteAll(string path, IEnumerable<RunEvent> events)
    {
        using var writer = new JsonLinesWriter(path, new FixedTime(s_now));
        foreach (var runEvent in events)
        {
            writer.Write(runEvent);
        }
    }

    private static byte[] ReadShared(string path)
    {
        using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        var bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        Assert.NotEmpty(Encoding.UTF8.GetString(bytes));
        return bytes;
    }
}
