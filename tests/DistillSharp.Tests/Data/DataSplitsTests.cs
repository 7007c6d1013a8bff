using System.IO.Compression;
using DistillSharp.Config;
using DistillSharp.Data;
using DistillSharp.Tests.Training;

namespace DistillSharp.Tests.Data;

public sealed class DataSplitsTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Create_Digits_DisjointStratifiedAndComplete()
    {
        var pair = Digits.Load();
        Assert.Equal([1, 8, 8], pair.Train.Info.InputShape);
        Assert.Equal(1797, pair.Train.Count + pair.Test.Count);
        Assert.Equal(539, pair.Test.Count);
        var splits = DataSplits.Create(pair.Train, pair.Test, 0.2, seed: 5);
        var ids = new[] { splits.Train, splits.Validation, splits.Test }.SelectMany(Ids).ToList();
        Assert.Equal(Enumerable.Range(0, 1797), ids.Order());
        foreach (var part in new[] { splits.Train, splits.Validation, splits.Test })
        {
            Assert.All(PerClass(part), count => Assert.InRange(count, (part.Count / 10.0) - (0.02 * part.Count) - 1, (part.Count / 10.0) + (0.02 * part.Count) + 1));
        }
    }

    [Fact]
    public void Load_Digits_PixelsAreThoseOfTheFile()
    {
        using var stream = typeof(Digits).Assembly.GetManifestResourceStream("digits.csv.gz")!;
        using var reader = new StreamReader(new GZipStream(stream, CompressionMode.Decompress));
        var lines = reader.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(1797, lines.Length);
        var test = Digits.Load().Test;
        for (var i = 0; i < test.Count; i++)
        {
            Assert.Equal(lines[test.SampleId(i)], $"{string.Join(',', test.Bytes(i).ToArray())},{test.Label(i)}");
        }

        Assert.Equal(1 / 16f, test.Scale);
    }

    [Fact]
    public void Create_SeedAndTrainSamples_SameSeedSameSplitAndStratifiedSubset()
    {
        var pair = Digits.Load();
        var first = DataSplits.Create(pair.Train, pair.Test, 0.1, 0, trainSamples: 200);
        var again = DataSplits.Create(pair.Train, pair.Test, 0.1, 0, trainSamples: 200);
        var other = DataSplits.Create(pair.Train, pair.Test, 0.1, 1, trainSamples: 200);
        Assert.Equal(first.Train.Sha256(), again.Train.Sha256());
        Assert.Equal(first.Validation.Sha256(), again.Validation.Sha256());
        Assert.NotEqual(first.Train.Sha256(), other.Train.Sha256());
        Assert.Equal(200, first.Train.Count);
        Assert.All(PerClass(first.Train), count => Assert.InRange(count, 18, 22));
        Assert.Empty(Ids(first.Train).Intersect(Ids(first.Validation)));

        // The validation split is the same with and without the subset.
        Assert.Equal(DataSplits.Create(pair.Train, pair.Test, 0.1, 0).Validation.Sha256(), first.Validation.Sha256());
    }

    [Fact]
    public void Create_MoreThanThereIs_SaysHowManyThereAre()
    {
        var pair = Digits.Load();
        Assert.Contains("1132", Assert.Throws<InvalidDataException>(() => DataSplits.Create(pair.Train, pair.Test, 0.1, 0, 5000)).Message, StringComparison.Ordinal);
        Assert.Contains("empty", Assert.Throws<InvalidDataException>(() => DataSplits.Create(pair.Train.Subset([0, 1]), pair.Test, 0.1, 0)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Create_SamplesWithoutLabel_StayInTraining()
    {
        var data = TrainingCase.Samples(60, [4], unlabelledEvery: 3);
        var splits = DataSplits.Create(data, data, 0.25, 0);
        Assert.Equal([5, 5], PerClass(splits.Validation));
        Assert.Equal(50, splits.Train.Count);
        Assert.Equal(Enumerable.Range(0, 60), Ids(splits.Train).Concat(Ids(splits.Validation)).Order());

        var few = DataSplits.Create(data, data, 0.25, 0, trainSamples: 12).Train;
        Assert.Equal(32, few.Count);
        Assert.Equal(20, Enumerable.Range(0, few.Count).Count(i => few.Label(i) < 0));
        Assert.Contains("30 labelled training samples", Assert.Throws<InvalidDataException>(() => DataSplits.Create(data, data, 0.25, 0, 31)).Message, StringComparison.Ordinal);
        Assert.False(DataSplits.HoldOutTest(data, 0.5, 0).Test.HasUnlabelled);
    }

    [Fact]
    public void Find_MissingDataset_ListsEveryWayToGetIt()
    {
        var error = Assert.Throws<FileNotFoundException>(() => new DataLocator(_folder.Path).Find("mnist", ["no-such-file"]));
        Assert.All(
            new[] { _folder.Path, "distill data get mnist", "DISTILL_DATA", "--data-dir" },
            part => Assert.Contains(part, error.Message, StringComparison.Ordinal));
    }

    [Fact]
    public void Load_FilesOfAnotherDataset_RefusedByHash()
    {
        foreach (var (name, i) in IdxDatasets.FileNames.Select((name, i) => (name, i)))
        {
            _folder.Write(name, i % 2 == 0 ? IdxReaderTests.Idx([1, 28, 28], new byte[784]) : IdxReaderTests.Idx([1], [3]));
        }

        var error = Assert.Throws<InvalidDataException>(() => IdxDatasets.Mnist.Load(new NoDatasetOptions(), new DataLocator(_folder.Path)));
        Assert.Contains("not the file of mnist", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_UnknownDatasetAndUnknownOption_NearestNames()
    {
        var catalog = DatasetCatalog.Default();
        var errors = new ConfigErrors();
        var binder = new ConfigBinder(errors);
        Assert.Null(catalog.Read(Map(("dataset", "fashion-mnits")), binder));
        Assert.Contains("fashion-mnist", errors.All[^1].Message, StringComparison.Ordinal);
        catalog.Read(Map(("dataset", "csv"), ("train", "a.csv"), ("tests", "b.csv")), binder);
        Assert.Contains(errors.All, error => error.Path == "data.tests" && error.Message.Contains("test", StringComparison.Ordinal));
        Assert.Contains(errors.All, error => error.Path == "data.test" && error.Message.Contains("missing", StringComparison.Ordinal));
        Assert.Null(catalog.Read(Map(), binder));
        Assert.Throws<ArgumentException>(() => catalog.Add(Digits.Entry));
    }

    [Fact]
    public void Get_UnknownDataset_NamesThoseThatCanBeFetched()
    {
        var error = Assert.Throws<ArgumentException>(() => new DatasetFetcher(_ => { }).Get("cifar", TestContext.Current.CancellationToken));
        Assert.Contains("mnist, fashion-mnist", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void FromFloats_WhatDoesNotFit_Throws()
    {
        var info = new DatasetInfo("own", [2], ["a", "b"]);
        Assert.Contains("empty", Assert.Throws<InvalidDataException>(() => Dataset.FromFloats(info, [], [])).Message, StringComparison.Ordinal);
        Assert.Contains("there are 3", Assert.Throws<InvalidDataException>(() => Dataset.FromFloats(info, [1, 2, 3], [0, 1])).Message, StringComparison.Ordinal);
        Assert.Contains("label 2", Assert.Throws<InvalidDataException>(() => Dataset.FromFloats(info, [1, 2], [2])).Message, StringComparison.Ordinal);
        Assert.Equal(-1, Dataset.FromFloats(info, [1, 2], [-1]).Label(0));
    }

    private static ConfigNode Map(params (string Key, string Value)[] entries) =>
        ConfigNode.Map("data", entries.ToDictionary(entry => entry.Key, entry => ConfigNode.Text("data." + entry.Key, entry.Value)));

    private static IEnumerable<int> Ids(Dataset data) => Enumerable.Range(0, data.Count).Select(data.SampleId);

    private static IEnumerable<int> PerClass(Dataset data) => Enumerable.Range(0, data.Count).GroupBy(data.Label).Select(group => group.Count());
}
