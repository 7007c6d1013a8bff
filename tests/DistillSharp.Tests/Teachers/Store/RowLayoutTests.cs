using DistillSharp.Signals;
using DistillSharp.Teachers.Store;
using static TorchSharp.torch;

namespace DistillSharp.Tests.Teachers.Store;

/// <summary>What stands in a row and what is read back, against sums done here number by number.</summary>
public sealed class RowLayoutTests
{
    private const int Classes = 12;
    private static readonly double[][] Logits = [.. Enumerable.Range(0, 5).Select(row => Enumerable.Range(0, Classes).Select(c => (double)(float)((5 * Math.Sin((7 * row) + (c * c))) + row)).ToArray())];

    [Theory]
    [InlineData(StorePrecision.Float32, 48, 0)]
    [InlineData(StorePrecision.Float16, 24, 0.005)]
    [InlineData(StorePrecision.Int8, 20, 0.021)]
    public void Decode_WholeLogits_AreWithinThePrecision(StorePrecision precision, int bytes, double error)
    {
        var manifest = Manifest(precision);
        Assert.Equal(bytes, new RowLayout(manifest).RowBytes);
        var read = RoundTrip(manifest, Logits);
        for (var row = 0; row < read.Length; row++)
        {
            var allowed = precision == StorePrecision.Int8 ? ((Logits[row].Max() - Logits[row].Min()) / 254 / 2) + 1e-6 : error;
            Assert.All(read[row].Zip(Logits[row]), pair => Assert.InRange(Math.Abs(pair.First - pair.Second), 0, allowed));
        }
    }

    [Fact]
    public void Decode_ConstantRowInInt8_IsExact() =>
        Assert.All(RoundTrip(Manifest(StorePrecision.Int8), [[.. Enumerable.Repeat(3.25, Classes)]])[0], value => Assert.Equal(3.25, value));

    [Theory]
    [InlineData(1.0)]
    [InlineData(4.0)]
    public void Decode_TopK_KeepsLargestAndTheMassOfTheOthersAtItsTemperature(double temperature)
    {
        const int K = 3;
        var read = RoundTrip(Manifest(StorePrecision.Float32) with { TopK = K, Temperature = temperature }, Logits);
        for (var row = 0; row < read.Length; row++)
        {
            var largest = Enumerable.Range(0, Classes).OrderByDescending(c => Logits[row][c]).Take(K).ToHashSet();
            Assert.All(largest, c => Assert.Equal(Logits[row][c], read[row][c]));
            var others = Enumerable.Range(0, Classes).Where(c => !largest.Contains(c)).ToArray();
            Assert.Single(others.Select(c => read[row][c]).Distinct());
            var (expected, found) = (Softmax(Logits[row], temperature), Softmax(read[row], temperature));
            Assert.Equal(others.Sum(c => expected[c]), others.Sum(c => found[c]), 5);
            Assert.All(largest, c => Assert.Equal(expected[c], found[c], 5));
        }
    }

    [Fact]
    public void Decode_Samples_AreSharesOfDrawsWhoseMeanIsTheTeachersProbability()
    {
        const int Draws = 8;
        const int Rows = 4000;
        var manifest = Manifest(StorePrecision.Float32) with { Samples = Draws, Temperature = 2 };
        var read = RoundTrip(manifest, [.. Enumerable.Repeat(Logits[1], Rows)]);
        var (sums, expected) = (new double[Classes], Softmax(Logits[1], 2));
        foreach (var row in read)
        {
            var shares = Softmax(row, 2);
            Assert.All(shares, share => Assert.Equal(Math.Round(share * Draws), share * Draws, 4));
            for (var c = 0; c < Classes; c++)
            {
                sums[c] += shares[c] / Rows;
            }
        }

        // Five standard deviations of a mean of independent draws.
        Assert.All(Enumerable.Range(0, Classes), c => Assert.InRange(Math.Abs(sums[c] - expected[c]), 0, 5 * Math.Sqrt(expected[c] * (1 - expected[c]) / (Draws * Rows))));
    }

