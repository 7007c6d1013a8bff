using DistillSharp.Config;
using DistillSharp.Data;
using DistillSharp.Export;
using DistillSharp.Export.Onnx;
using DistillSharp.Models;
using DistillSharp.RunLog;
using DistillSharp.Runs;

namespace DistillSharp.Tests;

/// <summary>Whole runs in this process.</summary>
[Collection(nameof(TorchGenerator))]
public sealed class ExperimentTests : IDisposable
{
    private readonly SmallRuns _runs = new();

    public void Dispose() => _runs.Dispose();

    [Fact]
    public void Run_EveryKindOfArm_LeavesResultsReportAndStudent()
    {
        var (results, directory, _) = _runs.Run(
            SmallRuns.Common + """
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
        var (results, directory, _) = _runs.Run(
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
        var error = Assert.Throws<InvalidDataException>(() => _runs.Run(SmallRuns.Common.Replace("train_samples: 100", "leave_out: [three]", StringComparison.Ordinal) + "teacher: {model: mlp, widths: [8]}\nobjective: {terms: [{method: soft_target}]}\n"));

        Assert.Contains("digits has no class `three`", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Run_TermThatReadsNoTeacher_TrainsWithoutOne()
    {
        var (results, directory, _) = _runs.Run(SmallRuns.Common + "objective: {terms: [{method: virtual_teacher, temperature: 2}]}\nbaselines: {plain: false}\nseeds: [0]\n");
        Assert.Equal("virtual_teacher", Assert.Single(results.Arms).Name);
        Assert.True(File.Exists(directory.StudentFile));
    }

    [Fact]
    public void Run_ArmWithAugmentationOfItsOwn_AloneSeesChangedImages()
    {
        var (results, directory, _) = _runs.Run(
            SmallRuns.Common + """
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
        var (_, directory, _) = _runs.Run(Text);
        var (plain, job) = (JobResult.Load(directory.JobResultFile("plain", 0)), JobResult.Load(directory.JobResultFile("simkd", 0)));
        // Projector 4·4 + 4·4·9 + 4·8 and its batch-norms 2·(4 + 4 + 8), the teacher's classifier 8·10 + 10 for the student's 4·10 + 10.
        Assert.Equal(plain.Metrics["parameters"] + 16 + 144 + 32 + 32 + 90 - 50, job.Metrics["parameters"]);
        Assert.True(job.Metrics["macs"] > plain.Metrics["macs"]);

        using var trained = TrainedArm.Load(_runs.Read(Text), directory, "simkd", 0, null);
        Assert.Equal(job.Metrics["top1"], trained.Evaluate(validation: false)["top1"], 1e-9);
        Assert.Equal(job.Metrics["nll"], trained.Evaluate(validation: false)["nll"], 1e-6);
        Assert.InRange(trained.ExportOnnx(_runs.File("again.onnx")).LargestDifference, 0, 1e-4);
        using var session = new OnnxSession(directory.OnnxFile);
        Assert.Equal(["logits"], session.Outputs);
        using var weights = new SafetensorsFile(directory.StudentFile);
        Assert.Contains(weights.Entries, entry => entry.Name == "head.classifier.weight");
        Assert.DoesNotContain(weights.Entries, entry => entry.Name == "student.fc.weight");
    }

    [Fact]
    public void Load_DeployedMethodWhoseLayersWereTuned_HasThoseThatWereChosen()
    {
        const string Text = """
            data: {dataset: digits, train_samples: 60}
            teacher: {model: small_cnn, channels: [6, 8]}
            student: {model: small_cnn, channels: [4, 4]}
            training: {epochs: 1, batch_size: 30}
            evaluation: {latency: false}
            objective: {hard_labels: 0, terms: [{method: simkd, student: layer2, teacher: layer2}], tuning: {terms.0.reduction: [4, 1]}}
            tuning: {learning_rate: [0.02, 0.05]}
            baselines: {plain: true}
            seeds: [0]
            """;
        var (_, directory, _) = _runs.Run(Text);
        var job = JobResult.Load(directory.JobResultFile("simkd", 0));
        Assert.Equal(2, job.Tuning.Count);

        using var trained = TrainedArm.Load(_runs.Read(Text), directory, "simkd", 0, null);

        Assert.Equal(job.Metrics["nll"], trained.Evaluate(validation: false)["nll"], 1e-6);
    }

    [Fact]
    public void Load_NoSeed_TakesTheExportedOneElseTheFirst()
    {
        const string Text = SmallRuns.Common + "teacher: {model: mlp, widths: [16]}\nobjective: {terms: [{method: soft_target}]}\nbaselines: {plain: true}\nseeds: [0, 1]\n";
        var (_, directory, _) = _runs.Run(Text);
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
            using var trained = TrainedArm.Load(_runs.Read(Text), directory, arm, seed, null);
            return trained.Seed;
        }
    }

