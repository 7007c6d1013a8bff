using DistillSharp.Data;

namespace DistillSharp.Tests.Data;

public sealed class CsvDatasetTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("x,y,kind\n1,2,cat\n3,4.5,dog\n", null)]
    [InlineData("kind,x,y\ncat,1,2\ndog,3,4.5\n", "kind")]
    [InlineData("x,kind,y\r\n1,cat,2\r\n\r\n3,dog,4.5", "1")]
    [InlineData("1,2,cat\n3,4.5,dog\n", null)]
    [InlineData("cat,1,2\ndog,3,4.5\n", "0")]
    [InlineData("0,1,kind\n1,2,cat\n3,4.5,dog\n", "kind")]
    [InlineData("\"x\",\"y\",\"kind\"\n1,2,\"cat\"\n\"3\",4.5,\"dog\"\n", null)]
    public void Load_HeaderAndLabelAnywhere_SameSamples(string text, string? label)
    {
        var data = Read(text, label);
        Assert.Equal(["cat", "dog"], data.Info.Classes);
        Assert.Equal([2], data.Info.InputShape);
        Assert.Equal([1f, 2f], data.Floats(0).ToArray());
        Assert.Equal([3f, 4.5f], data.Floats(1).ToArray());
        Assert.Equal([0, 1], new[] { data.Label(0), data.Label(1) });
    }

    [Fact]
    public void Load_LabelPositionThatIsAlsoAValueOfTheFirstLine_MeansThePosition()
    {
        var data = Read("5,0,7\n6,1,8\n", "0");
        Assert.Equal(["5", "6"], data.Info.Classes);
        Assert.Equal([0f, 7f], data.Floats(0).ToArray());
    }

    [Fact]
    public void Load_NumberedHeaderBeforeANumericLabel_IsNoSample()
    {
        var data = Read("0,1,label\n1,2,10\n3,4,9\n", null);
        Assert.Equal(2, data.Count);
        Assert.Equal(["9", "10"], data.Info.Classes);
    }

    [Theory]
    [InlineData("0,1,2\n5,6,1\n7,8,0\n", null)]
    [InlineData("0,1,2\n5,6,1\n7,8,0\n", "2")]
    [InlineData("0,1,2\n1,5,6\n0,7,8\n", "0")]
    public void Load_HeaderOfNumbersFromZero_IsNoSample(string text, string? label)
    {
        var data = Read(text, label);
        Assert.Equal(2, data.Count);
        Assert.Equal(["0", "1"], data.Info.Classes);
        Assert.Equal([5f, 6f], data.Floats(0).ToArray());
    }

    [Theory]
    [InlineData("0,1,2,kind\n5,6,7,cat\n8,9,1,dog\n", null)]
    [InlineData("kind,0,1,2\ncat,5,6,7\ndog,8,9,1\n", "0")]
    public void Load_NumberedFeaturesAndTheNameOfAWord_IsNoSample(string text, string? label)
    {
        var data = Read(text, label);
        Assert.Equal(["cat", "dog"], data.Info.Classes);
        Assert.Equal(["0", "1", "2"], data.Info.Columns!);
        Assert.Equal([5f, 6f, 7f], data.Floats(0).ToArray());
    }

    [Theory]
    [InlineData("0,1\n2,0\n")]
    [InlineData("1,2,3\n4,5,6\n")]
    [InlineData("0,1,3\n4,5,6\n")]
    [InlineData("0.0,1.0,2.0\n4,5,6\n")]
    [InlineData("0,1,cat\n4,5,dog\n")]
    public void Load_OtherNumbersInTheFirstLine_AreASample(string text) => Assert.Equal(2, Read(text, null).Count);

    [Fact]
    public void Load_ColumnWithoutAName_IsRemarkedOn()
    {
        var path = _folder.Write("train.csv", ",x,kind\n0,1,cat\n1,3,dog\n");
        var pair = CsvDataset.Load(new CsvOptions { Train = path, Test = path });
        Assert.Equal([2], pair.Train.Info.InputShape);
        var remark = Assert.Single(pair.Remarks);
        Assert.StartsWith($"{path}: column 1 has no name in the header", remark, StringComparison.Ordinal);
        Assert.Contains("to_csv(..., index=False)", remark, StringComparison.Ordinal);

        var named = _folder.Write("named.csv", "x,kind\n1,cat\n3,dog\n");
        Assert.Empty(CsvDataset.Load(new CsvOptions { Train = named, Test = named }).Remarks);
        var labelled = _folder.Write("labelled.csv", ",x,y\n0,1,2\n1,3,4\n");
        Assert.Empty(CsvDataset.Load(new CsvOptions { Train = labelled, Test = labelled, Label = "0" }).Remarks);
    }

    [Fact]
    public void Load_QuotedCells_KeepCommasAndQuotes()
    {
        var data = Read("x,kind\n1,\"cat, \"\"big\"\"\"\n2,dog\n", null);
        Assert.Equal(["cat, \"big\"", "dog"], data.Info.Classes);
    }

    [Theory]
    [InlineData("", null, "is empty")]
    [InlineData("x,y,kind\n", null, "no samples")]
    [InlineData("x,kind\n1,a\nz,b\n", null, "line 3, column 1: `z`")]
    [InlineData("x,kind\n1,a\nNaN,b\n", null, "line 3, column 1: `NaN`")]
    [InlineData("x,kind\n1,a\n1,2,b\n", null, "line 3: 3 columns, the first line has 2")]
    [InlineData("x,kind\n1,a\n2,\n", null, "line 3, column 2: the label is empty")]
    [InlineData("x,kind\n1,a\n", "sort", "no column `sort`; it has x, kind")]
    [InlineData("x,kind\n1,a\n", "2", "no column `2`")]
    [InlineData("kind\ncat\ndog\n", null, "one column, `kind`, which is that of the label")]
    [InlineData("x;y;kind\n1;2;cat\n", null, "semicolons in it; columns are separated by commas here. Convert it: pandas.read_csv(\"train.csv\", sep=\";\").to_csv(\"commas.csv\", index=False)")]
    [InlineData("x;y;kind\n1;2;cat\n", "kind", "semicolons")]
    [InlineData("x;y;kind\n1,5;2,5;cat\n", null, "sep=\";\", decimal=\",\")")]
    [InlineData("1\t2\tcat\n3\t4\tdog\n", null, "tabs in it; columns are separated by commas here. Convert it: pandas.read_csv(\"train.csv\", sep=\"\\t\")")]
    public void Load_FaultyTable_NamesFileAndPlace(string text, string? label, string expected)
    {
        var message = Assert.Throws<InvalidDataException>(() => Read(text, label)).Message;
        Assert.Contains(expected, message, StringComparison.Ordinal);
        Assert.Contains("train.csv", message, StringComparison.Ordinal);
    }

    [Fact]
    public void Load_TestTableThatDoesNotFit_Throws()
    {
        var train = _folder.Write("train.csv", "1,2,a\n3,4,b\n");
        Assert.Contains("label `c` is none of the classes a, b", Error(train, "1,2,c\n"), StringComparison.Ordinal);
        Assert.Contains("[2], test samples [3]", Error(train, "1,2,3,a\n"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("y,x,kind\n2,1,cat\n4.5,3,dog\n", null)]
    [InlineData("kind,y,x\ncat,2,1\ndog,4.5,3\n", null)]
    [InlineData("kind,y,x\ncat,2,1\ndog,4.5,3\n", "2")]
    [InlineData("y,kind,x\n2,cat,1\n4.5,dog,3\n", "kind")]
    [InlineData("y,x,sort\n2,1,cat\n4.5,3,dog\n", null)]
    [InlineData("1,2,cat\n3,4.5,dog\n", null)]
    public void Load_TestColumnsInAnotherOrder_AreTakenByName(string test, string? label)
    {
        var train = _folder.Write("train.csv", "x,y,kind\n1,2,cat\n3,4.5,dog\n");
        var pair = CsvDataset.Load(new CsvOptions { Train = train, Test = _folder.Write("test.csv", test), Label = label });
        Assert.Equal(["x", "y"], pair.Train.Info.Columns!);
        Assert.Equal([1f, 2f], pair.Test.Floats(0).ToArray());
        Assert.Equal([3f, 4.5f], pair.Test.Floats(1).ToArray());
        Assert.Equal([0, 1], new[] { pair.Test.Label(0), pair.Test.Label(1) });
    }

    [Theory]
    [InlineData("x,z,kind\n1,2,cat\n", "it has no y, and ", "train.csv has no z.")]
    [InlineData("x,kind,z\n1,cat,2\n", "it has no y, and ", "train.csv has no z.")]
    [InlineData("x,kind\n1,cat\n", "it has no y.", "matched by name")]
    [InlineData("w,x,y,kind\n0,1,2,cat\n", "has other columns than", "train.csv has no w.")]
    public void Load_TestColumnsOfOtherNames_AreNamed(string test, string expected, string further)
    {
        var error = Error(_folder.Write("train.csv", "x,y,kind\n1,2,cat\n3,4.5,dog\n"), test);
        Assert.Contains(expected, error, StringComparison.Ordinal);
        Assert.Contains(further, error, StringComparison.Ordinal);
    }

    [Fact]
    public void Load_ColumnsOfOneName_AreTakenInTheirOrderOrRefused()
    {
        var train = _folder.Write("train.csv", "x,x,y,kind\n1,2,3,cat\n");
        var pair = CsvDataset.Load(new CsvOptions { Train = train, Test = _folder.Write("test.csv", "kind,x,x,y\ncat,1,2,3\n") });
        Assert.Equal([1f, 2f, 3f], pair.Test.Floats(0).ToArray());
        Assert.Contains("more than one is called `x`", Error(train, "y,x,x,kind\n3,1,2,cat\n"), StringComparison.Ordinal);
    }

    [Fact]
    public void Load_ShapeAndClasses_AreTakenAndChecked()
    {
        var path = _folder.Write("train.csv", "1,2,3,4,b\n5,6,7,8,a\n");
        var options = new CsvOptions { Train = path, Test = path, Shape = [1, 2, 2], Classes = ["b", "a", "never"] };
        var data = CsvDataset.Load(options).Train;
        Assert.Equal([1, 2, 2], data.Info.InputShape);
        Assert.Equal(0, data.Label(0));
        Assert.Contains("[1, 3, 3]", Assert.Throws<InvalidDataException>(() => CsvDataset.Load(options with { Shape = [1, 3, 3] })).Message, StringComparison.Ordinal);
        Assert.Contains("must differ", Assert.Throws<InvalidDataException>(() => CsvDataset.Load(options with { Classes = ["a", "b", "a"] })).Message, StringComparison.Ordinal);
    }

    private Dataset Read(string text, string? label)
    {
        var path = _folder.Write("train.csv", text);
        return CsvDataset.Load(new CsvOptions { Train = path, Test = path, Label = label }).Train;
    }

    private string Error(string train, string test) =>
        Assert.Throws<InvalidDataException>(() => CsvDataset.Load(new CsvOptions { Train = train, Test = _folder.Write("test.csv", test) })).Message;
}
