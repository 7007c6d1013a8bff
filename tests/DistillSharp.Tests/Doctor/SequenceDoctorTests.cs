using DistillSharp.Doctor;
using DistillSharp.Recipes;
using DistillSharp.RunLog;
using DistillSharp.Runs;

namespace DistillSharp.Tests.Doctor;

/// <summary>The doctor on text: what needs classes is left out, everything else is looked at.</summary>
[Collection(nameof(TorchGenerator))]
public sealed class SequenceDoctorTests
{
    private const string Text = """
        data: {dataset: toy_phrases, pairs: 300, vocabulary: 400, validation_pairs: 20, test_pairs: 20}
        teacher: {model: transformer, width: 16, heads: 2, encoder_layers: 1, decoder_layers: 1}
        student: {model: transformer, width: 8, heads: 2, encoder_layers: 1, decoder_layers: 1, dropout: 0}
        objectives:
          word: {hard_labels: 0.5, terms: [{method: token_soft_target, weight: 0.5}]}
          sequence: {targets: {beam: 2}}
        training: {epochs: 1, batch_tokens: 200, optimizer: adamw, learning_rate: 0.005, weight_decay: 0, clip_norm: 1}
        evaluation: {beam: 2, latency: false}
        seeds: [0]
        """;

    private static Recipe Read(params string[] overrides) => RecipeReader.Read(Text, "phrases", ".", overrides).Recipe;

    [Fact]
    public void Examine_SoundRecipe_GivesFiguresAndNoWarning()
    {
        var report = RecipeDoctor.Examine(Read());

        Assert.All(report.Findings, finding => Assert.True(finding.Severity == FindingSeverity.Note, finding.ToString()));
        var time = Assert.Single(report.Findings, finding => finding.Check == "time");
        Assert.Equal(["plain.epoch_seconds", "sequence.epoch_seconds", "teacher.epoch_seconds", "total_seconds", "word.epoch_seconds"], time.Numbers.Keys.Where(key => !key.StartsWith("label_smoothing", StringComparison.Ordinal)).Order(StringComparer.Ordinal));
        Assert.True(time.Numbers["total_seconds"] > 0);
        Assert.True(Assert.Single(report.Findings, finding => finding.Check == "memory").Numbers["activations"] > 0);
        Assert.Contains("teacher_outputs", Assert.Single(report.Findings, finding => finding.IsPostponed).What, StringComparison.Ordinal);
    }

    [Fact]
    public void Examine_StudentThatStartsFromATeacherThatIsNotTrainedYet_HasNoFault()
    {
        var report = RecipeDoctor.Examine(Read("objectives={started: {student: {model: transformer, width: 16, heads: 2, encoder_layers: 1, decoder_layers: 1}, from_layers: {encoder: [1], decoder: [1]}, targets: {beam: 2}}}"));

        Assert.DoesNotContain(report.Findings, finding => finding.Severity == FindingSeverity.Fault);
        Assert.Contains("started.epoch_seconds", Assert.Single(report.Findings, finding => finding.Check == "time").Numbers.Keys);
    }

    [Fact]
    public void Examine_WildLearningRate_IsFound() =>
        Assert.Contains(RecipeDoctor.Examine(Read("training.learning_rate=50", "training.clip_norm=0")).Findings, finding => finding is { Check: "learning_rate", Severity: > FindingSeverity.Note });

    [Fact]
    public void Run_TeacherThatLearnedNothing_IsNamedBeforeTheFirstStudent()
    {
        using var folder = new TemporaryFolder();
        var directory = new RunDirectory(folder.File("run"));
        var recipe = Read("teacher.training={epochs: 1, learning_rate: 0.0001}", "objectives={word: {hard_labels: 0.5, terms: [{method: token_soft_target, weight: 0.5}]}}");
        Experiment.Prepare(recipe, directory);

        new Experiment(recipe, directory, new SilentSink(), new ExperimentOptions { Doctor = true }).Run(TestContext.Current.CancellationToken);

        var visits = RunJson.Load<Dictionary<string, List<DoctorFinding>>>(directory.DoctorFile);
        var finding = Assert.Single(visits["before word"], finding => finding.Check == "teacher_outputs");
        Assert.Equal(FindingSeverity.Warning, finding.Severity);
        Assert.InRange(finding.Numbers["bleu"], 0, 5);
        Assert.Contains(visits["before word"], finding => finding.Check == "term_sizes" && finding.Numbers["token_soft_target.gradient_norm"] > 0);
    }
}
