using DistillSharp.Losses.Golden;
using static TorchSharp.torch;

namespace DistillSharp.Tests.Losses.Golden;

public class GoldenProverTests
{
    private const string Small =
        """
        {"method": "soft_target", "options": {"temperature": 2.0},
         "inputs": {"student.logits": {"shape": [1, 2], "data": [0.5, -0.25]}, "teacher.logits": {"shape": [1, 2], "data": [1.0, 0.0]}},
         "loss": LOSS, "gradients": {"student.logits": {"shape": [1, 2], "data": [GRADIENT, OPPOSITE]}}}
        """;

    // Worked by hand: p = σ(0.5), q = σ(0.375); 4·(p·ln(p/q) + (1 − p)·ln((1 − p)/(1 − q))); dL/dz₀ = 2·(q − p).
    private static readonly double P = 1 / (1 + Math.Exp(-0.5));
    private static readonly double Q = 1 / (1 + Math.Exp(-0.375));
    private static readonly double SmallLoss = 4 * ((P * Math.Log(P / Q)) + ((1 - P) * Math.Log((1 - P) / (1 - Q))));
    private static readonly double SmallGradient = 2 * (Q - P);

    public static TheoryData<string> EmbeddedFiles => [.. GoldenFiles.Embedded("losses").Select(file => file.Name)];

    [Fact]
    public void Embedded_HoldsEveryVector() => Assert.True(GoldenFiles.Embedded("losses").Count >= 23);

    [Theory]
    [MemberData(nameof(EmbeddedFiles))]
    public void ProveLoss_EmbeddedVector_PassesInFloat64(string name) => AssertPasses(name, Prover(ScalarType.Float64));

    [Theory]
    [MemberData(nameof(EmbeddedFiles))]
    public void ProveLoss_EmbeddedVector_PassesInFloat32(string name) => AssertPasses(name, Prover(ScalarType.Float32));

    [Fact]
    public void ProveLoss_HandWorkedVector_Passes()
    {
        var result = Prove(Text(SmallLoss, SmallGradient));
        Assert.True(result.Passed, result.Message);
        Assert.InRange(result.LossError!.Value, 0, 1e-12);
    }

    // As `tolist` of a mask writes them.
    [Fact]
    public void ProveLoss_TruthValues_AreOneAndZero() => Assert.True(Prove(Text(SmallLoss, SmallGradient).Replace("[1.0, 0.0]", "[true, false]", StringComparison.Ordinal)).Passed);

    [Fact]
    public void ProveLoss_CorruptLoss_FailsAndNamesTheLoss() =>
        AssertFails(Text(SmallLoss * (1 + 2e-6), SmallGradient), "loss");

    [Fact]
    public void ProveLoss_CorruptGradient_FailsAndNamesTheInput() =>
        AssertFails(Text(SmallLoss, SmallGradient * (1 + 2e-5)), "gradient of student.logits");

    [Theory]
    [InlineData("\"soft_target\"", "\"soft_tarGet_2\"", "unknown method `soft_tarGet_2`; did you mean `soft_target`?")]
    [InlineData("\"temperature\": 2.0", "\"temprature\": 2.0", "unknown option `temprature`; did you mean `temperature`?")]
    [InlineData("\"temperature\": 2.0", "\"temperature\": 0", "above 0")]
    [InlineData("\"temperature\": 2.0", "\"temperature\": \"hot\"", "must be a number")]
    [InlineData("\"teacher.logits\"", "\"teacher.embedding\"", "`teacher.logits` is missing")]
    [InlineData("[1, 2], \"data\": [1.0, 0.0]", "[1, 2], \"data\": [1.0]", "needs 2")]
    [InlineData("[1, 2], \"data\": [1.0, 0.0]", "[1, 3], \"data\": [1.0, 0.0, 0.0]", "must have one shape")]
    [InlineData("[1, 2], \"data\": [1.0, 0.0]", "[2], \"data\": [1.0, 0.0]", "2 axes")]
    [InlineData("[1, 2], \"data\": [1.0, 0.0]", "[1, 2], \"data\": [1.0, null]", "finite number")]
    [InlineData("[1, 2], \"data\": [1.0, 0.0]", "[1, -2], \"data\": [1.0, 0.0]", "at least 1")]
    [InlineData("\"gradients\": {\"student.logits\"", "\"gradients\": {\"student.other\"", "lacks `student.logits`")]
    [InlineData("\"gradients\"", "\"gradient\"", "`gradients` must be")]
    [InlineData("{\"method\"", "\"method\"", "not valid JSON")]
    public void ProveLoss_FaultyFile_FailsWithItsReason(string text, string replacement, string reason)
    {
        var good = Text(SmallLoss, SmallGradient);
        Assert.Contains(text, good, StringComparison.Ordinal);
        AssertFails(good.Replace(text, replacement, StringComparison.Ordinal), reason);
    }

