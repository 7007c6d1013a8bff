using DistillSharp.Evaluation;

namespace DistillSharp.Tests.Evaluation;

public class MetricFormatTests
{
    private static readonly MetricCatalog s_catalog = MetricCatalog.Default();

    [Theory]
    [InlineData("top1", 0.93254, 0.0034, "93.25 ± 0.34")]
    [InlineData("top1", 0.9, null, "90.00")]
    [InlineData("top1", 0.9, 0.0, "90.00 ± 0.00")]
    [InlineData("top1", null, null, "–")]
    [InlineData("errors", 31.0, null, "31")]
    [InlineData("errors", 31.333, 4.04, "31.3 ± 4.0")]
    [InlineData("nll", 0.23456, 0.0123, "0.2346 ± 0.0123")]
    [InlineData("parameters", 235146.0, 0.0, "235 k")]
    [InlineData("parameters", 1243000.0, 0.0, "1.24 M")]
    [InlineData("parameters", 12.0, 0.0, "12")]
    [InlineData("parameters", 999600.0, null, "1.00 M")]
    [InlineData("bytes", 11200.0, 0.0, "11.2 kB")]
    [InlineData("bytes", 512.0, 0.0, "512 B")]
    [InlineData("latency_ms", 0.0092, 0.0004, "0.0092 ± 0.0004")]
    [InlineData("cpu_seconds", 412.3, 3.2, "412 ± 3")]
    [InlineData("cpu_seconds", 4.23, 0.31, "4.2 ± 0.3")]
    [InlineData("unheard_of", 2.5, 0.5, "2.500 ± 0.500")]
    public void Value_ByUnit_ReadsWell(string key, double? mean, double? sd, string expected) => Assert.Equal(expected, MetricFormat.Value(s_catalog.Describe(key), mean, sd));

    [Theory]
    [InlineData("top1", 0.0213, "+2.13")]
    [InlineData("top1", -0.0005, "−0.05")]
    [InlineData("top1", 0.00001, "0.00")]
    [InlineData("nll", -0.01234, "−0.0123")]
    [InlineData("nll", null, "–")]
    public void Difference_Signed_ReadsWell(string key, double? value, string expected) => Assert.Equal(expected, MetricFormat.Difference(s_catalog.Describe(key), value));

    [Theory]
    [InlineData(0.414, "41 %")]
    [InlineData(-0.29, "−29 %")]
    [InlineData(-0.001, "0 %")]
    public void WholePercent_Share_HasNoDecimals(double share, string expected) => Assert.Equal(expected, MetricFormat.WholePercent(share));

    [Fact]
    public void Catalog_DuplicateKey_Throws()
    {
        var catalog = MetricCatalog.Default();
        Assert.Throws<ArgumentException>(() => catalog.Add(new MetricEntry("top1", "", "", MetricUnit.Share, MetricDirection.Higher)));
        Assert.Equal(MetricDirection.Lower, catalog.Add(new MetricEntry("perplexity", "WER %", "word error rate", MetricUnit.Share, MetricDirection.Lower)).Describe("perplexity").Direction);
    }
}
