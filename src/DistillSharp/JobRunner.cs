using DistillSharp.Config;
using DistillSharp.Data;
using DistillSharp.Evaluation;
using DistillSharp.Export;
using DistillSharp.Export.Onnx;
using DistillSharp.Models;
using DistillSharp.Recipes;
using DistillSharp.RunLog;
using DistillSharp.Runs;
using DistillSharp.Teachers;
using DistillSharp.Training;
using TorchSharp;

namespace DistillSharp;

/// <summary>Trains, evaluates and exports one arm with one seed, in this process. A finished job leaves <c>metrics.json</c>.</summary>
internal sealed class JobRunner(Recipe recipe, RunDirectory directory, RunData data, IRunEventSink events, TimeProvider clock, int threads, CancellationToken cancellation, IReadOnlyList<ArmPlan>? arms = null)
{
    private const float LogitOfNone = 10;

    private readonly Trainer _trainer = new(events, clock);
    private readonly torch.Device _device = TorchRuntime.Device(recipe.Device);
    private readonly ArmNetworks _networks = new(
        arms ?? Arms.Of(recipe), directory, data, TorchRuntime.Device(recipe.Device), threads,
        note => events.Write(new NoteLogged("info", note) { Time = clock.GetUtcNow() }), cancellation);

    /// <summary>The arm's result, trained now or found finished.</summary>
    public JobResult Run(ArmPlan arm, int seed, CancellationToken cancellation)
    {
        var file = directory.JobResultFile(arm.Name, seed);
        if (File.Exists(file))
        {
            return JobResult.Load(file);
        }

        CheckNeeds(arm, seed);
        Directory.CreateDirectory(directory.JobFolder(arm.Name, seed));
        var (result, seconds) = arm.Model is not null ? Train(arm, seed, cancellation) : (MeasureOnly(arm, seed), 0);
        result.Save(file);
        if (Directory.Exists(directory.CheckpointFolder(arm.Name, seed)))
        {
            Directory.Delete(directory.CheckpointFolder(arm.Name, seed), recursive: true);
        }

        events.Write(new JobEnded(arm.Name, seed, result.Metrics, seconds) { Time = clock.GetUtcNow() });
        return result;
    }

    /// <summary>Refuses to begin what builds on a job that failed, now or before the run was resumed.</summary>
    /// <exception cref="InvalidOperationException">Such a job has no result; names it.</exception>
    public void CheckNeeds(ArmPlan arm, int seed)
    {
        IEnumerable<string?> needs = arm.Name == ArmNames.PlainMatched ? [ArmNames.Plain, recipe.Objectives.Keys.First()] : [arm.Teacher, .. arm.Ensemble?.Members.Values ?? []];
        if (!File.Exists(directory.JobResultFile(arm.Name, seed)) && needs.OfType<string>().FirstOrDefault(name => _networks.ResultOf(name, seed) is null) is { } missing)
        {
            throw new InvalidOperationException($"{JobResult.JobName(missing, _networks.Find(missing).SeedFor(seed))}, which it needs, has no result");
        }
    }

    private (JobResult Result, double Seconds) Train(ArmPlan arm, int seed, CancellationToken cancellation)
    {
        var plan = Tuned(arm)?.Plan ?? arm.Plan;
        data.Prepare(arm, seed, _networks, directory, Note, cancellation);
        using var student = _networks.Create(arm, seed);
        using var teacher = _networks.TeacherOf(arm, seed);
        var fingerprint = teacher?.Fingerprint();
        ProcessMemory.ResetPeak();
        var exits = new List<EarlyExit>();
        Network? deployed = null;
        var fake = Rounding(arm, student);
        var outcome = Train(arm, plan, seed, student, teacher, fake, Keep, cancellation);
        fake?.Dispose();
        var peak = ProcessMemory.PeakMegabytes();
        if (teacher?.Fingerprint() != fingerprint)
        {
            throw new InvalidOperationException($"{arm.Name}/seed-{seed}: the teacher's weights changed in training; nothing was kept");
        }

        var result = Finish(arm, plan, seed, deployed ?? student, outcome, peak, exits);
        exits.SelectMany(exit => exit.Layers).ToList().ForEach(layer => layer.Dispose());
        deployed?.Dispose();
        return (result, outcome.State.Seconds);

        // What outlives the task.
        void Keep(TrainingTask task)
        {
            exits.AddRange(task is SelfDistillationTask self ? self.TakeExits() : []);
            deployed = task.TakeDeployed();
        }
    }

