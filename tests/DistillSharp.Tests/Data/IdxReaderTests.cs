using System.Buffers.Binary;
using System.IO.Compression;
using System.Security.Cryptography;
using DistillSharp.Data;

namespace DistillSharp.Tests.Data;

public sealed class IdxReaderTests : IDisposable
{
    private static readonly string[] Classes = ["a", "b", "c"];
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void ReadPair_PlainOrGzip_ImagesAndLabels(bool packed)
    {
        var images = Idx([2, 2, 3], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
        var labels = Idx([2], [2, 0]);
        var data = IdxReader.ReadPair("own", _folder.Write("images", packed ? Gzip(images) : images), _folder.Write("labels", packed ? Gzip(labels) : labels), Classes);
        Assert.Equal([1, 2, 3], data.Info.InputShape);
        Assert.Equal([7, 8, 9, 10, 11, 12], data.Bytes(1).ToArray());
        Assert.Equal([2, 0], new[] { data.Label(0), data.Label(1) });
        Assert.Equal(1 / 255f, data.Scale);
    }

    [Fact]
    public void Sha256_OfShapeAndValues_IsTheHashOfTheFile()
    {
        var file = Idx([2, 2, 3], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
        var (shape, values) = IdxReader.Read(_folder.Write("images", file));
        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(file)), IdxReader.Sha256(shape, values));
    }

    [Fact]
    public void Read_HeaderLargerThanTheFile_SaysSoBeforeTakingMemory()
    {
        var path = _folder.Write("images", Idx([60000, 28, 28], new byte[10]));
        var before = GC.GetAllocatedBytesForCurrentThread();
        Fails(() => IdxReader.Read(path), path, "60000×28×28", "10");
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1_000_000);
        Fails(() => IdxReader.Read(_folder.Write("huge", Idx([int.MaxValue, int.MaxValue, int.MaxValue], []))), "huge", "2147483647");
        Fails(() => IdxReader.Read(_folder.Write("negative", Idx([-1, 28, 28], []))), "negative", "-1");
        Fails(() => IdxReader.Read(_folder.Write("packed", Gzip(Idx([3, 2, 2], new byte[11])))), "packed", "12", "11");
    }

    [Fact]
    public void Read_DamagedFile_NamesItAndWhatIsWrong()
    {
        Fails(() => IdxReader.Read(_folder.Write("magic", [0, 0, 0x0D, 3, 0, 0, 0, 0])), "magic", "00000D03", "000008");
        Fails(() => IdxReader.Read(_folder.Write("short", [0, 0])), "short", "shorter than 4");
        Fails(() => IdxReader.Read(_folder.Write("header", [0, 0, 8, 3, 0, 0])), "header", "inside its header");
        Fails(() => IdxReader.Read(_folder.Write("longer", Idx([2], new byte[3]))), "longer", "more bytes than the 2");
        Fails(() => IdxReader.Read(_folder.Write("gzip", [0x1f, 0x8b, 8, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9])), "gzip", "not a whole gzip");
        var cut = Gzip(Idx([500], RandomNumberGenerator.GetBytes(500)));
        Fails(() => IdxReader.Read(_folder.Write("cut", cut[..200])), "cut");
    }

    [Fact]
    public void ReadPair_FilesThatDoNotFit_NamesBoth()
    {
        var images = _folder.Write("images", Idx([2, 1, 1], [1, 2]));
        Fails(() => IdxReader.ReadPair("own", images, _folder.Write("three", Idx([3], [0, 1, 2])), Classes), images, "2 images", "3 labels");
        Fails(() => IdxReader.ReadPair("own", images, _folder.Write("range", Idx([2], [0, 3])), Classes), images, "range", "sample 1 has label 3", "0…2");
        Fails(() => IdxReader.ReadPair("own", images, images, Classes), "3 or 4 axes");
        Fails(() => IdxReader.ReadPair("own", _folder.Write("none", Idx([0, 2, 2], [])), _folder.Write("nolabels", Idx([0], [])), Classes), "none", "empty");
        Fails(() => IdxReader.ReadPair("own", _folder.Write("flat", Idx([2, 0, 2], [])), _folder.Write("two", Idx([2], [0, 1])), Classes), "flat", "at least 1");
        Fails(() => IdxReader.ReadPair("own", images, _folder.Write("other", Idx([2], [0, 1])), Classes, ("00", "00")), "other", "not the file of own");
    }

    [Fact]
    public void Read_MoreThanAnArrayHolds_NamesTheLimitFirst()
    {
        var path = _folder.Write("large", Idx([100_000, 3, 100, 100], []));
        using (var file = new FileStream(path, FileMode.Open))
        {
            // Zeros that take no room on the disk.
            file.SetLength(file.Length + 3_000_000_000);
        }

        Fails(() => IdxReader.Read(path), $"{path}: at most 2,147,483,591 bytes (2 GiB)", "its 100000×3×100×100 values take 3,000,000,000; give fewer samples", "`image_folder`");
    }

    [Fact]
    public void ReadPair_ChannelsLast_SaysHowToPutThemFirst()
    {
        var labels = _folder.Write("labels", Idx([2], [0, 1]));
        var last = _folder.Write("last", Idx([2, 8, 6, 3], new byte[288]));
        Fails(() => IdxReader.ReadPair("own", last, labels, Classes), $"{last} is [2, 8, 6, 3]", "channels last", "numpy.transpose(images, (0, 3, 1, 2))");
        var first = IdxReader.ReadPair("own", _folder.Write("first", Idx([2, 3, 8, 6], new byte[288])), labels, Classes);
        Assert.Equal([3, 8, 6], first.Info.InputShape);
    }

    private static void Fails(Action read, params string[] parts)
    {
        var message = Assert.Throws<InvalidDataException>(read).Message;
        Assert.All(parts, part => Assert.Contains(part, message, StringComparison.Ordinal));
    }

    internal static byte[] Idx(int[] shape, byte[] values)
    {
        var file = new byte[4 + (4 * shape.Length) + values.Length];
        (file[2], file[3]) = (8, (byte)shape.Length);
        for (var i = 0; i < shape.Length; i++)
        {
            BinaryPrimitives.WriteInt32BigEndian(file.AsSpan(4 + (4 * i)), shape[i]);
        }

        values.CopyTo(file, 4 + (4 * shape.Length));
        return file;
    }

    private static byte[] Gzip(byte[] bytes)
    {
        using var target = new MemoryStream();
        using (var packer = new GZipStream(target, CompressionLevel.Fastest))
        {
            packer.Write(bytes);
        }

        return target.ToArray();
    }
}
