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
    public void Examine_TeacherThatSaysTheSameOfAll_IsNearChance()
    {
        fixture.Change("nothing.safetensors", network => network.parameters().ToList().ForEach(parameter => parameter.zero_()));

        var first = fixture.Examine("nothing.safetensors").Findings[0];

        Assert.Equal((FindingSeverity.Fault, "teacher_accuracy"), (first.Severity, first.Check));
        Assert.Contains("near chance", first.What, StringComparison.Ordinal);
    }

    [Fact]
    public void Examine_TooFewValidationSamplesToTell_IsNoFault()
    {
        // One of 1,258.
        var accuracy = fixture.Examine("teacher.safetensors", "", "data.validation=0.001").Findings.Single(finding => finding.Check == "teacher_accuracy");

        Assert.NotEqual(FindingSeverity.Fault, accuracy.Severity);
        Assert.Contains("of 1 validation samples, too few to tell from chance (100", accuracy.What, StringComparison.Ordinal);
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

    [Fact]
    public void Examine_StudentThatStartsAsTheTeacher_IsAFault()
    {
        fixture.Change("copy.safetensors", _ => { }, new() { ["note"] = "another file of the same weights" });

        foreach (var (file, expected) in new[] { ("teacher.safetensors", "the same file"), ("copy.safetensors", "before it is trained") })
        {
            var first = fixture.Examine("teacher.safetensors", "", $"student={{model: mlp, widths: [64], weights: {file}}}").Findings[0];

            Assert.Equal((FindingSeverity.Fault, "same_network", "student.weights"), (first.Severity, first.Check, first.Where));
            Assert.Contains(expected, first.What, StringComparison.Ordinal);
        }
    }

    /// <summary>It learns to bear the rounding of its own weights.</summary>
    [Fact]
    public void Examine_StudentOfIntegersThatStartsAsTheTeacher_IsFine() => Assert.DoesNotContain(
        fixture.Examine("teacher.safetensors", "", "student={model: mlp, widths: [64], weights: teacher.safetensors, quantise: int8}").Findings, finding => finding.Check == "same_network");

    [Fact]
    public void Examine_TeacherInTrainingMode_IsAFault()
    {
        using var network = new AlwaysTraining(DistillSharp.Data.Digits.Info);
        fixture.Write(network, "training.safetensors");

        var first = fixture.Examine("teacher.safetensors", "", "teacher={model: always_training, weights: training.safetensors}").Findings[0];

        Assert.Equal((FindingSeverity.Fault, "teacher_mode", "teacher"), (first.Severity, first.Check, first.Where));
        Assert.Contains("eval()", first.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public void Examine_WeightsOfAnotherNetwork_AreAFaultThatIsToldOnce()
    {
        var report = fixture.Examine("teacher.safetensors", "", "teacher.widths=[63]");

        var fault = Assert.Single(report.Findings, finding => finding.Severity == FindingSeverity.Fault);
        Assert.Equal(("networks", "teacher"), (fault.Check, fault.Where));
    }

    [Fact]
    public void Examine_InputsOfAWrongScale_AreTheFirstWarning()
    {
        var first = fixture.ExamineText(
            """
            data: {dataset: digits, mean: [0], standard_deviation: [0.01]}
            teacher: {model: mlp, widths: [64]}
            student: {model: mlp, widths: [32]}
            objective: {terms: [{method: soft_target}]}
            training: {epochs: 10, batch_size: 32, learning_rate: 0.0001}
            seeds: [0]
            """).Findings[0];

        Assert.Equal((FindingSeverity.Warning, "input_range", "data"), (first.Severity, first.Check, first.Where));
        Assert.Contains("the training split's own are mean [0.3", first.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public void Examine_TeacherFileOfAnotherNormalisation_SaysWhatToSet()
    {
        fixture.Change("shifted.safetensors", _ => { }, new() { [DistillSharp.Export.Provenance.Mean] = "[0.5]", [DistillSharp.Export.Provenance.Deviation] = "[0.25]" });

        var first = fixture.Examine("shifted.safetensors").Findings[0];

        Assert.Equal((FindingSeverity.Warning, "normalisation", "teacher"), (first.Severity, first.Check, first.Where));
        Assert.Equal("Set `data.mean: [0.5]` and `data.standard_deviation: [0.25]`", first.Remedy);
    }

    [Fact]
    public void Examine_TeacherTrainedWithLabelSmoothing_IsTheFirstWarning()
    {
        fixture.Train("smooth.safetensors", 0.1);

        var first = fixture.Examine("smooth.safetensors").Findings[0];
        var sharp = fixture.Examine("teacher.safetensors").Findings.Single(finding => finding.Check == "smoothed_teacher");

        Assert.Equal((FindingSeverity.Warning, "smoothed_teacher", "teacher"), (first.Severity, first.Check, first.Where));
        Assert.InRange(first.Numbers["entropy"], 0.85, 1);
        Assert.InRange(first.Numbers["smoothing"], 0.05, 0.15);
        Assert.InRange(sharp.Numbers["entropy"], 0, 0.7);
    }

    [Fact]
    public void Examine_StudentOfOneUnit_UnderFits()
    {
        var first = fixture.Examine("teacher.safetensors", "", "student.widths=[1]").Findings[0];

        Assert.Equal((FindingSeverity.Warning, "under_fit", "student"), (first.Severity, first.Check, first.Where));
        Assert.InRange(first.Numbers["training_top1"], 0.1, 0.6);
        Assert.Contains("temperature", first.Remedy, StringComparison.Ordinal);
        // Without softened targets nothing is to be feared of them.
        Assert.DoesNotContain(fixture.Examine("teacher.safetensors", "", "student.widths=[1]", "objective.terms.0.temperature=1").Findings, finding => finding.Check == "under_fit");
    }

    [Fact]
    public void Examine_MoreMemoryThanThereIs_IsTheFirstWarning()
    {
        var recipe = fixture.Read(DoctorFixture.Text("teacher.safetensors"), "objective.terms=[{method: crd, student: penultimate, teacher: penultimate, embedding_width: 256, negatives: 16, weight: 0.1}]");

        var first = RecipeDoctor.Examine(recipe, availableMegabytes: 300).Findings[0];

        Assert.Equal((FindingSeverity.Warning, "memory", "objective"), (first.Severity, first.Check, first.Where));
        // Two banks of 1,132 samples, and two embeddings.
        Assert.Equal(((2 * 1132 * 256) + (33 + 65) * 256) * 4 / 1e6, first.Numbers["memories_and_projectors"], 0.02);
        Assert.DoesNotContain(RecipeDoctor.Examine(recipe, availableMegabytes: 4000).Findings, finding => finding is { Check: "memory", Severity: FindingSeverity.Warning });
    }

    [Fact]
    public void Examine_Twice_GivesTheSameFindingsAndLeavesNoFiles()
    {
        static IEnumerable<string> Stable(DoctorReport report) => report.Findings.Where(finding => finding.Check != "time").Select(finding => finding.ToString());
        var before = Directory.GetFileSystemEntries(fixture.Folder).Order(StringComparer.Ordinal).ToList();

        Assert.Equal(Stable(fixture.Examine("teacher.safetensors")), Stable(fixture.Examine("teacher.safetensors")));
        Assert.Equal(before, Directory.GetFileSystemEntries(fixture.Folder).Order(StringComparer.Ordinal));
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
