using System.Text.Json;
using DistillSharp.Export.Int8;
using DistillSharp.RunLog;

namespace DistillSharp.Tests.RunLog;

public sealed class RunJsonTests
{
    [Fact]
    public void Line_Choices_AreWrittenAsTheirNames()
    {
        var options = new QuantisationOptions { Calibration = RangeRule.MinMax, Weights = WeightBits.Unsigned };

        using var document = JsonDocument.Parse(JsonSerializer.Serialize(options, RunJson.Line));

        Assert.Equal("min_max", document.RootElement.GetProperty("calibration").GetString());
        Assert.Equal("unsigned", document.RootElement.GetProperty("weights").GetString());
    }

    [Theory]
    [InlineData("""{"calibration": "entropy", "weights": "full"}""")]
    [InlineData("""{"calibration": 2, "weights": 1}""")]
    public void Load_ChoicesAsNamesOrNumbers_AreRead(string text)
    {
        using var folder = new TemporaryFolder();

        var options = RunJson.Load<QuantisationOptions>(folder.Write("options.json", text));

        Assert.Equal((RangeRule.Entropy, WeightBits.Full), (options.Calibration, options.Weights));
    }
}
