using System.Globalization;
using DistillSharp.Data;
using DistillSharp.Tests.Training;

namespace DistillSharp.Tests.Data;

/// <summary>Samples without labels: where they come from, and what a set becomes with them.</summary>
public sealed class UnlabelledDataTests : IDisposable
{
    private static readonly DatasetInfo Like = new("images", [1, 2, 2], ["a", "b"]);

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void WithUnlabelled_RestOfTheSameSet_KeepsIdsAndHidesLabels()
    {
        var whole = TrainingCase.Samples(10, [4]);
        var joined = whole.Subset([7, 2]).WithUnlabelled(whole);

        Assert.Equal([7, 2, 0, 1, 3, 4, 5, 6, 8, 9], Enumerable.Range(0, joined.Count).Select(joined.SampleId));
        Assert.Equal([whole.Label(7), whole.Label(2), -1, -1, -1, -1, -1, -1, -1, -1], Enumerable.Range(0, joined.Count).Select(joined.Label));
        Assert.Equal(whole.Floats(3).ToArray(), joined.Floats(4).ToArray());
        Assert.True(joined.HasUnlabelled);
        Assert.False(whole.HasUnlabelled);
        Assert.Equal(1, whole.Label(1));
    }

    [Theory]
    [InlineData(true, 1 / 255f)]
    [InlineData(false, 0.5f)]
    public void WithUnlabelled_AnotherSet_HasIdsBehindTheWholeSet(bool bytes, float scale)
    {
        var whole = Dataset.FromBytes(Like, [.. Enumerable.Range(0, 12).Select(value => (byte)value)], [0, 1, 0], 1 / 255f);
        var others = Dataset.FromBytes(Like with { Classes = ["other"] }, [.. Enumerable.Range(100, 8).Select(value => (byte)value)], [0, 0], scale);
        var joined = whole.Subset([1]).WithUnlabelled(others);

        Assert.Equal([1, 3, 4], Enumerable.Range(0, joined.Count).Select(joined.SampleId));
        Assert.Equal([1, -1, -1], Enumerable.Range(0, joined.Count).Select(joined.Label));
        Assert.Equal(bytes, joined.IsBytes);
        Assert.Equal(104 * scale, bytes ? joined.Bytes(2)[0] * joined.Scale : joined.Floats(2)[0], 1e-6);
        Assert.Equal(4 / 255f, bytes ? joined.Bytes(0)[0] * joined.Scale : joined.Floats(0)[0], 1e-6);
    }