    [Fact]
    public void Prove_Folder_ChecksGoodAndBadFilesAndUnknownMetrics()
    {
        var folder = Directory.CreateTempSubdirectory("golden");
        try
        {
            Directory.CreateDirectory(Path.Combine(folder.FullName, "losses"));
            Directory.CreateDirectory(Path.Combine(folder.FullName, "metrics"));
            File.WriteAllText(Path.Combine(folder.FullName, "losses", "a.json"), "[1, 2");
            File.WriteAllText(Path.Combine(folder.FullName, "losses", "b.json"), Text(SmallLoss, SmallGradient));
            File.WriteAllText(Path.Combine(folder.FullName, "metrics", "c.json"), """{"sets": {"s": [{"hypothesis": "a", "references": ["a"]}]}, "scores": [{"set": "s", "metric": "astrology", "score": 1}]}""");

            var results = Prover(ScalarType.Float64).Prove(folder.FullName);

            Assert.Equal(["losses/a.json", "losses/b.json", "metrics/c.json[0]"], results.Select(result => result.File));
            Assert.Equal([false, true, false], results.Select(result => result.Passed));
            Assert.Contains("unknown metric `astrology`", results[2].Message, StringComparison.Ordinal);
        }
        finally
        {
            folder.Delete(true);
        }
    }

    [Fact]
    public void Prove_MissingOrEmptyFolder_Throws()
    {
        var folder = Directory.CreateTempSubdirectory("golden");
        try
        {
            Assert.Throws<ArgumentException>(() => Prover(ScalarType.Float64).Prove(folder.FullName));
            Assert.Throws<DirectoryNotFoundException>(() => Prover(ScalarType.Float64).Prove(Path.Combine(folder.FullName, "absent")));
        }
        finally
        {
            folder.Delete(true);
        }
    }

    private static GoldenProver Prover(ScalarType dtype) => new(LossRegistry.Default(), new MetricRegistry()) { Dtype = dtype };

    private static string Text(double loss, double gradient) => Small
        .Replace("LOSS", loss.ToString("R"), StringComparison.Ordinal)
        .Replace("GRADIENT", gradient.ToString("R"), StringComparison.Ordinal)
        .Replace("OPPOSITE", (-gradient).ToString("R"), StringComparison.Ordinal);

    private static GoldenResult Prove(string text) => Prover(ScalarType.Float64).ProveLoss(new GoldenFile("small.json", () => text));

    private static void AssertPasses(string name, GoldenProver prover)
    {
        var result = prover.ProveLoss(GoldenFiles.Embedded("losses").Single(file => file.Name == name));
        Assert.True(result.Passed, result.Message);
        Assert.NotEmpty(result.GradientErrors);
    }

    private static void AssertFails(string text, string reason)
    {
        var result = Prove(text);
        Assert.False(result.Passed);
        Assert.Contains(reason, result.Message, StringComparison.Ordinal);
    }
}
