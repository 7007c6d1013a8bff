using System.Text;
using DistillSharp.RunLog;

namespace DistillSharp.Tests.RunLog;

public class TensorBoardTests
{
    private static readonly DateTimeOffset s_now = DateTimeOffset.FromUnixTimeMilliseconds(1_700_000_000_250);

    /// <summary>Vectors of RFC 3720, appendix B.4, and the usual check string.</summary>
    [Fact]
    public void Crc32C_KnownVectors_Agree()
    {
        Assert.Equal(0xE3069283u, TensorBoardRecord.Crc32C("123456789"u8));
        Assert.Equal(0x8A9136AAu, TensorBoardRecord.Crc32C(new byte[32]));
        Assert.Equal(0x62A8AB43u, TensorBoardRecord.Crc32C([.. Enumerable.Repeat((byte)0xff, 32)]));
        Assert.Equal(0x46DD794Eu, TensorBoardRecord.Crc32C([.. Enumerable.Range(0, 32).Select(i => (byte)i)]));
        Assert.Equal(0u, TensorBoardRecord.Crc32C([]));
    }

    [Fact]
    public void Write_Events_ParseBackWithGoodChecksums()
    {
        using var folder = new TemporaryFolder();
        using (var writer = new TensorBoardWriter(folder.Path, new FixedTime(s_now)))
        {
            writer.Write(new RunStarted("x", [], false));
            writer.Write(new StepLogged("soft_target", 2, 300, 900, 1.5, new Dictionary<string, double> { ["hard_labels"] = 0.5, ["soft_target"] = 2 }, 0.05));
            writer.Write(new EpochEnded("soft_target", 2, "main", 1, 3, 301, 1.25, new Dictionary<string, double> { ["hard_labels"] = 0.25 }, new Dictionary<string, double> { ["top1"] = 0.75 }, 0.04, 2));
            writer.Write(new JobEnded("soft_target", 2, new Dictionary<string, double> { ["top1"] = 0.8 }, 3));
            writer.Write(new StepLogged("plain", 0, 1, 9, 3, new Dictionary<string, double>(), 0.05));
        }

        var file = Assert.Single(Directory.GetFiles(folder.File("soft_target/seed-2")));
        Assert.Contains("tfevents.1700000000", file, StringComparison.Ordinal);
        var events = Parse(File.ReadAllBytes(file));
        Assert.Equal("brain.Event:2", events[0].Version);
        Assert.All(events, parsed => Assert.Equal(1_700_000_000.25, parsed.WallTime));
        Assert.Equal([0, 300, 301, 301], events.Select(parsed => parsed.Step));
        Assert.Equal([("loss/total", 1.5f), ("loss/hard_labels", 0.5f), ("loss/soft_target", 2f), ("learning_rate", 0.05f)], events[1].Scalars);
        Assert.Equal([("epoch_loss/total", 1.25f), ("epoch_loss/hard_labels", 0.25f), ("validation/top1", 0.75f), ("learning_rate", 0.04f)], events[2].Scalars);
        Assert.Equal([("test/top1", 0.8f)], events[3].Scalars);
        Assert.Single(Directory.GetFiles(folder.File("plain/seed-0")));
    }

    [Fact]
    public void Write_SecondProcess_BeginsAFileOfItsOwn()
    {
        using var folder = new TemporaryFolder();
        for (var i = 0; i < 2; i++)
        {
            using var writer = new TensorBoardWriter(folder.Path, new FixedTime(s_now));
            writer.Write(new StepLogged("plain", 0, i, 9, 3, new Dictionary<string, double>(), 0.05));
        }

        Assert.Equal(2, Directory.GetFiles(folder.File("plain/seed-0")).Length);
    }

    private sealed record Parsed(double WallTime, long Step, string? Version, List<(string Tag, float Value)> Scalars);

    private static List<Parsed> Parse(byte[] file)
    {
        var events = new List<Parsed>();
        for (var at = 0; at < file.Length;)
        {
            var length = (int)BitConverter.ToUInt64(file, at);
            Assert.Equal(Masked(file[at..(at + 8)]), BitConverter.ToUInt32(file, at + 8));
            var message = file[(at + 12)..(at + 12 + length)];
            Assert.Equal(Masked(message), BitConverter.ToUInt32(file, at + 12 + length));
            events.Add(ParseEvent(message));
            at += 16 + length;
        }

        return events;
    }

    /// <summary>CRC-32C bit by bit.</summary>
    private static uint Masked(byte[] data)
    {
        var crc = 0xffffffffu;
        foreach (var value in data)
        {
            crc ^= value;
            for (var bit = 0; bit < 8; bit++)
            {
                crc = (crc & 1) == 1 ? (crc >> 1) ^ 0x82F63B78u : crc >> 1;
            }
        }

        crc = ~crc;
        return ((crc >> 15) | (crc << 17)) + 0xa282ead8u;
    }

    private static Parsed ParseEvent(byte[] message)
    {
        var parsed = new Parsed(0, 0, null, []);
        foreach (var (field, number, bytes) in Fields(message))
        {
            parsed = field switch
            {
                1 => parsed with { WallTime = BitConverter.ToDouble(bytes) },
                2 => parsed with { Step = (long)number },
                3 => parsed with { Version = Encoding.UTF8.GetString(bytes) },
                5 => parsed with { Scalars = [.. Fields(bytes).Select(value => Fields(value.Bytes)).Select(value => (Encoding.UTF8.GetString(value[0].Bytes), BitConverter.ToSingle(value[1].Bytes)))] },
                _ => throw new InvalidDataException($"field {field}"),
            };
        }

        return parsed;
    }

    private static List<(int Field, ulong Number, byte[] Bytes)> Fields(byte[] message)
    {
        var fields = new List<(int, ulong, byte[])>();
        var at = 0;
        while (at < message.Length)
        {
            var key = Varint();
            var size = (key & 7) switch { 0 => 0, 1 => 8, 5 => 4, 2 => (int)Varint(), _ => throw new InvalidDataException() };
            var number = (key & 7) == 0 ? Varint() : 0;
            fields.Add(((int)(key >> 3), number, message[at..(at + size)]));
            at += size;
        }

        return fields;

        ulong Varint()
        {
            var value = 0ul;
            for (var shift = 0; ; shift += 7)
            {
                value |= (ulong)(message[at] & 0x7f) << shift;
                if (message[at++] < 0x80)
                {
                    return value;
                }
            }
        }
    }
}