    [Fact]
    public void Run_Again_TrainsNothingTwice()
    {
        var text = SmallRuns.Common + "baselines: {plain: true}\nobjective: {scheme: {scheme: self_distillation, heads: [hidden1]}}\nseeds: [0]\n";
        var (_, directory, _) = _runs.Run(text);
        // As a kill right after the result leaves them.
        Directory.CreateDirectory(directory.CheckpointFolder("plain", 0));
        var events = new RecordingSink();
        new Experiment(_runs.Read(text), directory, events).Run(TestContext.Current.CancellationToken);

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
        var (_, directory, events) = _runs.Run(
            SmallRuns.Common + """
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
        var (_, directory, events) = _runs.Run(
            SmallRuns.Common + """
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
        var (_, directory, events) = _runs.Run(
            SmallRuns.Common + "teacher: {model: mlp, widths: [16]}\nobjective: {terms: [{method: soft_target}]}\ntuning: {learning_rate: [1.0e+30, 0.1]}\nseeds: [0]\n");

        Assert.Equal(0, JobResult.Load(directory.JobResultFile("plain", 0)).Tuning[0].Validation);
        Assert.Equal([true, false], JobResult.Load(directory.JobResultFile("plain", 0)).Tuning.Select(trial => trial.Failed));
        Assert.Contains(events.OfType<NoteLogged>(), note => note.Level == "warning" && note.Message.Contains("plain: learning_rate 1E+30", StringComparison.Ordinal));
    }

    [Fact]
    public void Run_TrialThatDivergedBesideOneThatScores0_IsNotChosen()
    {
        var (_, _, events) = _runs.Run(
            SmallRuns.Common + "baselines: {plain: true}\nobjective: {scheme: {scheme: self_distillation, heads: [hidden1]}}\ntuning: {learning_rate: [1.0e+30, 0.1]}\nseeds: [0]\n",
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
        var (_, directory, _) = _runs.Run(
            (SmallRuns.Common + "baselines: {plain: true}\nobjective: {scheme: {scheme: self_distillation, heads: [hidden1]}}\nseeds: [0]\n")
                .Replace("dataset: digits", "dataset: digits, mean: [0.25], standard_deviation: [0.5]", StringComparison.Ordinal));

        var recorded = ModelVerifier.Verify(directory.WeightsFile("plain", 0)).Fields.ToDictionary(field => field.Key, field => field.Value);
        Assert.Equal("[0.25]", recorded[Provenance.Mean]);
        Assert.Equal("[0.5]", recorded[Provenance.Deviation]);
    }

    [Fact]
    public void Run_TeacherWithWeights_IsEvaluatedNotTrained()
    {
        var (_, first, _) = _runs.Run(SmallRuns.Common + "teacher: {model: mlp, widths: [16]}\nobjective: {terms: [{method: soft_target}]}\nseeds: [0]\n");
        var weights = _runs.File("given.safetensors");
        File.Copy(first.WeightsFile("teacher", 0), weights);

        var (_, second, events) = _runs.Run(SmallRuns.Common + "teacher: {model: mlp, widths: [16], weights: given.safetensors}\nobjective: {terms: [{method: soft_target}]}\nseeds: [0]\n");

        Assert.DoesNotContain(events.OfType<EpochEnded>(), epoch => epoch.Arm == "teacher");
        Assert.Equal(
            JobResult.Load(first.JobResultFile("teacher", 0)).Metrics["top1"], JobResult.Load(second.JobResultFile("teacher", 0)).Metrics["top1"]);
    }

    [Fact]
    public void Run_TeacherOfOtherClasses_NamesTheLayerAndBothShapes()
    {
        using (var network = new Mlp(new MlpOptions { Widths = [16] }, new DatasetInfo("other", [1, 8, 8], ["a", "b", "c"])))
        {
            Safetensors.Write(_runs.File("three.safetensors"), network);
        }

        var error = Assert.Throws<InvalidDataException>(() =>
            _runs.Run(SmallRuns.Common + "teacher: {model: mlp, widths: [16], weights: three.safetensors}\nobjective: {terms: [{method: soft_target}]}\n"));
        Assert.Contains("three.safetensors does not fit mlp", error.Message, StringComparison.Ordinal);
        Assert.Contains("fc.weight is [3, 16] in the file, [10, 16] in the network", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Run_OtherDataThanBefore_Refused()
    {
        var text = SmallRuns.Common + "objective: {scheme: {scheme: self_distillation, heads: [hidden1]}}\nseeds: [0]\n";
        var (_, directory, _) = _runs.Run(text);
        var changed = _runs.Read(text, ["data.train_samples=90"]);

        var error = Assert.Throws<InvalidDataException>(() => new Experiment(changed, directory, new RecordingSink()).Run(TestContext.Current.CancellationToken));
        Assert.Contains("train_sha256", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_ComputeMatchedWithoutItsParts_SaysWhatIsMissing()
    {
        var error = Assert.Throws<ConfigException>(() => _runs.Read(SmallRuns.Common + "teacher: {model: mlp, widths: [16]}\nobjective: {terms: [{method: soft_target}]}\nbaselines: {plain: false, compute_matched: true}\n"));
        Assert.Equal("baselines.compute_matched", Assert.Single(error.Errors).Path);
    }
}
