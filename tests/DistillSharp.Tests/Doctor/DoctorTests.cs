using DistillSharp.Doctor;

namespace DistillSharp.Tests.Doctor;

/// <summary>Each fault is planted in a recipe or a teacher, and is the first thing that the doctor says.</summary>
[Collection(nameof(TorchGenerator))]
public sealed class DoctorTests(DoctorFixture fixture) : IClassFixture<DoctorFixture>
{
    [Fact]
    public void Examine_NothingWrong_GivesNotesAlone()
    {
        var report = fixture.Examine("teacher.safetensors");

        Assert.All(report.Findings, finding => Assert.Equal(FindingSeverity.Note, finding.Severity));
        var accuracy = Assert.Single(report.Findings, finding => finding.Check == "teacher_accuracy");
        Assert.InRange(accuracy.Numbers["top1"], 0.9, 1);
        Assert.Equal(126, accuracy.Numbers["samples"]);
        Assert.DoesNotContain(report.Findings, finding => finding.IsPostponed);
    }

    [Fact]
    public void Examine_TeacherOfPermutedClasses_SaysSoFirstWithThePermutation()
    {
        fixture.Change("rolled.safetensors", network => RollClasses(network, 1));

        var first = fixture.Examine("rolled.safetensors").Findings[0];

        Assert.Equal((FindingSeverity.Fault, "teacher_accuracy", "teacher"), (first.Severity, first.Check, first.Where));
        Assert.Contains("in another order it would be 9", first.What, StringComparison.Ordinal);
        Assert.Contains("1 → 0", first.What, StringComparison.Ordinal);
        Assert.Contains("classes", first.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public void Examine_TeacherOfInputsThatAreNotNormalised_SaysWhatWouldExplainIt()
    {
        var first = fixture.Examine("teacher.safetensors", "", "data.mean=[-300]", "data.standard_deviation=[1]").Findings.First(finding => finding.Check == "teacher_accuracy");

        Assert.Equal(FindingSeverity.Fault, first.Severity);
        Assert.Contains("with the training split's own mean and deviation it would be", first.What, StringComparison.Ordinal);
        Assert.Contains("data.mean", first.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public void Examine_UntrainedTeacher_IsNearChance()
    {
        fixture.Change("noise.safetensors", network => network.parameters().ToList().ForEach(parameter => parameter.normal_()));

        var first = fixture.Examine("noise.safetensors").Findings[0];

        Assert.Equal((FindingSeverity.Fault, "teacher_accuracy"), (first.Severity, first.Check));
        Assert.Contains("near chance", first.What, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("classes.safetensors", """["9","1","2","3","4","5","6","7","8","0"]""", "in another order")]
    [InlineData("fruits.safetensors", """["apple","pear","plum"]""", "of which 0 have the same name")]
    public void Examine_TeacherFileWithOtherClasses_NamesThem(string file, string classes, string expected)
    {
        fixture.Change(file, _ => { }, new() { [DistillSharp.Export.Provenance.Classes] = classes });

        var first = fixture.Examine(file).Findings[0];

        Assert.Equal((FindingSeverity.Fault, "class_lists", "teacher"), (first.Severity, first.Check, first.Where));
        Assert.Contains(expected, first.What, StringComparison.Ordinal);
    }

    [Fact]
    public void Examine_TermAThousandTimesAnother_SuggestsItsWeight()
    {
        var first = fixture.Examine("teacher.safetensors", "", "objective.terms.0.weight=3000").Findings[0];

        Assert.Equal((FindingSeverity.Warning, "term_sizes", "objective.terms"), (first.Severity, first.Check, first.Where));
        // With that weight the two are equal, so no more is said of them.
        var suggested = first.Numbers["suggested_weight"];
        var again = fixture.Examine("teacher.safetensors", "", FormattableString.Invariant($"objective.terms.0.weight={suggested:R}"));
        Assert.DoesNotContain(again.Findings, finding => finding.Severity != FindingSeverity.Note);
        var sizes = again.Findings.Single(finding => finding.Check == "term_sizes").Numbers;
        Assert.Equal(sizes["hard_labels.gradient_norm"], sizes["soft_target.gradient_norm"], 1e-3);
    }

    [Theory]
    [InlineData("1e-7", "hardly move", "Raise")]
    [InlineData("1000000", "of plain", "Lower")]
    public void Examine_LearningRateThatDoesNotWork_SuggestsAnother(string rate, string what, string remedy)
    {
        var first = fixture.Examine("teacher.safetensors", "", $"training.learning_rate={rate}").Findings[0];

        Assert.Equal(("learning_rate", "training.learning_rate"), (first.Check, first.Where));
        Assert.Contains(what, first.What, StringComparison.Ordinal);
        Assert.StartsWith(remedy, first.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public void Examine_FeaturesThatDoNotFit_AreAFaultOfTheObjective()
    {
        var first = fixture.Examine("teacher.safetensors", "", "objective.terms=[{method: attention, student: [hidden1], teacher: [hidden1]}]").Findings[0];

        Assert.Equal((FindingSeverity.Fault, "objective", "objective"), (first.Severity, first.Check, first.Where));
    }

    [Fact]
    public void Examine_TeacherTrainedByTheRecipe_PostponesWhatNeedsIt()
    {
        var report = fixture.ExamineText(
            """
            data: {dataset: digits}
            teacher: {model: mlp, widths: [64]}
            student: {model: mlp, widths: [32]}
            objective: {terms: [{method: fitnet, student: hidden1, teacher: hidden1}]}
            training: {epochs: 10, batch_size: 32}
            seeds: [0, 1]
            """);

        var postponed = Assert.Single(report.Findings, finding => finding.IsPostponed);
        Assert.Contains("teacher_accuracy", postponed.What, StringComparison.Ordinal);
        Assert.All(report.Findings, finding => Assert.Equal(FindingSeverity.Note, finding.Severity));
        Assert.Contains("student hidden1 [32], teacher hidden1 [64]", report.Findings.Single(finding => finding.Check == "objective").What, StringComparison.Ordinal);
        var time = report.Findings.Single(finding => finding.Check == "time").Numbers;
        // The teacher once, two students of ten epochs each.
        Assert.Equal((10 * time["teacher.epoch_seconds"]) + (20 * (time["plain.epoch_seconds"] + time["fitnet.epoch_seconds"])), time["total_seconds"], 1e-9);
    }

    internal static void RollClasses(DistillSharp.Models.Network network, int by)
    {
        foreach (var (_, parameter) in network.named_parameters().Where(entry => entry.name.StartsWith("fc.", StringComparison.Ordinal)))
        {
            using var rolled = parameter.roll(by, 0);
            parameter.copy_(rolled);
        }
    }
}