    [Fact]
    public void WithUnlabelled_AnotherShape_SaysBoth()
    {
        var error = Assert.Throws<InvalidDataException>(() => TrainingCase.Samples(4, [4]).WithUnlabelled(TrainingCase.Samples(4, [5])));
        Assert.Contains("the shape [5], those of samples [4]", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Loader_UnlabelledSamples_HaveTheTargetMinusOne()
    {
        var whole = TrainingCase.Samples(6, [4]);
        using var batch = new Loader(whole.Subset([0]).WithUnlabelled(whole), new LoaderOptions { BatchSize = 6 }).Epoch(0, 0, TestContext.Current.CancellationToken).Single();
        Assert.Equal([0, -1, -1, -1, -1, -1], batch.Targets!.data<long>().ToArray());
    }

    [Theory]
    [InlineData("a,b,c,d\n1,2,3,4\n5,6,7,8\n", null)]
    [InlineData("1,2,3,4\n5,6,7,8\n", null)]
    [InlineData("a,b,kind,c,d\n1,2,x,3,4\n5,6,y,7,8\n", "kind")]
    [InlineData("1,2,9,3,4\n5,6,9,7,8\n", "2")]
    public void Load_Table_TakesNumbersAndTheShapeOfTheData(string text, string? label)
    {
        _folder.Write("more.csv", text);
        var read = new UnlabelledSpec(new UnlabelledOptions { Csv = _folder.File("more.csv"), Label = label }, null).Load(Like, new DataLocator(null));
        Assert.Equal([1, 2, 2], read.Info.InputShape);
        Assert.Equal([1f, 2, 3, 4, 5, 6, 7, 8], Enumerable.Range(0, read.Count).SelectMany(i => read.Floats(i).ToArray()));
        Assert.All(Enumerable.Range(0, read.Count), i => Assert.Equal(-1, read.Label(i)));
    }

    [Fact]
    public void Load_TableWithNamedColumns_IsInTheOrderOfTheLabelledOne()
    {
        var like = Like with { Columns = ["a", "b", "c", "d"] };
        var options = new UnlabelledOptions { Csv = _folder.Write("more.csv", "d,kind,b,a,c\n4,x,2,1,3\n"), Label = "kind" };
        Assert.Equal([1f, 2, 3, 4], new UnlabelledSpec(options, null).Load(like, new DataLocator(null)).Floats(0).ToArray());

        var error = Assert.Throws<InvalidDataException>(() => new UnlabelledSpec(options with { Label = null }, null).Load(like, new DataLocator(null)));
        Assert.Contains("other columns than images: images has no kind. Columns are matched by name; `label`", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Load_IdxAndNpy_AreImagesWithoutLabels()
    {
        File.WriteAllBytes(_folder.File("images"), [0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 2, 1, 2, 3, 4, 5, 6, 7, 8]);
        var header = "{'descr': '|u1', 'fortran_order': False, 'shape': (2, 1, 2, 2), }".PadRight(117) + "\n";
        File.WriteAllBytes(_folder.File("images.npy"), [0x93, .. "NUMPY"u8, 1, 0, 118, 0, .. System.Text.Encoding.ASCII.GetBytes(header), 1, 2, 3, 4, 5, 6, 7, 8]);
        foreach (var options in new[] { new UnlabelledOptions { Idx = _folder.File("images") }, new UnlabelledOptions { Npy = _folder.File("images.npy") } })
        {
            var read = new UnlabelledSpec(options, null).Load(Like, new DataLocator(null));
            Assert.Equal([1, 2, 2], read.Info.InputShape);
            Assert.Equal([5, 6, 7, 8], read.Bytes(1).ToArray());
            Assert.Equal(-1, read.Label(1));
        }
    }

    [Fact]
    public void Load_IdxOfAnyAxes_FollowsTheRuleOfLabelledFiles()
    {
        Assert.Equal([2, 1, 3], Idx([4, 2, 1, 3], 24).Info.InputShape);
        Assert.Equal([1, 2, 3], Idx([4, 2, 3], 24).Info.InputShape);
        Assert.Contains("must have 3 or 4 axes; it has 2", Assert.Throws<InvalidDataException>(() => Idx([4, 6], 24)).Message, StringComparison.Ordinal);
        Assert.Contains("images of 2×0×3 pixels", Assert.Throws<InvalidDataException>(() => Idx([4, 2, 0, 3], 0)).Message, StringComparison.Ordinal);

        Dataset Idx(int[] shape, int bytes) =>
            new UnlabelledSpec(new UnlabelledOptions { Idx = _folder.Write("images", IdxReaderTests.Idx(shape, new byte[bytes])) }, null).Load(Like, new DataLocator(null));
    }

    [Fact]
    public void Load_ChannelsLast_IsRefusedOfBothFormats()
    {
        _folder.Write("images", IdxReaderTests.Idx([1, 5, 5, 3], new byte[75]));
        var header = "{'descr': '|u1', 'fortran_order': False, 'shape': (1, 5, 5, 3), }".PadRight(117) + "\n";
        _folder.Write("images.npy", [0x93, .. "NUMPY"u8, 1, 0, 118, 0, .. System.Text.Encoding.ASCII.GetBytes(header), .. new byte[75]]);
        foreach (var options in new[] { new UnlabelledOptions { Idx = _folder.File("images") }, new UnlabelledOptions { Npy = _folder.File("images.npy") } })
        {
            var error = Assert.Throws<InvalidDataException>(() => new UnlabelledSpec(options, null).Load(Like, new DataLocator(null)));
            Assert.Contains("is [1, 5, 5, 3], which are images with their channels last", error.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Load_Dataset_IsItsTrainingSamples() => Assert.Equal(
        Digits.Entry.Load(new NoDatasetOptions(), new DataLocator(null)).Train.Count.ToString(CultureInfo.InvariantCulture),
        new UnlabelledSpec(null, new DatasetSpec(Digits.Entry, new NoDatasetOptions())).Load(Like, new DataLocator(null)).Count.ToString(CultureInfo.InvariantCulture));
}
