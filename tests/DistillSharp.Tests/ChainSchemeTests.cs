using DistillSharp.Evaluation;
using DistillSharp.Export;
using DistillSharp.Recipes;
using DistillSharp.RunLog;
using DistillSharp.Runs;

namespace DistillSharp.Tests;

/// <summary>Whole runs of teacher_assistant and born_again: who teaches whom, what is compared, and what a stopped run goes on with.</summary>
[Collection(nameof(ChainRuns))]
public sealed class ChainSchemeTests : IDisposable
{
    private const string Assistants =
        """
        teacher: {model: mlp, widths: [20]}
        objective:
          scheme: {scheme: teacher_assistant, assistants: [{model: mlp, widths: [16]}, {model: mlp, widths: [12]}]}
          hard_labels: 0.5
          terms: [{method: soft_target, temperature: 3}, {method: embedding_regression, student: hidden1, teacher: hidden1}]
        seeds: [0, 1]

        """;

    private const string Generations = "objective: {scheme: {scheme: born_again, generations: 3, ensemble: true}}\nseeds: [0, 1]\n";

    private static readonly Dictionary<string, SortedDictionary<string, string>> s_uninterrupted = [];

    private readonly ChainRuns _runs = new();

    public void Dispose() => _runs.Dispose();

    [Fact]
    public void TeacherAssistant_EveryLink_LearnsFromTheOneBefore()
    {
        var (results, directory, _) = _runs.Run(Assistants);

        Assert.Equal(["teacher", "assistant_1", "assistant_2", "plain", "teacher_assistant"], results.Arms.Select(arm => arm.Name));
        Assert.Equal(Sha256(directory, "teacher", 0), TaughtBy(directory, "assistant_1", 0));
        Assert.Equal(Sha256(directory, "assistant_1", 0), TaughtBy(directory, "assistant_2", 0));
        Assert.All([0, 1], seed => Assert.Equal(Sha256(directory, "assistant_2", 0), TaughtBy(directory, "teacher_assistant", seed)));
        Assert.Null(ChainRuns.Metadata(directory.WeightsFile("plain", 0), Provenance.TeacherSha256));

        // Assistants stand between: the table has them, the comparison does not.
        Assert.DoesNotContain(results.Differences, difference => difference.Arm.StartsWith("assistant", StringComparison.Ordinal));
        Assert.Equal(["teacher_assistant"], results.GapRecovery.Keys);
        var (first, second, student) = (Load(directory, "assistant_1", 0), Load(directory, "assistant_2", 0), Load(directory, "teacher_assistant", 1));
        Assert.DoesNotContain("chain_cpu_seconds", first.Metrics.Keys);
        var cost = student.Metrics["cpu_seconds"] + second.Metrics["cpu_seconds"] + first.Metrics["cpu_seconds"];
        Assert.Equal(cost, student.Metrics["chain_cpu_seconds"], 9);
        Assert.Equal(Load(directory, "teacher", 0).Predictions.Zip(student.Predictions, (theirs, own) => own == theirs ? 1.0 : 0).Average(), student.Metrics["agreement"], 12);
    }

    [Fact]
    public void TeacherAssistant_Student_IsThatOfAnOfflineRunFromTheAssistant()
    {
        var chain = _runs.Run(Assistants).Directory;
        File.Copy(chain.WeightsFile("assistant_2", 0), _runs.File("assistant.safetensors"));
        var offline = _runs.Run(
            """
            teacher: {model: mlp, widths: [12], weights: assistant.safetensors}
            objective:
              hard_labels: 0.5
              terms: [{method: soft_target, temperature: 3}, {method: embedding_regression, student: hidden1, teacher: hidden1}]
            seeds: [0, 1]
            """).Directory;

        Assert.All([0, 1], seed => Assert.Equal(
            ChainRuns.Hash(offline.WeightsFile("soft_target", seed)), ChainRuns.Hash(chain.WeightsFile("teacher_assistant", seed))));
    }

    [Fact]
    public void BornAgain_EveryGeneration_LearnsFromTheOneBeforeWithTheSameSeed()
    {
        var (results, directory, _) = _runs.Run(Generations);

        Assert.Equal(["plain", "born_again_1", "born_again_2", "born_again", "born_again_ensemble"], results.Arms.Select(arm => arm.Name));
        foreach (var seed in new[] { 0, 1 })
        {
            string[] chain = ["plain", "born_again_1", "born_again_2", "born_again"];
            for (var link = 1; link < chain.Length; link++)
            {
                Assert.Equal(Sha256(directory, chain[link - 1], seed), TaughtBy(directory, chain[link], seed));
            }

            Assert.Equal(chain.Sum(arm => Load(directory, arm, seed).Metrics["cpu_seconds"]), Load(directory, "born_again", seed).Metrics["chain_cpu_seconds"], 9);
            Assert.Equal(MeanOfGenerations(_runs.Read(Generations), directory, seed), Load(directory, "born_again_ensemble", seed).Predictions);
        }

        Assert.Equal(4, results.Differences.Count(difference => difference is { Against: "plain", Metric: "top1" }));
        Assert.Equal(File.ReadAllBytes(directory.WeightsFile("born_again", BestSeed(directory))), File.ReadAllBytes(directory.StudentFile));
    }