    /// <summary>Tries the tuning grid for an arm on validation data and remembers each trial; goes on where it was interrupted, and does nothing where all is done.</summary>
    /// <exception cref="InvalidOperationException">No setting trained; the next call tries all of them again.</exception>
    public void Tune(ArmPlan arm, CancellationToken cancellation)
    {
        // Of one setting there is nothing to choose.
        if (arm.Candidates.Count <= 1 || arm.Name == ArmNames.PlainMatched || File.Exists(TuningFile(arm)))
        {
            return;
        }

        CheckNeeds(arm, recipe.Seeds[0]);
        var partial = Path.Combine(directory.ArmFolder(arm.Name), "tuning.partial.json");
        var trials = File.Exists(partial) ? RunJson.Load<List<TuningTrial>>(partial) : [];
        foreach (var candidate in arm.Candidates.Skip(trials.Count))
        {
            var seed = recipe.Tuning!.Seed;
            data.Prepare(arm, seed, _networks, directory, Note, cancellation);
            // What teaches the trials is the first seed's, and so are the sequences of its store.
            data.Prepare(arm, recipe.Seeds[0], _networks, directory, Note, cancellation);
            using var student = _networks.Create(arm, seed);
            using var teacher = _networks.TeacherOf(arm, recipe.Seeds[0]);
            using var fake = Rounding(arm, student);
            var job = CreateJob(arm, candidate.Plan, seed, student, teacher, fake, checkpoints: null);
            var settings = string.Join(", ", candidate.Settings.Select(setting => $"{setting.Key} {setting.Value}"));
            try
            {
                var validation = new Trainer(new SilentSink(), clock).Run(job, cancellation).Validation[data.SelectionMetric];
                trials.Add(new TuningTrial(candidate.Settings, validation));
                RunJson.Save(partial, trials);
                events.Write(new NoteLogged("info", $"{arm.Name}: {settings} → validation {(data.SelectionMetric == "top1" ? $"{validation:P2}" : $"{validation:0.00}")}") { Time = clock.GetUtcNow() });
            }
            catch (TrainingDivergedException diverged)
            {
                // A setting that does not train is an answer, and the worst.
                trials.Add(new TuningTrial(candidate.Settings, 0) { Failed = true });
                RunJson.Save(partial, trials);
                events.Write(new NoteLogged("warning", $"{arm.Name}: {settings} → {diverged.Message}") { Time = clock.GetUtcNow() });
            }
        }

        if (trials.All(trial => trial.Failed))
        {
            File.Delete(partial);
            throw new InvalidOperationException($"{arm.Name}: no setting of its tuning trained; see the warnings for where each diverged");
        }

        RunJson.Save(TuningFile(arm), trials);
        File.Delete(partial);
    }

    /// <summary>
    /// Trains an arm for a sweep: measured on the validation split alone, weights kept only where others learn from them. A finished trial is
    /// found again, an unfinished one goes on from its checkpoint.
    /// </summary>
    public TrialResult Try(ArmPlan arm, int seed, bool keepWeights, CancellationToken cancellation)
    {
        var file = directory.TrialFile(arm.Name, seed);
        if (File.Exists(file))
        {
            return RunJson.Load<TrialResult>(file);
        }

        Directory.CreateDirectory(directory.JobFolder(arm.Name, seed));
        data.Prepare(arm, seed, _networks, directory, Note, cancellation);
        using var student = _networks.Create(arm, seed);
        using var teacher = _networks.TeacherOf(arm, seed);
        TrialResult result;
        try
        {
            using var fake = Rounding(arm, student);
            var outcome = Train(arm, arm.Plan, seed, student, teacher, fake, Keep, cancellation);
            result = new TrialResult { Name = arm.Name, Validation = new Dictionary<string, double>(outcome.Validation), Seconds = outcome.State.Seconds, SelectionMetric = data.SelectionMetric };
        }
        catch (TrainingDivergedException diverged)
        {
            // A setting that does not train is an answer, and the worst.
            result = new TrialResult { Name = arm.Name, Failure = diverged.Message, SelectionMetric = data.SelectionMetric };
            events.Write(new NoteLogged("warning", $"{arm.Name}: {diverged.Message}") { Time = clock.GetUtcNow() });
        }

        RunJson.Save(file, result);
        if (Directory.Exists(directory.CheckpointFolder(arm.Name, seed)))
        {
            Directory.Delete(directory.CheckpointFolder(arm.Name, seed), recursive: true);
        }

        events.Write(new JobEnded(arm.Name, seed, result.Validation.ToDictionary(entry => "validation_" + entry.Key, entry => entry.Value), result.Seconds) { Time = clock.GetUtcNow() });
        return result;

        void Keep(TrainingTask task)
        {
            if (keepWeights)
            {
                using var deployed = task.TakeDeployed();
                Safetensors.Write(directory.WeightsFile(arm.Name, seed), deployed ?? student);
            }
        }
    }

