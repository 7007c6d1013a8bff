using DistillSharp.Samples;

namespace DistillSharp.Tests.Samples;

public sealed class MetricsSampleTests
{
    [Fact]
    public void MetricsPage_CSharpSnippet_EqualsTheCompiledSample() => Assert.Equal(
        Documents.Between(Documents.Read("tests", "DistillSharp.Tests", "Samples", "MetricsSample.cs"), "#region sample", "#endregion"),
        Documents.Between(Documents.Read("docs", "metrics.md"), "```csharp", "```"));

    [Fact]
    public void Compare_PerfectAgainstWrong_SaysSo() => Assert.Equal(
        "BLEU 100.0 (nrefs:1|case:mixed|eff:no|tok:intl|smooth:exp); chrF2 +100.0 [100.0, 100.0]",
        MetricsSample.Compare(["a small house stands here"], ["x"], [["a small house stands here"]]));
}