    [Fact]
    public void BornAgain_FirstGeneration_IsThatOfAnOfflineRunFromThePlainStudent()
    {
        // With given initial weights a generation starts where any arm does.
        var start = _runs.Run("objective: {scheme: born_again}\nseeds: [3]\n").Directory;
        File.Copy(start.WeightsFile("plain", 3), _runs.File("start.safetensors"));
        const string Student = "{model: mlp, widths: [8], weights: start.safetensors}";
        var born = _runs.Run("objective: {scheme: {scheme: born_again, generations: 1}}\nseeds: [0]\n", student: Student).Directory;
        File.Copy(born.WeightsFile("plain", 0), _runs.File("plain.safetensors"));
        var offline = _runs.Run(
            "teacher: {model: mlp, widths: [8], weights: plain.safetensors}\nobjective: {terms: [{method: soft_target, temperature: 1}]}\nseeds: [0]\n", student: Student).Directory;

        Assert.Equal(ChainRuns.Hash(offline.WeightsFile("soft_target", 0)), ChainRuns.Hash(born.WeightsFile("born_again", 0)));
    }

    [Fact]
    public void BornAgain_WithoutPlain_TrainsAGenerationZero()
    {
        var (results, directory, _) = _runs.Run("objective: {scheme: {scheme: born_again, generations: 1}}\nbaselines: {plain: false}\nseeds: [0]\n");

        Assert.Equal(["born_again_0", "born_again"], results.Arms.Select(arm => arm.Name));
        Assert.Equal(Sha256(directory, "born_again_0", 0), TaughtBy(directory, "born_again", 0));
    }

    [Theory]
    [InlineData(Assistants, "assistant_2", 1)]
    [InlineData(Generations, "born_again_2", 1)]
    [InlineData(Generations, "born_again", 3)]
    public void Run_StoppedInALink_GoesOnFromItsCheckpointToTheSameBits(string text, string arm, int step)
    {
        var expected = Uninterrupted(text);
        var directory = _runs.Prepare(text);
        var (results, before) = _runs.Continue(text, directory, stop: runEvent => runEvent is StepLogged logged && logged.Arm == arm && logged.Step == step);
        Assert.Null(results);

        var (_, after) = _runs.Continue(text, directory);
        Assert.Equal(expected, ChainRuns.Hashes(directory));
        var finished = before.OfType<JobEnded>().Select(job => (job.Arm, job.Seed)).ToHashSet();
        Assert.NotEmpty(finished);
        Assert.DoesNotContain(after.OfType<JobStarted>(), job => finished.Contains((job.Arm, job.Seed)));
        Assert.Equal(step + 1, after.OfType<StepLogged>().First(logged => logged.Arm == arm).Step);
    }

    [Theory]
    [InlineData(Assistants)]
    [InlineData(Generations + "tuning: {learning_rate: [0.05, 0.1]}\n")]
    public void Run_SideBySide_GivesTheSameBits(string text)
    {
        Assert.Equal(Uninterrupted(text), ChainRuns.Hashes(_runs.Run(text, jobs: 2).Directory));
    }

    [Fact]
    public void Waves_OfChains_PutEachArmAfterWhatItNeeds()
    {
        var waves = Arms.Waves(Arms.Of(_runs.Read(
            """
            teachers: {wide: {model: mlp, widths: [16]}, deep: {model: mlp, widths: [8, 8]}}
            objectives:
              chain: {scheme: {scheme: teacher_assistant, assistants: [{model: mlp, widths: [9]}]}, terms: [{method: soft_target}]}
              born: {scheme: {scheme: born_again, generations: 2, ensemble: true}}
            baselines: {compute_matched: true}
            """)));

        Assert.Equal(
            ["teacher.wide teacher.deep", "teacher", "assistant_1 plain", "chain born_1", "born", "born_ensemble", "plain_compute_matched"],
            waves.Select(wave => string.Join(" ", wave.Select(arm => arm.Name))));
    }

    // One run serves all tests that compare with it.
    private SortedDictionary<string, string> Uninterrupted(string text)
    {
        if (!s_uninterrupted.TryGetValue(text, out var hashes))
        {
            s_uninterrupted[text] = hashes = ChainRuns.Hashes(_runs.Run(text).Directory);
        }

        return hashes;
    }

    private static JobResult Load(RunDirectory directory, string arm, int seed) => JobResult.Load(directory.JobResultFile(arm, seed));

    private static string? Sha256(RunDirectory directory, string arm, int seed) => Load(directory, arm, seed).WeightsSha256;

    private static string? TaughtBy(RunDirectory directory, string arm, int seed) => ChainRuns.Metadata(directory.WeightsFile(arm, seed), Provenance.TeacherSha256);

    private static int BestSeed(RunDirectory directory) =>
        new[] { 0, 1 }.OrderByDescending(seed => Load(directory, "born_again", seed).Validation["top1"]).ThenBy(seed => seed).First();

    private static int[] MeanOfGenerations(Recipe recipe, RunDirectory directory, int seed)
    {
        var data = RunData.Load(recipe, null);
        double[] sums = [.. Enumerable.Repeat(0.0, data.TestLabels.Length * data.Info.Classes.Count)];
        foreach (var arm in new[] { "born_again_1", "born_again_2", "born_again" })
        {
            using var trained = TrainedArm.Load(recipe, directory, arm, seed, null);
            var split = Evaluator.Logits(trained.Network, data.Test);
            var probabilities = split.Logits.Chunk(split.Classes).SelectMany(row => row.Select(value => Math.Exp(value) / row.Sum(other => Math.Exp(other))));
            sums = [.. sums.Zip(probabilities, (sum, probability) => sum + probability)];
        }

        return [.. sums.Chunk(data.Info.Classes.Count).Select(row => Array.IndexOf(row, row.Max()))];
    }
}
