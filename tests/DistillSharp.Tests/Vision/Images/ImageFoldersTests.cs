using DistillSharp.Data;
using DistillSharp.Vision.Images;

namespace DistillSharp.Tests.Vision.Images;

/// <summary>Folders of images as ImageNet, Tiny-ImageNet and own sets have them, and tables that list images.</summary>
public sealed class ImageFoldersTests : IDisposable
{
    private static readonly ImageNetOptions Small = new() { Size = 8, Resize = 12 };

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void ImageNet_TrainAndVal_ClassesAndFilesAreInTheOrderOfTheirNames()
    {
        ImageMaker.Classes(_folder.File("train"), 3, 2);
        ImageMaker.Classes(_folder.File("val"), 3, 1);
        Directory.CreateDirectory(_folder.File("train/.hidden"));
        _folder.Write("train/n00/readme.txt", "no image");
        var pair = ImageFolders.ImageNet.Load(Small with { Folder = _folder.Path }, new DataLocator(null));

        Assert.Equal(["n00", "n01", "n02"], pair.Train.Info.Classes);
        Assert.Equal([0, 0, 1, 1, 2, 2], Enumerable.Range(0, 6).Select(pair.Train.Label));
        Assert.Equal(3, pair.Test.Count);
        Assert.Equal([3L, 8L, 8L], pair.Train.Info.InputShape);
        // 24×16 is scaled to 18×12 and its middle 8×8 cut out: the lower right of it is the class's colour, red in class 0.
        var pixels = pair.Train.Bytes(1).ToArray();
        Assert.InRange(pixels[63], 175, 185);
        Assert.InRange(pixels[127], 15, 27);
        Assert.InRange(pixels[0], 230, 245);
        Assert.Equal(pair.Train.Sha256(), ImageFolders.ImageNet.Load(Small with { Folder = _folder.Path }, new DataLocator(null)).Train.Sha256());
        Assert.Equal(3, ImageFolders.ImageNet.Load(Small, new DataLocator(_folder.Path)).Test.Count);
    }

    // torchvision scales 30×40 with Resize(12) to 12×16, and CenterCrop(8) then takes rows 4 to 11 and columns 2 to 9.
    [Fact]
    public void ImageNet_TestImage_IsTorchvisionsResizeAndCentreCrop()
    {
        ImageMaker.Classes(_folder.File("train"), 1, 1);
        using var bitmap = new SkiaSharp.SKBitmap(30, 40);
        for (var i = 0; i < 1200; i++)
        {
            bitmap.SetPixel(i % 30, i / 30, new SkiaSharp.SKColor((byte)(i % 30 * 8), (byte)(i / 30 * 6), 0));
        }

        Directory.CreateDirectory(_folder.File("val/n00"));
        ImageMaker.Write(_folder.File("val/n00/ramp.png"), bitmap);
        var test = ImageFolders.ImageNet.Load(Small with { Folder = _folder.Path }, new DataLocator(null)).Test;
        var pixels = test.Bytes(0);
        for (var i = 0; i < 64; i++)
        {
            // The middle of a pixel of the grid, in pixels of the picture: ramps stay ramps away from the edge.
            Assert.InRange(pixels[i], (((((i % 8) + 2.5) * 30 / 12) - 0.5) * 8) - 1, (((((i % 8) + 2.5) * 30 / 12) - 0.5) * 8) + 1);
            Assert.InRange(pixels[64 + i], (((((i / 8) + 4.5) * 40 / 16) - 0.5) * 6) - 1, (((((i / 8) + 4.5) * 40 / 16) - 0.5) * 6) + 1);
        }

        Assert.Equal(12, test.Info.Resize);
    }

