using DistillSharp.Runs;

namespace DistillSharp.Tests.Runs;

public sealed class SweepResultsTests
{
    [Fact]
    public void ToMarkdown_AnySweep_SaysWhichSplitChose() =>
        Assert.Equal("# Trials of small\n\nChosen by top1 on the validation split, seed 1000; the test split chose nothing.\n", new SweepResults("small", "top1", 1000, []).ToMarkdown());
}