    /// <summary>Chooses the engines of what teaches an arm, for jobs that will run side by side.</summary>
    public void ChooseEngines(ArmPlan arm) => _networks.ChooseEngines(arm);

    /// <summary>
    /// The compute-matched plain arm with as many epochs as the first objective's CPU seconds pay for at the plain student's price;
    /// other arms as they are. The number is stored, so that a resumed run obeys it.
    /// </summary>
    public ArmPlan Matched(ArmPlan arm, int seed)
    {
        if (arm.Name != ArmNames.PlainMatched)
        {
            return arm;
        }

        var file = Path.Combine(directory.ArmFolder(arm.Name), $"epochs-seed-{seed}.json");
        if (!File.Exists(file))
        {
            CheckNeeds(arm, seed);
            var plain = JobResult.Load(directory.JobResultFile(ArmNames.Plain, seed));
            var distilled = JobResult.Load(directory.JobResultFile(recipe.Objectives.Keys.First(), seed));
            var ratio = ChainCost(distilled) / Math.Max(1e-9, plain.Metrics["cpu_seconds"]);
            RunJson.Save(file, Math.Max(1, (int)Math.Round(plain.Epochs * ratio)));
        }

        return arm with { Plan = Tuning.WithEpochs(arm.Plan, RunJson.Load<int>(file)) };
    }

    private string TuningFile(ArmPlan arm) => Path.Combine(directory.ArmFolder(arm.Name), "tuning.json");

    private (ObjectivePlan Plan, List<TuningTrial> Trials)? Tuned(ArmPlan arm)
    {
        if (arm.Name == ArmNames.PlainMatched)
        {
            // The plain student's settings, for as many epochs as its cost allows.
            return Tuned(arm with { Name = ArmNames.Plain }) is { } plain ? (Tuning.WithEpochs(plain.Plan, arm.Plan.Epochs), plain.Trials) : null;
        }

        if (arm.Candidates is [var only])
        {
            return (only.Plan, []);
        }

        if (!File.Exists(TuningFile(arm)))
        {
            return null;
        }

        // The first of equals: grids are written from cheap to dear. One that trained is better than one that did not, even where it scores 0.
        var trials = RunJson.Load<List<TuningTrial>>(TuningFile(arm));
        var best = trials.Select((trial, i) => (HasTrained: !trial.Failed, trial.Validation, Index: i)).MaxBy(entry => (entry.HasTrained, entry.Validation, -entry.Index)).Index;
        return (arm.Candidates[best].Plan, trials);
    }

    private TrainingOutcome Train(ArmPlan arm, ObjectivePlan plan, int seed, Network student, Teacher? teacher, FakeQuantiser? fake, Action<TrainingTask> finished, CancellationToken cancellation)
    {
        if (!arm.IsTrained)
        {
            return new TrainingOutcome(new TrainingState(), data.Validate(student), 0);
        }

        var keep = plan.Stages.Max(stage => stage.Training.KeepCheckpoints);
        var checkpoints = new CheckpointStore(directory.CheckpointFolder(arm.Name, seed), keep, message => events.Write(new NoteLogged("warning", message) { Time = clock.GetUtcNow() }));
        events.Write(new JobStarted(arm.Name, seed, plan.Epochs, StepsPerEpoch(plan.Stages[0], seed, arm)) { Time = clock.GetUtcNow() });
        var job = CreateJob(arm, plan, seed, student, teacher, fake, checkpoints) with
        {
            Finished = finished,
        };
        return _trainer.Run(job, cancellation);
    }

    private int StepsPerEpoch(StagePlan stage, int seed, ArmPlan arm) =>
        (data.Source(arm, stage, seed).BatchCount + stage.Training.Accumulate - 1) / stage.Training.Accumulate;