    [Fact]
    public void ImageNet_FlatValidationFolder_SaysHowToSortIt()
    {
        ImageMaker.Classes(_folder.File("train"), 2, 1);
        ImageMaker.Write(_folder.File("val/ILSVRC2012_val_00000001.JPEG"), 9, 9, ImageMaker.Colour(0, 0));
        var error = Assert.Throws<InvalidDataException>(() => ImageFolders.ImageNet.Load(Small with { Folder = _folder.Path }, new DataLocator(null)));
        Assert.Contains("folder of its class", error.Message, StringComparison.Ordinal);
        Assert.Contains("ILSVRC2012_img_train.tar", Assert.Throws<DirectoryNotFoundException>(() => ImageFolders.ImageNet.Load(Small with { Folder = _folder.File("none") }, new DataLocator(null))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Folder_ClassesDiffer_NamesTheUnknownOnes()
    {
        ImageMaker.Classes(_folder.File("train"), 2, 1);
        ImageMaker.Classes(_folder.File("test"), 3, 1);
        var error = Assert.Throws<InvalidDataException>(() => Open(new ImageFolderOptions()));
        Assert.Contains("n02", error.Message, StringComparison.Ordinal);

        Directory.CreateDirectory(_folder.File("train/n02"));
        Assert.Contains("n02 has no image", Assert.Throws<InvalidDataException>(() => Open(new ImageFolderOptions())).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Folder_SplitByHash_DependsOnEachPathAlone()
    {
        ImageMaker.Classes(_folder.Path, 2, 30, 8, 8, ".png");
        var before = Open(new ImageFolderOptions { Split = FolderSplit.Hash, TestShare = 0.3 });
        Assert.InRange(before.Test.Count, 8, 30);
        Assert.Equal(60, before.Train.Count + before.Test.Count);
        foreach (var i in Enumerable.Range(30, 10))
        {
            ImageMaker.Write(_folder.File($"n00/n00_{i}.png"), 8, 8, ImageMaker.Colour(0, i));
        }

        var moved = Enumerable.Range(0, 30).Count(i => ImageFolders.IsTest($"n00/n00_{i}.png", 0.3)) + Enumerable.Range(0, 30).Count(i => ImageFolders.IsTest($"n01/n01_{i}.png", 0.3));
        Assert.Equal(before.Test.Count, moved);
        var added = Enumerable.Range(30, 10).Count(i => ImageFolders.IsTest($"n00/n00_{i}.png", 0.3));
        Assert.Equal(before.Test.Count + added, Open(new ImageFolderOptions { Split = FolderSplit.Hash, TestShare = 0.3 }).Test.Count);
    }

    [Fact]
    public void Corrupt_Fail_NamesTheFirstFileOfTheBatch()
    {
        Damaged();
        var loader = new Loader(Open(new ImageFolderOptions()).Train, new LoaderOptions { BatchSize = 8, Workers = 2 });
        var error = Assert.Throws<InvalidDataException>(() => loader.Epoch(0, 0, TestContext.Current.CancellationToken).ToList());
        Assert.Contains(Path.Combine("n00", "n00_1.JPEG"), error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Corrupt_Skip_LeavesThemOutNamesAndCountsThem()
    {
        Damaged();
        var pair = Open(new ImageFolderOptions { Corrupt = CorruptImages.Skip });
        Assert.Equal([0, 0, 1, 1], Enumerable.Range(0, 4).Select(pair.Train.Label));
        Assert.Equal(4, pair.Train.Count);
        var remark = Assert.Single(pair.Remarks);
        Assert.Contains("2 of 6 training images", remark, StringComparison.Ordinal);
        Assert.Contains("n00_1.JPEG", remark, StringComparison.Ordinal);
        Assert.Contains("n01_2.JPEG", remark, StringComparison.Ordinal);
        Assert.Equal(2, ImageFolders.Folder.Faults!(new ImageFolderOptions { Folder = _folder.Path }, new DataLocator(null)).Count);
    }

    [Theory]
    [InlineData("train", "n01_*", "of class `n01` (3 files) no training image can be read")]
    [InlineData("train", "*", "of class `n00` (3 files), class `n01` (3 files) no training image can be read")]
    [InlineData("test", "*", "of class `n00` (1 file), class `n01` (1 file) no test image can be read")]
    public void Corrupt_SkipThatLeavesNothingOfASideOrClass_IsRefused(string side, string torn, string expected)
    {
        Tear(side, torn);
        var error = Assert.Throws<InvalidDataException>(() => Open(new ImageFolderOptions { Corrupt = CorruptImages.Skip }));
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
        Assert.Contains("n01_0.JPEG: no image", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Corrupt_SkipThatLeavesNoTestImageOfAClass_IsRemarked()
    {
        Tear("test", "n01_*");
        var pair = Open(new ImageFolderOptions { Corrupt = CorruptImages.Skip });
        Assert.Equal((6, 1), (pair.Train.Count, pair.Test.Count));
        Assert.Equal(2, pair.Remarks.Count);
        Assert.Contains("of class `n01` (1 file) no test image can be read", pair.Remarks[1], StringComparison.Ordinal);
    }

    [Fact]
    public void RememberedFaults_FileBehindALinkChanges_AreThoseOfItsNewContent()
    {
        var target = ImageMaker.Write(_folder.File("target.png"), 8, 8, ImageMaker.Colour(0, 0));
        File.CreateSymbolicLink(_folder.File("linked.png"), "target.png");
        var files = new ImageFiles(_folder.Path, ["linked.png"], new ImageShape(3, 8, 8));
        Assert.Empty(Remembered(files));

        File.WriteAllText(target, "torn");
        Assert.Contains("linked.png: no image", Assert.Single(Remembered(files)).Value, StringComparison.Ordinal);
    }

    [Fact]
    public void RememberedFaults_FileThatCouldNotBeOpened_IsLookedAtAgain()
    {
        ImageMaker.Write(_folder.File("sound.png"), 8, 8, ImageMaker.Colour(0, 0));
        _folder.Write("torn.png", "torn");
        File.CreateSymbolicLink(_folder.File("lost.png"), "nowhere.png");
        var files = new ImageFiles(_folder.Path, ["sound.png", "torn.png", "lost.png"], new ImageShape(3, 8, 8));
        Assert.Equal([1, 2], Remembered(files).Select(fault => fault.Key));
        var kept = Assert.Single(Directory.GetFiles(_folder.File("checked")));
        var lines = File.ReadAllLines(kept);
        Assert.Equal(2, lines.Length);
        Assert.Contains("torn.png: no image", lines[0], StringComparison.Ordinal);
        Assert.Equal("2\t", lines[1]);

        // As a run leaves it that could not open the first file either.
        File.AppendAllText(kept, "0\t\n");
        var again = Remembered(files);
        Assert.Equal([1, 2], again.Select(fault => fault.Key));
        Assert.Contains("lost.png: the image cannot be opened", again[2], StringComparison.Ordinal);
        Assert.Equal(lines, File.ReadAllLines(kept));

        ImageMaker.Write(_folder.File("nowhere.png"), 8, 8, ImageMaker.Colour(0, 0));
        Assert.Equal(1, Assert.Single(Remembered(files)).Key);
    }

    [Fact]
    public void Fingerprint_LinkToALargeFile_HasTheLengthOfTheFile()
    {
        const long Length = (1L << 28) + 1;
        using (var file = File.Create(_folder.File("large.png")))
        {
            file.SetLength(Length);
        }

        File.CreateSymbolicLink(_folder.File("linked.png"), "large.png");
        Assert.Equal($"linked.png|{Length}|3|8|8", new ImageFiles(_folder.Path, ["linked.png"], new ImageShape(3, 8, 8)).Fingerprint(0));
    }

    [Fact]
    public void Folder_ImagesOfOtherKinds_AreCountedByEndingInARemark()
    {
        ImageMaker.Classes(_folder.File("train"), 2, 1, extension: ".jfif");
        ImageMaker.Classes(_folder.File("test"), 2, 1);
        foreach (var name in new[] { "train/n00/a.tif", "train/n01/b.TIF", "test/n00/c.heic", "train/n00/notes.txt", "train/n00/.d.tif" })
        {
            _folder.Write(name, "not decoded");
        }

        var pair = Open(new ImageFolderOptions());
        Assert.Equal((2, 2), (pair.Train.Count, pair.Test.Count));
        Assert.Contains("image_folder: 3 files in the class folders cannot be read and are left out: 1 .heic, 2 .tif; images must be .jpg", Assert.Single(pair.Remarks), StringComparison.Ordinal);
    }

    [Fact]
    public void Links_OutOfTheFolder_AreRefusedUnlessAskedFor()
    {
        ImageMaker.Classes(_folder.File("set/train"), 2, 1);
        ImageMaker.Classes(_folder.File("set/test"), 2, 1);
        var outside = ImageMaker.Write(_folder.File("outside.jpg"), 8, 8, ImageMaker.Colour(1, 0));
        File.CreateSymbolicLink(_folder.File("set/train/n00/linked.jpg"), outside);
        var options = new ImageFolderOptions { Folder = _folder.File("set"), Size = 8 };
        Assert.Contains("follow_links", Assert.Throws<InvalidDataException>(() => ImageFolders.Folder.Load(options, new DataLocator(null))).Message, StringComparison.Ordinal);
        Assert.Equal(3, ImageFolders.Folder.Load(options with { FollowLinks = true }, new DataLocator(null)).Train.Count);

        File.Delete(_folder.File("set/train/n00/linked.jpg"));
        File.CreateSymbolicLink(_folder.File("set/train/n00/inside.jpg"), Path.Combine("..", "n01", "n01_0.JPEG"));
        Assert.Equal(3, ImageFolders.Folder.Load(options, new DataLocator(null)).Train.Count);

        ImageMaker.Classes(_folder.File("elsewhere"), 1, 1);
        Directory.CreateSymbolicLink(_folder.File("set/train/n02"), _folder.File("elsewhere/n00"));
        Assert.Throws<InvalidDataException>(() => ImageFolders.Folder.Load(options, new DataLocator(null)));
    }

    [Fact]
    public void TinyImageNet_ArchivesLayout_LabelsFollowTheSortedClasses()
    {
        string[] ids = ["n02124075", "n01443537"];
        _folder.Write("wnids.txt", string.Join('\n', ids) + "\n");
        _folder.Write("words.txt", "n01443537\tgoldfish, Carassius auratus\nn02124075\tEgyptian cat\nn00000001\tother\n");
        foreach (var id in ids)
        {
            ImageMaker.Write(_folder.File($"train/{id}/images/{id}_0.JPEG"), 64, 64, ImageMaker.Colour(Array.IndexOf(ids, id), 0));
            _folder.Write($"train/{id}/{id}_boxes.txt", $"{id}_0.JPEG\t0\t10\t63\t58\n");
        }

        ImageMaker.Write(_folder.File("val/images/val_0.JPEG"), 64, 64, ImageMaker.Colour(0, 0));
        _folder.Write("val/val_annotations.txt", "val_0.JPEG\tn02124075\t0\t32\t44\t62\n");
        var pair = TinyImageNet.Entry.Load(new TinyImageNetOptions { Folder = _folder.Path }, new DataLocator(null));
        Assert.Equal(["n01443537 goldfish", "n02124075 Egyptian cat"], pair.Train.Info.Classes);
        Assert.Equal((2, 1, 1), (pair.Train.Count, pair.Test.Count, pair.Test.Label(0)));
        Assert.Equal(pair.Train.Bytes(1).ToArray(), pair.Test.Bytes(0).ToArray());

        _folder.Write("val/val_annotations.txt", "../../../etc/passwd\tn02124075\t0\t0\t1\t1\n");
        Assert.Contains("leads out", Assert.Throws<InvalidDataException>(() => TinyImageNet.Entry.Load(new TinyImageNetOptions { Folder = _folder.Path }, new DataLocator(null))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void TinyImageNet_LinkedImageOrRepeatedClass_IsRefused()
    {
        const string Id = "n01443537";
        ImageMaker.Write(_folder.File($"set/train/{Id}/images/{Id}_0.JPEG"), 64, 64, ImageMaker.Colour(0, 0));
        ImageMaker.Write(_folder.File("set/val/images/val_0.JPEG"), 64, 64, ImageMaker.Colour(0, 0));
        _folder.Write("set/wnids.txt", Id + "\n");
        _folder.Write("set/val/val_annotations.txt", $"val_0.JPEG\t{Id}\t0\t0\t1\t1\n");
        Assert.Equal(1, Open().Train.Count);

        File.CreateSymbolicLink(_folder.File($"set/train/{Id}/images/{Id}_1.JPEG"), ImageMaker.Write(_folder.File("outside.JPEG"), 64, 64, ImageMaker.Colour(1, 0)));
        Assert.Contains("is a link to", Assert.Throws<InvalidDataException>(() => Open()).Message, StringComparison.Ordinal);
        Assert.Equal(2, Open(followLinks: true).Train.Count);

        _folder.Write("set/wnids.txt", $"{Id}\n{Id}\n");
        Assert.Contains($"class ids must differ; {Id} occurs 2 times", Assert.Throws<InvalidDataException>(() => Open()).Message, StringComparison.Ordinal);

        DatasetPair Open(bool followLinks = false) => TinyImageNet.Entry.Load(new TinyImageNetOptions { Folder = _folder.File("set"), FollowLinks = followLinks }, new DataLocator(null));
    }

    [Fact]
    public void Manifest_RepeatedClass_IsRefused()
    {
        ImageMaker.Classes(_folder.Path, 1, 2, extension: ".png");
        var error = Assert.Throws<InvalidDataException>(() => Manifest("path,label\nn00/n00_0.png,a\nn00/n00_1.png,a\n", new() { Classes = ["a", "a"] }));
        Assert.Contains("class names must differ; they are a, a", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Manifest_WithSplit_TakesSidesAndLabelsFromTheTable()
    {
        ImageMaker.Classes(_folder.Path, 2, 2, extension: ".png");
        var pair = Manifest("path,label,split\nn00/n00_0.png,cat,train\n\"n01/n01_0.png\",dog,train\nn01/n01_1.png,dog,test\n", new());
        Assert.Equal(["cat", "dog"], pair.Train.Info.Classes);
        Assert.Equal((2, 1, 1), (pair.Train.Count, pair.Test.Count, pair.Test.Label(0)));
    }

    [Fact]
    public void Manifest_LabelsThatAreWholeNumbers_AreInTheOrderOfTheNumbers()
    {
        ImageMaker.Classes(_folder.Path, 1, 4, extension: ".png");
        var pair = Manifest("path,label,split\nn00/n00_0.png,10,train\nn00/n00_1.png,9,train\nn00/n00_2.png,100,train\nn00/n00_3.png,9,test\n", new());
        Assert.Equal(["9", "10", "100"], pair.Train.Info.Classes);
        Assert.Equal([1, 0, 2], Enumerable.Range(0, 3).Select(pair.Train.Label));
    }

    [Fact]
    public void Manifest_HeaderInOtherLetters_IsTheSame()
    {
        ImageMaker.Classes(_folder.Path, 2, 2, extension: ".png");
        var pair = Manifest("Path,LABEL,Split\nn00/n00_0.png,cat,train\nn01/n01_0.png,dog,train\nn01/n01_1.png,dog,test\n", new());
        Assert.Equal((2, 1), (pair.Train.Count, pair.Test.Count));
    }

    [Theory]
    [InlineData("path,label,splt\nn00/n00_0.png,cat,test", "line 1: the columns of a manifest are path, label and, if wanted, split, each once; `splt` must not be there")]
    [InlineData("path,label,Label\nn00/n00_0.png,cat,dog", "`Label` must not be there")]
    [InlineData("file,class,split\nn00/n00_0.png,cat,test", "line 1: `file` is no image, and as a header the line must name the columns path, label")]
    [InlineData("n00/n00_0.png,cat,train,0.5", "line 1: 4 columns; without a header they are path, label")]
    [InlineData("n00_9.png,cat", "there is no file")]
    public void Manifest_FaultyFirstLine_SaysWhichColumnsThereAre(string table, string expected)
    {
        ImageMaker.Classes(_folder.Path, 2, 2, extension: ".png");
        Assert.Contains(expected, Assert.Throws<InvalidDataException>(() => Manifest(table + "\n", new())).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Manifest_ClassOfTestRowsAlone_IsRefused()
    {
        ImageMaker.Classes(_folder.Path, 2, 2, extension: ".png");
        var error = Assert.Throws<InvalidDataException>(() => Manifest("path,label,split\nn00/n00_0.png,cat,train\nn01/n01_0.png,dog,test\nn01/n01_1.png,dog,test\n", new()));
        Assert.Contains("only test images are of class `dog` (2 files)", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("../secret.png,cat", "line 2: `../secret.png` leads out of")]
    [InlineData("n00/../../x.png,cat", "leads out of")]
    [InlineData("/etc/passwd,cat", "must be a path from")]
    [InlineData("n00/none.png,cat", "there is no file")]
    [InlineData("n00/n00_0.png,", "the label is empty")]
    [InlineData("n00/n00_0.png,cat\nn01/../n00/n00_0.png,dog", "line 3: n00/n00_0.png is in line 2 already")]
    [InlineData("n00/n00_0.png,cat,x", "3 columns; the first line has 2")]
    public void Manifest_FaultyLine_IsNamed(string lines, string expected)
    {
        ImageMaker.Classes(_folder.Path, 2, 2, extension: ".png");
        var error = Assert.Throws<InvalidDataException>(() => Manifest($"path,label\n{lines}\n", new()));
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Loader_AnyNumberOfWorkers_SameBatches()
    {
        ImageMaker.Classes(_folder.File("train"), 3, 4);
        ImageMaker.Classes(_folder.File("test"), 3, 1);
        var data = Open(new ImageFolderOptions { Channels = 1 }).Train;
        var options = new LoaderOptions { BatchSize = 5, Shuffle = true, Seed = 3, Augment = new AugmentOptions { Shift = 1, Flip = 0.5 }, Normalise = Normalisation.Of(data) };
        Assert.Equal(Values(new Loader(data, options with { Workers = 1, Prefetch = 0 })), Values(new Loader(data, options with { Workers = 4 })));
    }

    [Fact]
    public void WithUnlabelled_AnotherFolderOrBytes_AreReadBehindTheOwn()
    {
        ImageMaker.Classes(_folder.File("train"), 2, 2);
        ImageMaker.Classes(_folder.File("test"), 2, 1);
        var pair = Open(new ImageFolderOptions());
        var joined = pair.Train.Subset([3]).WithUnlabelled(pair.Test);
        Assert.Equal([3, 4, 5], Enumerable.Range(0, 3).Select(joined.SampleId));
        Assert.Equal([1, -1, -1], Enumerable.Range(0, 3).Select(joined.Label));
        Assert.Equal(pair.Test.Bytes(1).ToArray(), joined.Bytes(2).ToArray());

        var bytes = Dataset.FromBytes(new DatasetInfo("bytes", [3, 8, 8], ["x"]), [.. Enumerable.Range(0, 192).Select(value => (byte)value)], [0], 1 / 255f);
        var mixed = pair.Train.WithUnlabelled(bytes);
        Assert.Equal(bytes.Bytes(0).ToArray(), mixed.Bytes(4).ToArray());
        Assert.Equal(pair.Train.Bytes(1).ToArray(), mixed.Bytes(1).ToArray());
        Assert.NotEqual(mixed.Sha256(), joined.Sha256());
    }

    private static float[] Values(Loader loader) => [.. loader.Epoch(1).SelectMany(batch =>
    {
        using (batch)
        {
            return batch.Input.data<float>().ToArray();
        }
    })];

    private SortedDictionary<int, string> Remembered(ImageFiles files) => ImageCheck.RememberedFaults(files, _folder.File("checked"), leastKept: 1);

    private void Tear(string side, string files)
    {
        ImageMaker.Classes(_folder.File("train"), 2, 3);
        ImageMaker.Classes(_folder.File("test"), 2, 1);
        foreach (var file in Directory.GetFiles(_folder.File(side), files, SearchOption.AllDirectories))
        {
            File.WriteAllText(file, "torn");
        }
    }

    private void Damaged()
    {
        ImageMaker.Classes(_folder.File("train"), 2, 3);
        ImageMaker.Classes(_folder.File("test"), 2, 1);
        File.WriteAllBytes(_folder.File("train/n00/n00_1.JPEG"), File.ReadAllBytes(_folder.File("train/n00/n00_0.JPEG"))[..100]);
        File.WriteAllText(_folder.File("train/n01/n01_2.JPEG"), "");
    }

    private DatasetPair Open(ImageFolderOptions options) => ImageFolders.Folder.Load(options with { Folder = _folder.Path, Size = 8 }, new DataLocator(null));

    private DatasetPair Manifest(string table, ManifestOptions options) =>
        ImageManifest.Entry.Load(options with { File = _folder.Write("images.csv", table), Size = 8 }, new DataLocator(null));
}
