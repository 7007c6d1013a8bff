using DistillSharp.Data;
using DistillSharp.Tests.Vision.Images;
using DistillSharp.Vision;

namespace DistillSharp.Tests.Vision;

/// <summary>CIFAR's binary files, generated in small.</summary>
public sealed class CifarDatasetsTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(false, 50)]
    [InlineData(true, 10)]
    public void Load_GeneratedFiles_LabelsAndPixelsAreThoseOfTheRecords(bool hundred, int trainImages)
    {
        ImageMaker.Cifar(_folder.Path, hundred, 10);
        var (train, test) = Load(hundred, new CifarOptions { AnyCount = true });

        Assert.Equal((trainImages, 10), (train.Count, test.Count));
        Assert.Equal(hundred ? 100 : 10, train.Info.Classes.Distinct().Count());
        var bytes = File.ReadAllBytes(_folder.File(hundred ? "train.bin" : "data_batch_1.bin"));
        var record = bytes.AsSpan(7 * (hundred ? 3074 : 3073));
        Assert.Equal(record[hundred ? 1 : 0], train.Label(7));
        Assert.Equal(record.Slice(hundred ? 2 : 1, 3072).ToArray(), train.Bytes(7).ToArray());
        Assert.Equal([3L, 32L, 32L], train.Info.InputShape);
    }

    [Fact]
    public void Load_OtherSizesThanPublished_SaysWhatWasExpected()
    {
        ImageMaker.Cifar(_folder.Path, hundred: false, 10);
        var error = Assert.Throws<InvalidDataException>(() => Load(false, new CifarOptions()));
        Assert.Contains("data_batch_1.bin has 30730 bytes; 10000 images of 3073 bytes are 30730000", error.Message, StringComparison.Ordinal);

        File.WriteAllBytes(_folder.File("test_batch.bin"), new byte[3000]);
        Assert.Contains("an image has 3073", Assert.Throws<InvalidDataException>(() => Load(false, new CifarOptions { AnyCount = true })).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Load_LinkedFiles_HaveTheLengthsOfWhatTheyLeadTo()
    {
        ImageMaker.Cifar(_folder.File("elsewhere"), hundred: true, 10);
        foreach (var name in new[] { "train.bin", "test.bin" })
        {
            File.CreateSymbolicLink(_folder.File(name), Path.Combine("elsewhere", name));
        }

        var (train, test) = Load(true, new CifarOptions { AnyCount = true });
        Assert.Equal((10, 10), (train.Count, test.Count));
    }

    [Fact]
    public void Load_LabelOutOfRange_NamesFileAndImage()
    {
        ImageMaker.Cifar(_folder.Path, hundred: false, 10);
        var bytes = File.ReadAllBytes(_folder.File("data_batch_3.bin"));
        bytes[3073 * 4] = 10;
        File.WriteAllBytes(_folder.File("data_batch_3.bin"), bytes);
        var error = Assert.Throws<InvalidDataException>(() => Load(false, new CifarOptions { AnyCount = true }));
        Assert.Contains("data_batch_3.bin: image 4 has label 10", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Load_NotThere_SaysWhichArchiveToBringAndWhere()
    {
        var error = Assert.Throws<DirectoryNotFoundException>(() => CifarDatasets.Hundred.Load(new CifarOptions { Folder = _folder.File("none") }, new DataLocator(null)));
        Assert.Contains("cifar-100-binary.tar.gz (MD5 03b5dce01913d631647c71ecec9e9cb8)", error.Message, StringComparison.Ordinal);
        Assert.Contains("--data-dir", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Load_UnpackedArchiveBelowTheDataFolder_IsFound()
    {
        ImageMaker.Cifar(Path.Combine(_folder.Path, "cifar10", "cifar-10-batches-bin"), hundred: false, 2);
        Assert.Equal(10, CifarDatasets.Ten.Load(new CifarOptions { AnyCount = true }, new DataLocator(_folder.Path)).Train.Count);
    }

    private (Dataset Train, Dataset Test) Load(bool hundred, CifarOptions options)
    {
        var pair = (hundred ? CifarDatasets.Hundred : CifarDatasets.Ten).Load(options with { Folder = _folder.Path }, new DataLocator(null));
        return (pair.Train, pair.Test);
    }
}