    private TrainingJob CreateJob(ArmPlan arm, ObjectivePlan plan, int seed, Network student, Teacher? teacher, FakeQuantiser? fake, CheckpointStore? checkpoints) => new(
        arm.Name, seed, plan, student,
        stage => Source(arm, plan, stage, seed),
        (stage, probe, source) => OnPolicy(plan, plan.Scheme.Entry.CreateTask(plan.Scheme.Options, new TaskContext(student, arm.Model!, teacher, stage, probe, source))),
        data.Validate,
        checkpoints)
    {
        SelectionMetric = data.SelectionMetric,
        BeforeStep = fake is null ? null : fake.Restore,
    };

    // A look ahead may take other batches for those to come; training may not.
    private IBatchSource Source(ArmPlan arm, ObjectivePlan plan, StagePlan stage, int seed) => data.IsPrepared(arm, seed)
        ? data.Source(arm, stage, seed, plan.Scheme.Entry.Partner, arm.SeesFixedViews)
        : throw new InvalidOperationException($"{arm.Name}/seed-{seed}: what its teacher writes was not made before its training, which would be on the originals");

    // Students alone: what they learn from stays as it is.
    private FakeQuantiser? Rounding(ArmPlan arm, Network student) => recipe.QuantisesStudent && !arm.IsTeacher ? new FakeQuantiser(student) : null;

    private JobResult Finish(ArmPlan arm, ObjectivePlan plan, int seed, Network network, TrainingOutcome outcome, double peak, List<EarlyExit> exits)
    {
        var artefacts = new StudentWriter(recipe, directory, data, _networks, Note).Write(arm, seed, network, exits);
        var int8 = artefacts.Int8File is { } file ? Int8Logits(file) : default;
        var measured = WithAgreement(arm, seed, artefacts.Int8File is null ? data.Measure(network, directory.JobFolder(arm.Name, seed)) : ((ClassificationData)data).Measure(int8.Validation, int8.Test));
        var metrics = measured.Metrics;
        metrics["cpu_seconds"] = outcome.State.CpuSeconds;
        metrics["teacher_cpu_seconds"] = outcome.State.Seconds > 0 ? outcome.State.CpuSeconds * outcome.State.TeacherSeconds / outcome.State.Seconds : 0;
        if (arm.Teacher is { } name and not ArmNames.Teacher && _networks.ResultOf(name, seed) is { } before)
        {
            metrics["chain_cpu_seconds"] = outcome.State.CpuSeconds + ChainCost(before);
        }

        metrics["peak_mb"] = peak;
        foreach (var (key, value) in artefacts.Metrics)
        {
            metrics[key] = value;
        }

        return new JobResult
        {
            Arm = arm.Name,
            Seed = seed,
            IsTeacher = arm.IsTeacher,
            IsControl = !arm.IsTeacher && ArmNames.IsDistilled(arm.Name) && LearnsFromLabelsAlone(plan),
            Metrics = metrics,
            Validation = artefacts.Int8File is null
                ? new Dictionary<string, double>(outcome.Validation)
                : ClassificationMetrics.Compute(int8.Validation.Logits, int8.Validation.Labels, int8.Validation.Classes).Metrics,
            Predictions = measured.Predictions,
            Counts = measured.Counts,
            PerClass = measured.PerClass,
            Epochs = plan.Epochs,
            Steps = outcome.State.Step,
            SelectedEpoch = outcome.SelectedEpoch,
            TeacherUnchanged = true,
            WeightsSha256 = artefacts.WeightsSha256,
            Tuning = Tuned(arm)?.Trials ?? [],
        };
    }

    // What is deployed is measured: the file of integers, not the network that learned to bear it.
    private (SplitLogits Validation, SplitLogits Test) Int8Logits(string file)
    {
        using var session = new OnnxSession(file, threads);
        return (Evaluator.Logits(session, data.Validation), Evaluator.Logits(session, data.Test));
    }

    // An ensemble or a file: nothing is trained. Members cost and weigh what they do together.
    private JobResult MeasureOnly(ArmPlan arm, int seed)
    {
        var (validation, test, covered) = Measured(arm, seed);
        var measured = WithAgreement(arm, seed, test);
        if (arm.Source?.File is { } file)
        {
            measured.Metrics["bytes"] = new FileInfo(file).Length;
        }

        var members = arm.Ensemble?.Members.Values.Select(name => _networks.ResultOf(name, seed)!).ToList() ?? [];
        foreach (var key in new[] { "parameters", "macs", "bytes", "cpu_seconds" }.Where(key => members.Count > 0 && members.All(member => member.Metrics.ContainsKey(key))))
        {
            measured.Metrics[key] = members.Sum(member => member.Metrics[key]);
        }

        if (!arm.IsTeacher)
        {
            measured.Metrics["chain_cpu_seconds"] = ChainCost(members[^1]);
        }

        return new JobResult
        {
            Arm = arm.Name,
            Seed = seed,
            IsTeacher = arm.IsTeacher,
            Metrics = measured.Metrics,
            Validation = new Dictionary<string, double>(validation),
            Predictions = measured.Predictions,
            PerClass = measured.PerClass,
            Counts = measured.Counts,
            Notes = [.. Notes(arm, covered)],
        };
    }