    [Fact]
    public void Encode_Samples_DependOnSampleAndViewAlone()
    {
        using var scope = NewDisposeScope();
        var layout = new RowLayout(Manifest(StorePrecision.Float32) with { Samples = 20 });
        byte[] Encode(long id, int view) => layout.Encode(Signals(Logits[1..2]), [id], view);
        Assert.Equal(Encode(4, 0), Encode(4, 0));
        Assert.NotEqual(Encode(4, 0), Encode(5, 0));
        Assert.NotEqual(Encode(4, 0), Encode(4, 1));
    }

    [Fact]
    public void Decode_Features_StandBesideTheLogitsWithTheirShape()
    {
        using var scope = NewDisposeScope();
        var manifest = Manifest(StorePrecision.Float32) with { Features = new Dictionary<string, int[]> { ["map"] = [2, 3, 3], ["vector"] = [7] } };
        var layout = new RowLayout(manifest);
        Assert.Equal(4 * (Classes + 18 + 7), layout.RowBytes);
        var signals = Signals(Logits) with
        {
            Features = new Dictionary<string, Signal> { ["map"] = new(arange(90, ScalarType.Float32).reshape(5, 2, 3, 3)), ["vector"] = new(arange(35, ScalarType.Float32).reshape(5, 7)) },
        };
        var read = layout.AsStored(signals, [0, 1, 2, 3, 4], 0, ["vector", "map"]);
        Assert.Equal([5, 2, 3, 3], read.Features["map"].Value.shape);
        Assert.True(read.Features["map"].Value.allclose(signals.Features["map"].Value, 0, 0));
        Assert.True(read.Features["vector"].Value.allclose(signals.Features["vector"].Value, 0, 0));
    }

    [Fact]
    public void Encode_NumbersBeyondFloat16_SaysSo()
    {
        using var scope = NewDisposeScope();
        var error = Assert.Throws<InvalidDataException>(() => new RowLayout(Manifest(StorePrecision.Float16)).Encode(Signals([[.. Enumerable.Repeat(1e5, Classes)]]), [0], 0));
        Assert.Contains("float16 cannot hold; set the store's precision to float32", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Encode_NotANumber_NamesTheSamples()
    {
        using var scope = NewDisposeScope();
        var error = Assert.Throws<InvalidDataException>(() => new RowLayout(Manifest(StorePrecision.Float32)).Encode(Signals([[.. Enumerable.Repeat(double.NaN, Classes)]]), [17], 0));
        Assert.Contains("logits that are not finite numbers for a batch with the samples 17", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(12, "top_k is 12, but the teacher has 12 classes")]
    [InlineData(40, "top_k is 40, but the teacher has 12 classes")]
    public void Layout_TopKOfAllClasses_IsRefused(int topK, string expected) =>
        Assert.Contains(expected, Assert.Throws<InvalidDataException>(() => new RowLayout(Manifest(StorePrecision.Float32) with { TopK = topK })).Message, StringComparison.Ordinal);

    internal static StoreManifest Manifest(StorePrecision precision) => new()
    {
        Key = new Dictionary<string, string> { ["teacher"] = "a" },
        Precision = Config.ConfigBinder.SnakeCase(precision.ToString()),
        Logits = [Classes],
    };

    private static double[][] RoundTrip(StoreManifest manifest, double[][] logits)
    {
        using var scope = NewDisposeScope();
        var read = new RowLayout(manifest).AsStored(Signals(logits), [.. Enumerable.Range(0, logits.Length)], 0, []).Logits.Value;
        Assert.Equal([logits.Length, Classes], read.shape);
        return [.. read.to(ScalarType.Float64).data<double>().ToArray().Chunk(Classes)];
    }

    private static ModelSignals Signals(double[][] logits) =>
        new(new Signal(tensor(logits.SelectMany(row => row).Select(value => (float)value).ToArray(), [logits.Length, Classes])), new Dictionary<string, Signal>());

    private static double[] Softmax(double[] logits, double temperature)
    {
        var largest = logits.Max();
        var powers = logits.Select(value => Math.Exp((value - largest) / temperature)).ToArray();
        return [.. powers.Select(value => value / powers.Sum())];
    }
}
