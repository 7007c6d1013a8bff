using DistillSharp.Config;
using DistillSharp.Data;
using DistillSharp.Export;
using DistillSharp.Export.Onnx;
using DistillSharp.Models;
using DistillSharp.Recipes;
using DistillSharp.RunLog;
using DistillSharp.Runs;

namespace DistillSharp.Tests;

/// <summary>Whole runs in this process, as small as they can be.</summary>
[Collection(nameof(TorchGenerator))]
public sealed class ExperimentTests : IDisposable
{
    private const string Common =
        """
        data: {dataset: digits, train_samples: 100}
        student: {model: mlp, widths: [8]}
        training: {epochs: 2, batch_size: 50}
        evaluation: {latency: false}

        """;

    private readonly string _folder = Directory.CreateTempSubdirectory("distill-experiment-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Run_EveryKindOfArm_LeavesResultsReportAndStudent()
    {
        var (results, directory, _) = Run(
            Common + """
            teacher: {model: mlp, widths: [16]}
            objective: {terms: [{method: soft_target}]}
            baselines: {plain: true, label_smoothing: 0.1, compute_matched: true}
            seeds: [0, 1]
            """);

        Assert.Equal(
            ["label_smoothing", "plain", "plain_compute_matched", "soft_target", "teacher"], results.Arms.Select(arm => arm.Name).Order(StringComparer.Ordinal));
        Assert.All(
            [directory.ResultsFile, directory.ReportFile, directory.StudentFile, directory.OnnxFile, directory.EnvironmentFile, directory.DataFile],
            file => Assert.True(new FileInfo(file).Length > 0, file));
        Assert.All(["plain", "soft_target"], arm => Assert.True(JobResult.Load(directory.JobResultFile(arm, 1)).TeacherUnchanged));

        var (plain, distilled) = (JobResult.Load(directory.JobResultFile("plain", 0)), JobResult.Load(directory.JobResultFile("soft_target", 0)));
        Assert.Equal(
            Math.Max(1, (int)Math.Round(plain.Epochs * distilled.Metrics["cpu_seconds"] / plain.Metrics["cpu_seconds"])),
            JobResult.Load(directory.JobResultFile("plain_compute_matched", 0)).Epochs);

        // The run's student is the best seed by validation.
        var jobs = new[] { 0, 1 }.Select(seed => JobResult.Load(directory.JobResultFile("soft_target", seed))).OrderByDescending(job => job.Validation["top1"]).ThenBy(job => job.Seed);
        Assert.Equal(File.ReadAllBytes(directory.WeightsFile("soft_target", jobs.First().Seed)), File.ReadAllBytes(directory.StudentFile));
        Assert.Empty(Directory.EnumerateDirectories(directory.Path, "checkpoints", SearchOption.AllDirectories));

        using var session = new OnnxSession(directory.OnnxFile);
        Assert.Equal(["logits"], session.Outputs);
    }

    [Fact]
    public void Run_ClassLeftOut_TeachesItThroughSoftTargetsAlone()
    {
        var (results, directory, _) = Run(
            """
            data: {dataset: digits, leave_out: ["3"]}
            teacher: {model: mlp, widths: [32], all_samples: true, training: {epochs: 15}}
            student: {model: mlp, widths: [32]}
            objective: {hard_labels: 0.1, terms: [{method: soft_target, temperature: 8, weight: 0.9}]}
            training: {epochs: 10, batch_size: 32, learning_rate: 0.05}
            evaluation: {latency: false}
            seeds: [0]
            """);

        var jobs = results.Arms.ToDictionary(arm => arm.Name, arm => JobResult.Load(directory.JobResultFile(arm.Name, 0)).Metrics);
        Assert.Equal(0, jobs["plain"]["left_out_recall"]);
        Assert.True(jobs["teacher"]["left_out_recall"] > 0.8);
        Assert.True(jobs["soft_target"]["left_out_recall_corrected"] > jobs["plain"]["left_out_recall"] + 0.3, $"{jobs["soft_target"]["left_out_recall_corrected"]}");
        Assert.True(jobs["soft_target"]["errors_corrected"] < jobs["plain"]["errors"]);
    }

    [Fact]
    public void Run_UnknownClassLeftOut_SaysWhichThereAre()
    {
        var error = Assert.Throws<InvalidDataException>(() => Run(Common.Replace("train_samples: 100", "leave_out: [three]", StringComparison.Ordinal) + "teacher: {model: mlp, widths: [8]}\nobjective: {terms: [{method: soft_target}]}\n"));

        Assert.Contains("digits has no class `three`", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Run_TermThatReadsNoTeacher_TrainsWithoutOne()
    {
        var (results, directory, _) = Run(Common + "objective: {terms: [{method: virtual_teacher, temperature: 2}]}\nbaselines: {plain: false}\nseeds: [0]\n");
        Assert.Equal("virtual_teacher", Assert.Single(results.Arms).Name);
        Assert.True(File.Exists(directory.StudentFile));
    }

    [Fact]
    public void Run_ArmWithAugmentationOfItsOwn_AloneSeesChangedImages()
    {
        var (results, directory, _) = Run(
            Common + """
            objectives:
              shifted: {terms: [], training: {augment: {shift: 2}}}
              unshifted: {terms: [], training: {augment: {flip: 0}}}
            baselines: {plain: true}
            seeds: [0]
            """);

        Assert.Equal([false, true, true], new[] { "plain", "shifted", "unshifted" }.Select(arm => JobResult.Load(directory.JobResultFile(arm, 0)).IsControl));
        Assert.True(results.Arm("shifted")!.IsControl);
        var (plain, shifted, unshifted) = (Weights("plain"), Weights("shifted"), Weights("unshifted"));
        Assert.Equal(plain, unshifted);
        Assert.NotEqual(plain, shifted);

        float[] Weights(string arm)
        {
            using var file = new SafetensorsFile(directory.WeightsFile(arm, 0));
            using var weights = file.Read("fc.weight");
            return weights.data<float>().ToArray();
        }
    }

    [Fact]
    public void Run_MethodThatIsDeployed_MeasuresSavesAndExportsStudentAndItsLayers()
    {
        const string Text = """
            data: {dataset: digits, train_samples: 60}
            teacher: {model: small_cnn, channels: [6, 8]}
            student: {model: small_cnn, channels: [4, 4]}
            training: {epochs: 2, batch_size: 30}
            evaluation: {latency: false}
            objective: {hard_labels: 0, terms: [{method: simkd, student: layer2, teacher: layer2}]}
            baselines: {plain: true}
            seeds: [0]
            """;
        var (_, directory, _) = Run(Text);
        var (plain, job) = (JobResult.Load(directory.JobResultFile("plain", 0)), JobResult.Load(directory.JobResultFile("simkd", 0)));
        // Projector 4·4 + 4·4·9 + 4·8 and its batch-norms 2·(4 + 4 + 8), the teacher's classifier 8·10 + 10 for the student's 4·10 + 10.
        Assert.Equal(plain.Metrics["parameters"] + 16 + 144 + 32 + 32 + 90 - 50, job.Metrics["parameters"]);
        Assert.True(job.Metrics["macs"] > plain.Metrics["macs"]);

        using var trained = TrainedArm.Load(RecipeReader.Read(Text, "test", _folder).Recipe, directory, "simkd", 0, null);
        Assert.Equal(job.Metrics["top1"], trained.Evaluate(validation: false)["top1"], 1e-9);
        Assert.Equal(job.Metrics["nll"], trained.Evaluate(validation: false)["nll"], 1e-6);
        Assert.InRange(trained.ExportOnnx(Path.Combine(_folder, "again.onnx")).LargestDifference, 0, 1e-4);
        using var session = new OnnxSession(directory.OnnxFile);
        Assert.Equal(["logits"], session.Outputs);
        using var weights = new DistillSharp.Export.SafetensorsFile(directory.StudentFile);
        Assert.Contains(weights.Entries, entry => entry.Name == "head.classifier.weight");
        Assert.DoesNotContain(weights.Entries, entry => entry.Name == "student.fc.weight");
    }

    [Fact]
    public void Run_TeacherThatCannotBeExported_TeachesWithoutAnOnnxFile()
    {
        var recipe = RecipeReader.Read(Common + "teacher: {model: mlp, widths: [16]}\nobjective: {terms: [{method: soft_target}]}\nseeds: [0]\n", "experiment", _folder).Recipe;
        var opaque = new ModelEntry("opaque", "", "", typeof(NamedModelOptions), _ => [], (_, data) => new Opaque(data));
        recipe = recipe with { Teacher = recipe.Teacher! with { Model = new ModelSpec(opaque, new NamedModelOptions()) } };
        var directory = new RunDirectory(Path.Combine(_folder, "opaque"));
        Experiment.Prepare(recipe, directory);
        var results = new Experiment(recipe, directory, new Sink()).Run(TestContext.Current.CancellationToken);

        Assert.Equal(["plain", "soft_target", "teacher"], results.Arms.Select(arm => arm.Name).Order(StringComparer.Ordinal));
        Assert.Equal([false, true], new[] { "teacher", "soft_target" }.Select(arm => File.Exists(Path.ChangeExtension(directory.WeightsFile(arm, 0), ".onnx"))));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Run_StudentWhoseExportDiffers_FailsAloneAndIsNamed(int jobs)
    {
        var (recipe, directory) = PrepareWithLiar(
            """
            teacher: {model: mlp, widths: [16]}
            objectives:
              differing: {student: {model: liar}, terms: [{method: soft_target}]}
              soft: {terms: [{method: soft_target}]}
            baselines: {plain: true}
            export: {arm: soft}
            seeds: [0]
            """);

        // Resumed, it fails alone again.
        for (var round = 0; round < 2; round++)
        {
            var experiment = new Experiment(recipe, directory, new Sink(), new ExperimentOptions { Jobs = jobs, Launcher = new InProcess(recipe) });
            var error = Assert.Throws<JobsFailedException>(() => experiment.Run(TestContext.Current.CancellationToken));
            Assert.StartsWith("differing/seed-0: sample 0, output `logits` [0]: the exported network gives ", Assert.Single(error.Failures), StringComparison.Ordinal);
            Assert.Equal(["differing/seed-0"], error.Results!.Missing);
            Assert.Equal(["plain", "soft", "teacher"], error.Results!.Arms.Select(arm => arm.Name).Order(StringComparer.Ordinal));
        }

        Assert.Equal(("soft", 0), StudentQuantiser.Exported(directory));
        Assert.True(File.Exists(directory.OnnxFile));
    }

    [Fact]
    public void Run_TeacherWhoseExportDiffers_TeachesWithoutAnOnnxFileAndSaysSo()
    {
        var (recipe, directory) = PrepareWithLiar("teacher: {model: liar}\nobjective: {terms: [{method: soft_target}]}\nseeds: [0]\n");
        var sink = new Sink();

        var results = new Experiment(recipe, directory, sink).Run(TestContext.Current.CancellationToken);

        Assert.Equal(["plain", "soft_target", "teacher"], results.Arms.Select(arm => arm.Name).Order(StringComparer.Ordinal));
        Assert.Equal([false, true], new[] { "teacher", "soft_target" }.Select(arm => File.Exists(Path.ChangeExtension(directory.WeightsFile(arm, 0), ".onnx"))));
        Assert.Contains(
            sink.Written.OfType<NoteLogged>(), note => note.Level == "warning" && note.Message.StartsWith("teacher/seed-0 was not written as ONNX: sample 0, ", StringComparison.Ordinal));
    }

    [Fact]
    public void Load_NoSeed_TakesTheExportedOneElseTheFirst()
    {
        const string Text = Common + "teacher: {model: mlp, widths: [16]}\nobjective: {terms: [{method: soft_target}]}\nbaselines: {plain: true}\nseeds: [0, 1]\n";
        var (_, directory, _) = Run(Text);
        foreach (var seed in new[] { 0, 1 })
        {
            File.Copy(directory.WeightsFile("soft_target", seed), directory.StudentFile, overwrite: true);
            Assert.Equal(("soft_target", seed), StudentQuantiser.Exported(directory));
            Assert.Equal(seed, SeedOf(null, null));
            Assert.Equal(seed, SeedOf("soft_target", null));
            Assert.Equal(1 - seed, SeedOf("soft_target", 1 - seed));
            Assert.Equal(0, SeedOf("plain", null));
        }

        File.Delete(directory.StudentFile);
        Assert.Null(StudentQuantiser.Exported(directory));
        Assert.Equal(0, SeedOf(null, null));

        int SeedOf(string? arm, int? seed)
        {
            using var trained = TrainedArm.Load(RecipeReader.Read(Text, "test", _folder).Recipe, directory, arm, seed, null);
            return trained.Seed;
        }
    }

    [Theory]
    [InlineData(", per_seed: true", 1)]
    [InlineData("", 0)]
    public void Quantise_TeacherASeedOrOneForAll_HasTheRowOfItsOwn(string perSeed, int teacher)
    {
        var text = $"{Common}teacher: {{model: mlp, widths: [16]{perSeed}}}\nobjective: {{terms: [{{method: soft_target}}]}}\nseeds: [0, 1]\n";
        var (_, directory, _) = Run(text);
        using var trained = TrainedArm.Load(RecipeReader.Read(text, "test", _folder).Recipe, directory, "soft_target", 1, null);

        var table = StudentQuantiser.Quantise(trained, Path.Combine(_folder, "again.int8.onnx"), samples: 50);

        Assert.Equal(["teacher", "student", "int8"], table.Rows.Select(row => row.Name));
        Assert.Equal(Path.ChangeExtension(directory.WeightsFile("teacher", teacher), ".onnx"), table.Rows[0].File);
        Assert.Equal(JobResult.Load(directory.JobResultFile("teacher", teacher)).Metrics["nll"], table.Rows[0].Metrics["nll"], 1e-5);
        Assert.Null(table.WithoutTeacher);
    }

    [Fact]
    public void Run_QuantisedStudents_AreMeasuredAsFilesOfIntegers()
    {
        const string Text = """
            data: {dataset: digits, train_samples: 400}
            teacher: {model: small_cnn, channels: [16, 16]}
            student: {model: small_cnn, channels: [16, 16], quantise: int8}
            training: {epochs: 5, batch_size: 25, learning_rate: 0.1}
            evaluation: {latency: true}
            objective: {hard_labels: 0.5, terms: [{method: soft_target, temperature: 4}]}
            baselines: {plain: true}
            seeds: [0]
            """;
        var (_, directory, _) = Run(Text);
        var (teacher, student) = (JobResult.Load(directory.JobResultFile("teacher", 0)), JobResult.Load(directory.JobResultFile("soft_target", 0)));
        var file = Path.ChangeExtension(directory.WeightsFile("soft_target", 0), ".int8.onnx");
        Assert.Equal(File.ReadAllBytes(file), File.ReadAllBytes(directory.Int8File));
        Assert.Equal(new FileInfo(file).Length, student.Metrics["bytes"]);
        Assert.True(student.Metrics["latency_ms"] > 0);
        Assert.InRange(student.Metrics["top1"], 0.5, 1);

        using var trained = TrainedArm.Load(RecipeReader.Read(Text, "test", _folder).Recipe, directory, "soft_target", 0, null);
        var table = StudentQuantiser.Quantise(trained, Path.Combine(_folder, "again.int8.onnx"));
        Assert.Equal(["teacher", "student", "int8"], table.Rows.Select(row => row.Name));
        Assert.Equal(student.Metrics["top1"], table.Rows[2].Metrics["top1"]);
        Assert.Equal(student.Metrics["nll"], table.Rows[2].Metrics["nll"], 1e-6);
        Assert.Equal(teacher.Metrics["top1"], table.Rows[0].Metrics["top1"]);
        Assert.InRange(table.Rows[2].Metrics["top1"] - table.Rows[1].Metrics["top1"], -0.04, 0.04);
        Assert.Equal(("soft_target", 0), StudentQuantiser.Exported(directory));

        // Looked at again, it is the file that was measured, and not the floats that learned to bear it.
        Assert.Equal(student.Metrics["errors"], trained.Evaluate(validation: false)["errors"]);
        Assert.Equal(student.Metrics["nll"], trained.Evaluate(validation: false)["nll"], 1e-9);
        Assert.Equal(student.Validation["nll"], trained.Evaluate(validation: true)["nll"], 1e-9);
        File.Delete(file);
        Assert.Contains(file, Assert.Throws<FileNotFoundException>(() => trained.Evaluate(validation: false)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Run_StudentOfFloatsBesideQuantisedOnes_IsTrainedAndMeasuredAsSuch()
    {
        const string Objective = "hard_labels: 0.5, terms: [{method: soft_target, temperature: 4}]";
        var (_, directory, _) = Run($$"""
            data: {dataset: digits, train_samples: 200}
            teacher: {model: mlp, widths: [16]}
            student: {model: small_cnn, channels: [8, 8], quantise: int8}
            training: {epochs: 1, batch_size: 25, learning_rate: 0.1}
            objectives:
              integers: { {{Objective}} }
              own_integers: {student: {model: small_cnn, channels: [8, 8], quantise: int8}, {{Objective}} }
              floats: {student: {model: small_cnn, channels: [8, 8]}, {{Objective}} }
            baselines: {plain: true}
            seeds: [0]
            """);

        bool OfIntegers(string arm) => File.Exists(Path.ChangeExtension(directory.WeightsFile(arm, 0), ".int8.onnx"));
        Assert.Equal([true, true, true, false], new[] { "plain", "integers", "own_integers", "floats" }.Select(OfIntegers));
        Assert.Equal(File.ReadAllBytes(directory.WeightsFile("integers", 0)).Length, File.ReadAllBytes(directory.WeightsFile("floats", 0)).Length);
        Assert.Equal(JobResult.Load(directory.JobResultFile("integers", 0)).Metrics["nll"], JobResult.Load(directory.JobResultFile("own_integers", 0)).Metrics["nll"]);
        Assert.NotEqual(JobResult.Load(directory.JobResultFile("integers", 0)).Metrics["nll"], JobResult.Load(directory.JobResultFile("floats", 0)).Metrics["nll"]);
        Assert.True(StudentQuantiser.ExportsIntegers(directory));
        File.AppendAllText(directory.RecipeFile, "export: {arm: floats}\n");
        Assert.False(StudentQuantiser.ExportsIntegers(directory));
    }

    [Fact]
    public void Run_Again_TrainsNothingTwice()
    {
        var text = Common + "baselines: {plain: true}\nobjective: {scheme: {scheme: self_distillation, heads: [hidden1]}}\nseeds: [0]\n";
        var (_, directory, _) = Run(text);
        // As a kill right after the result leaves them.
        Directory.CreateDirectory(directory.CheckpointFolder("plain", 0));
        var events = new Sink();
        new Experiment(RecipeReader.Read(text, "again", _folder).Recipe, directory, events).Run(TestContext.Current.CancellationToken);

        Assert.Empty(events.Written.OfType<JobStarted>());
        Assert.True(events.Written.OfType<RunStarted>().Single().Resumed);
        Assert.False(Directory.Exists(directory.CheckpointFolder("plain", 0)));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Run_ComputeMatchedWithTuning_TrainsPlainsSettingsForTheMatchedEpochs(int jobs)
    {
        // The number of epochs is stored before the run, as if it had been found already.
        var (_, directory, events) = Run(
            Common + """
            teacher: {model: mlp, widths: [16]}
            objective: {terms: [{method: soft_target}]}
            baselines: {compute_matched: true}
            tuning: {learning_rate: [0.001, 0.1], epochs: [1, 2]}
            seeds: [0]
            """,
            jobs,
            prepared => RunJson.Save(Path.Combine(prepared.ArmFolder(ArmNames.PlainMatched), "epochs-seed-0.json"), 7));

        var plain = JobResult.Load(directory.JobResultFile("plain", 0));
        var distilled = JobResult.Load(directory.JobResultFile("soft_target", 0));
        var matched = JobResult.Load(directory.JobResultFile("plain_compute_matched", 0));
        Assert.Equal(4, plain.Tuning.Count);
        Assert.Equal(4, distilled.Tuning.Count);
        Assert.Equal(7, matched.Epochs);
        Assert.Equal(plain.Tuning, matched.Tuning, (left, right) => left.Validation == right.Validation && left.Settings.SequenceEqual(right.Settings));
        var rates = events.OfType<StepLogged>().Where(step => step.Step == 1).ToLookup(step => step.Arm, step => step.LearningRate);
        Assert.Equal(rates["plain"].Last(), rates["plain_compute_matched"].Last());
    }

    [Fact]
    public void Run_ObjectiveWithTuningOfItsOwn_TrainsWithTheBestOfThoseValues()
    {
        // Learning rates far apart, so that the best is known beforehand.
        var (_, directory, events) = Run(
            Common + """
            teacher: {model: mlp, widths: [16]}
            objective:
              terms: [{method: soft_target}]
              tuning: {training.learning_rate: [0.000001, 0.1, 0.000002], terms.0.temperature: [2]}
            tuning: {learning_rate: [0.01, 0.02, 0.03]}
            seeds: [0]
            """);

        var distilled = JobResult.Load(directory.JobResultFile("soft_target", 0));
        Assert.Equal(["0.000001", "0.1", "0.000002"], distilled.Tuning.Select(trial => trial.Settings["training.learning_rate"]));
        Assert.All(distilled.Tuning, trial => Assert.Equal("2", trial.Settings["terms.0.temperature"]));
        Assert.Equal(["0.01", "0.02", "0.03"], JobResult.Load(directory.JobResultFile("plain", 0)).Tuning.Select(trial => trial.Settings["learning_rate"]));
        Assert.Equal(0.1, events.OfType<StepLogged>().First(step => step.Arm == "soft_target").LearningRate, 6);
    }

    [Fact]
    public void Run_TuningTrialThatDiverges_CountsAsTheWorst()
    {
        var (_, directory, events) = Run(
            Common + "teacher: {model: mlp, widths: [16]}\nobjective: {terms: [{method: soft_target}]}\ntuning: {learning_rate: [1.0e+30, 0.1]}\nseeds: [0]\n");

        Assert.Equal(0, JobResult.Load(directory.JobResultFile("plain", 0)).Tuning[0].Validation);
        Assert.Equal([true, false], JobResult.Load(directory.JobResultFile("plain", 0)).Tuning.Select(trial => trial.Failed));
        Assert.Contains(events.OfType<NoteLogged>(), note => note.Level == "warning" && note.Message.Contains("plain: learning_rate 1E+30", StringComparison.Ordinal));
    }

    [Fact]
    public void Run_TrialThatDivergedBesideOneThatScores0_IsNotChosen()
    {
        var (_, _, events) = Run(
            Common + "baselines: {plain: true}\nobjective: {scheme: {scheme: self_distillation, heads: [hidden1]}}\ntuning: {learning_rate: [1.0e+30, 0.1]}\nseeds: [0]\n",
            prepared: directory => RunJson.Save(Path.Combine(directory.ArmFolder("plain"), "tuning.json"), new List<TuningTrial>
            {
                new(new() { ["learning_rate"] = "1E+30" }, 0) { Failed = true },
                new(new() { ["learning_rate"] = "0.1" }, 0),
            }));

        Assert.Equal(0.1, events.OfType<StepLogged>().First(step => step.Arm == "plain").LearningRate, 6);
    }

    [Fact]
    public void Run_GivenMeanAndDeviation_AreWrittenIntoTheStudent()
    {
        var (_, directory, _) = Run(
            (Common + "baselines: {plain: true}\nobjective: {scheme: {scheme: self_distillation, heads: [hidden1]}}\nseeds: [0]\n")
                .Replace("dataset: digits", "dataset: digits, mean: [0.25], standard_deviation: [0.5]", StringComparison.Ordinal));

        var recorded = ModelVerifier.Verify(directory.WeightsFile("plain", 0)).Fields.ToDictionary(field => field.Key, field => field.Value);
        Assert.Equal("[0.25]", recorded[Provenance.Mean]);
        Assert.Equal("[0.5]", recorded[Provenance.Deviation]);
    }

    [Fact]
    public void Run_TeacherWithWeights_IsEvaluatedNotTrained()
    {
        var (_, first, _) = Run(Common + "teacher: {model: mlp, widths: [16]}\nobjective: {terms: [{method: soft_target}]}\nseeds: [0]\n");
        var weights = Path.Combine(_folder, "given.safetensors");
        File.Copy(first.WeightsFile("teacher", 0), weights);

        var (_, second, events) = Run(Common + "teacher: {model: mlp, widths: [16], weights: given.safetensors}\nobjective: {terms: [{method: soft_target}]}\nseeds: [0]\n");

        Assert.DoesNotContain(events.OfType<EpochEnded>(), epoch => epoch.Arm == "teacher");
        Assert.Equal(
            JobResult.Load(first.JobResultFile("teacher", 0)).Metrics["top1"], JobResult.Load(second.JobResultFile("teacher", 0)).Metrics["top1"]);
    }

    [Fact]
    public void Run_TeacherOfOtherClasses_NamesTheLayerAndBothShapes()
    {
        using (var network = new DistillSharp.Models.Mlp(new DistillSharp.Models.MlpOptions { Widths = [16] }, new DistillSharp.Data.DatasetInfo("other", [1, 8, 8], ["a", "b", "c"])))
        {
            DistillSharp.Export.Safetensors.Write(Path.Combine(_folder, "three.safetensors"), network);
        }

        var error = Assert.Throws<InvalidDataException>(() =>
            Run(Common + "teacher: {model: mlp, widths: [16], weights: three.safetensors}\nobjective: {terms: [{method: soft_target}]}\n"));
        Assert.Contains("three.safetensors does not fit mlp", error.Message, StringComparison.Ordinal);
        Assert.Contains("fc.weight is [3, 16] in the file, [10, 16] in the network", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Run_SelfDistillation_HeadsAreEarlyExitsOnlyWhereKept(bool keep)
    {
        var (_, directory, _) = Run(
            $$$"""
            data: {dataset: digits, train_samples: 100}
            student: {model: small_cnn, channels: [4, 4]}
            objective: {scheme: {scheme: self_distillation, heads: [layer1], keep_heads: {{{(keep ? "true" : "false")}}}}}
            training: {epochs: 1, batch_size: 50}
            evaluation: {latency: false}
            seeds: [0]
            """);

        using var session = new OnnxSession(directory.OnnxFile);
        Assert.Equal(keep ? ["logits", "exit_layer1"] : ["logits"], session.Outputs);

        using var trained = TrainedArm.Load(RecipeReader.Read(File.ReadAllText(directory.RecipeFile), "exits", _folder).Recipe, directory, "self_distillation", 0, null);
        var path = Path.Combine(_folder, "deep.onnx");
        if (!keep)
        {
            Assert.Contains("keep_heads", Assert.Throws<InvalidOperationException>(() => EarlyExits.Write(trained, path)).Message, StringComparison.Ordinal);
            return;
        }

        var rows = EarlyExits.Write(trained, path);
        Assert.Equal(["exit_layer1", "logits"], rows.Select(row => row.Name));
        Assert.Equal(JobResult.Load(directory.JobResultFile("self_distillation", 0)).Metrics["top1"], rows[1].Metrics["top1"]);
        Assert.Equal(["Conv", "logits"], [OnnxGraph.Read(rows[0].File).Nodes[0].Type, Assert.Single(OnnxGraph.Read(rows[0].File).Outputs)]);
        Assert.True(OnnxGraph.Read(rows[0].File).Nodes.Count < OnnxGraph.Read(directory.OnnxFile).Nodes.Count);
        Assert.All(rows, row => Assert.True(ModelVerifier.Verify(row.File).Passed));
    }

    [Fact]
    public void Run_QuantisedStudentsWithEarlyExits_ExitsAreOfTheIntegersThatAreMeasured()
    {
        var (_, directory, _) = Run(
            """
            data: {dataset: digits, train_samples: 400}
            student: {model: small_cnn, channels: [16, 16], quantise: int8}
            objective: {scheme: {scheme: self_distillation, heads: [layer1], keep_heads: true}}
            training: {epochs: 5, batch_size: 25, learning_rate: 0.1}
            evaluation: {latency: false}
            seeds: [0]
            """);
        using var trained = TrainedArm.Load(RecipeReader.Read(File.ReadAllText(directory.RecipeFile), "exits", _folder).Recipe, directory, "self_distillation", 0, null);
        var rows = EarlyExits.Write(trained, Path.Combine(_folder, "deep.onnx"));

        Assert.Equal(["exit_layer1", "logits"], rows.Select(row => row.Name));
        Assert.Equal(JobResult.Load(directory.JobResultFile("self_distillation", 0)).Metrics["top1"], rows[1].Metrics["top1"], 0.01);
        foreach (var row in rows)
        {
            var metadata = OnnxFile.Read(row.File).Metadata;
            Assert.Equal(row.Name, metadata[Provenance.Exit]);
            Assert.Contains(Provenance.Quantisation, metadata.Keys);
            Assert.Contains(OnnxGraph.Read(row.File).Nodes, node => node.Type == "QuantizeLinear");
            Assert.True(ModelVerifier.Verify(row.File).Passed);
        }

        // Quantised again after training, they are the same integers, beside the floats of each exit.
        var table = StudentQuantiser.Quantise(trained, Path.Combine(_folder, "again.int8.onnx"));
        Assert.Equal(["student", "int8"], table.Rows.Select(row => row.Name));
        Assert.Null(table.WithoutTeacher);
        Assert.Equal(rows.Select(row => row.Name), table.Exits.Select(exit => exit.Name));
        Assert.Equal(["again.int8.exit_layer1.onnx", "again.int8.logits.onnx"], table.Exits.Select(exit => Path.GetFileName(exit.File)));
        foreach (var (exit, row) in table.Exits.Zip(rows))
        {
            Assert.Equal(row.Metrics["nll"], exit.Int8["nll"], 1e-6);
            Assert.InRange(exit.Int8["top1"] - exit.Float["top1"], -0.06, 0.06);
            Assert.Equal(new FileInfo(exit.File).Length, exit.Int8["bytes"]);
        }

        Assert.Empty(Directory.EnumerateFiles(_folder, "*.tmp"));
    }

    /// <summary>Heads that are dropped teach the network in floats; kept ones are exported with it, so that they learn to bear the rounding too.</summary>
    [Theory]
    [InlineData("", true)]
    [InlineData(", quantise: int8", false)]
    public void Run_HeadsKeptOrDropped_TrainTheSameNetworkUnlessTheKeptAreRounded(string quantise, bool same)
    {
        var hashes = new[] { "true", "false" }.Select(keep =>
        {
            var (_, directory, _) = Run(
                $$$"""
                data: {dataset: digits, train_samples: 100}
                student: {model: small_cnn, channels: [4, 4]{{{quantise}}}}
                objective: {scheme: {scheme: self_distillation, heads: [layer1], keep_heads: {{{keep}}}}}
                training: {epochs: 1, batch_size: 50}
                evaluation: {latency: false}
                seeds: [0]
                """);
            using var weights = new SafetensorsFile(directory.WeightsFile("self_distillation", 0));
            return WeightsHash.Of(weights);
        }).ToList();
        Assert.Equal(same, hashes[0] == hashes[1]);
    }

    [Fact]
    public void Run_OtherDataThanBefore_Refused()
    {
        var text = Common + "objective: {scheme: {scheme: self_distillation, heads: [hidden1]}}\nseeds: [0]\n";
        var (_, directory, _) = Run(text);
        var changed = RecipeReader.Read(text, "changed", _folder, ["data.train_samples=90"]).Recipe;

        var error = Assert.Throws<InvalidDataException>(() => new Experiment(changed, directory, new Sink()).Run(TestContext.Current.CancellationToken));
        Assert.Contains("train_sha256", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_ComputeMatchedWithoutItsParts_SaysWhatIsMissing()
    {
        var error = Assert.Throws<ConfigException>(() => RecipeReader.Read(
            Common + "teacher: {model: mlp, widths: [16]}\nobjective: {terms: [{method: soft_target}]}\nbaselines: {plain: false, compute_matched: true}\n", "matched", _folder));
        Assert.Equal("baselines.compute_matched", Assert.Single(error.Errors).Path);
    }

    private (RunResults Results, RunDirectory Directory, List<RunEvent> Events) Run(string text, int jobs = 1, Action<RunDirectory>? prepared = null)
    {
        var recipe = RecipeReader.Read(text, "experiment", _folder).Recipe;
        var directory = new RunDirectory(Path.Combine(_folder, Guid.NewGuid().ToString("N")));
        Experiment.Prepare(recipe, directory);
        prepared?.Invoke(directory);
        var sink = new Sink();
        var options = new ExperimentOptions { Jobs = jobs, Launcher = new InProcess(recipe) };
        var results = new Experiment(recipe, directory, sink, options).Run(TestContext.Current.CancellationToken);
        return (results, directory, sink.Written);
    }

    private (Recipe Recipe, RunDirectory Directory) PrepareWithLiar(string text)
    {
        var catalogs = Catalogs.Default();
        catalogs.Models.Add(new ModelEntry("liar", "", "", typeof(NamedModelOptions), _ => [], (_, data) => new Liar(data)));
        var recipe = RecipeReader.Read(Common + text, "experiment", _folder, catalogs: catalogs).Recipe;
        var directory = new RunDirectory(Path.Combine(_folder, "liar"));
        Experiment.Prepare(recipe, directory);
        return (recipe, directory);
    }

    /// <summary>A network that computes something else than it says.</summary>
    private sealed class Liar : SingleInputNetwork
    {
        private readonly TorchSharp.Modules.Sequential layers;

        public Liar(DatasetInfo data)
            : base("liar")
        {
            var inputs = data.InputShape.Aggregate(1L, (product, axis) => product * axis);
            layers = TorchSharp.torch.nn.Sequential(("flatten", TorchSharp.torch.nn.Flatten()), ("fc", TorchSharp.torch.nn.Linear(inputs, data.Classes.Count)));
            RegisterComponents();
        }

        public override IReadOnlyList<FeaturePoint> FeaturePoints => [];

        public override TorchSharp.torch.Tensor forward(TorchSharp.torch.Tensor input)
        {
            using var honest = layers.call(input);
            return honest + 1e-1;
        }

        public override GraphValue Describe(IGraphBuilder graph, GraphValue input) => graph.Module(layers, input, nameof(layers));
    }

    /// <summary>A network with a layer that no description knows.</summary>
    private sealed class Opaque : LayeredNetwork
    {
        public Opaque(DatasetInfo data)
            : base("opaque")
        {
            Append("flatten", TorchSharp.torch.nn.Flatten());
            Append("fc", TorchSharp.torch.nn.Linear(data.InputShape.Aggregate(1L, (product, axis) => product * axis), data.Classes.Count));
            Append("selu", TorchSharp.torch.nn.SELU());
        }

        public override IReadOnlyList<FeaturePoint> FeaturePoints => [];
    }

    private sealed class Sink : IRunEventSink
    {
        public List<RunEvent> Written { get; } = [];

        public void Write(RunEvent runEvent) => Written.Add(runEvent);
    }

    /// <summary>What a child process does, without the process: one job after the other.</summary>
    private sealed class InProcess(Recipe recipe) : IJobLauncher
    {
        private readonly Lock _one = new();

        public Task RunAsync(RunDirectory directory, string arm, int? seed, Action<RunEvent> events, CancellationToken cancellation) => Task.Run(
            () =>
            {
                lock (_one)
                {
                    var sink = new Sink();
                    new Experiment(recipe, directory, sink).RunJob(arm, seed, cancellation);
                    sink.Written.ForEach(events);
                }
            },
            cancellation);
    }
}