    private (IReadOnlyDictionary<string, double> Validation, MeasuredNetwork Test, IReadOnlyList<int>? Covered) Measured(ArmPlan arm, int seed)
    {
        if (data is ClassificationData labelled)
        {
            var (validation, covered) = LogitsOf(arm, seed, StoredSplit.Validation, data.Validation);
            var metrics = ClassificationMetrics.Compute(validation.Logits, validation.Labels, validation.Classes).Metrics;
            return (metrics, labelled.Measure(validation, LogitsOf(arm, seed, StoredSplit.Test, data.Test).Logits), covered);
        }

        using var teacher = _networks.LoadToMeasure(arm, seed, StoredSplit.Test);
        using var opened = teacher.Open([]);
        var measured = data.Measure(opened);
        return (measured.Validation, measured.Test, null);
    }

    private (SplitLogits Logits, IReadOnlyList<int>? Covered) LogitsOf(ArmPlan arm, int seed, StoredSplit split, IBatchSource source)
    {
        using var teacher = _networks.LoadToMeasure(arm, seed, split);
        using var opened = teacher.Open([]);
        return (AllClasses(teacher, Evaluator.Logits(opened, source, _device)), teacher.CoveredClasses);
    }

    private IEnumerable<string> Notes(ArmPlan arm, IReadOnlyList<int>? covered)
    {
        if (arm.Ensemble is { Combiner: { ReadsLabels: true } combiner })
        {
            yield return $"{ConfigBinder.SnakeCase(combiner.Combine.ToString())} reads labels, which it may in training; on validation and test data it is measured as the mean of its members' probabilities.";
        }

        if (covered is not null)
        {
            var lacking = data.Info.Classes.Where((_, i) => !covered.Contains(i));
            yield return $"The teacher has no output for {string.Join(", ", lacking.Take(12))}: all such samples count as its errors, and its nll over them says nothing.";
        }
    }

    // A class that the teacher lacks is never its prediction; its probability is small and not 0, so that nll stays a number.
    private SplitLogits AllClasses(Teacher teacher, SplitLogits split)
    {
        if (teacher.CoveredClasses is not { } covered)
        {
            return split;
        }

        var classes = data.Info.Classes.Count;
        var logits = new float[split.Labels.Length * classes];
        for (var row = 0; row < split.Labels.Length; row++)
        {
            var own = split.Logits.AsSpan(row * split.Classes, split.Classes);
            var whole = logits.AsSpan(row * classes, classes);
            whole.Fill(own.ToArray().Min() - LogitOfNone);
            for (var i = 0; i < covered.Count; i++)
            {
                whole[covered[i]] = own[i];
            }
        }

        return new SplitLogits(logits, split.Labels, classes);
    }

    // Schemes without a teacher distil even where they have no terms.
    private static bool LearnsFromLabelsAlone(ObjectivePlan plan) =>
        plan.Scheme.Entry.NeedsTeacher && plan.Stages.All(stage => stage.Terms.Count == 0) && (plan.Targets ?? (object?)plan.FromLayers) is null;

    private static TrainingTask OnPolicy(ObjectivePlan plan, TrainingTask task) => plan.Targets is { By: TargetWriter.Student } options ? new OnPolicyTask(task, options) : task;

    private void Note(string text) => events.Write(new NoteLogged("info", text) { Time = clock.GetUtcNow() });

    private static double ChainCost(JobResult job) => job.Metrics.TryGetValue("chain_cpu_seconds", out var chain) ? chain : job.Metrics["cpu_seconds"];

    private MeasuredNetwork WithAgreement(ArmPlan arm, int seed, MeasuredNetwork measured)
    {
        if (measured.Predictions.Length > 0 && !arm.IsTeacher && recipe.HasTeacher)
        {
            measured.Metrics["agreement"] = ClassificationMetrics.Agreement(measured.Predictions, _networks.ResultOf(ArmNames.Teacher, seed)!.Predictions);
        }

        return measured;
    }
}
