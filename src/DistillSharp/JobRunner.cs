using DistillSharp.Data;
using DistillSharp.Export;
using DistillSharp.Export.Onnx;
using DistillSharp.Models;
using DistillSharp.Recipes;
using DistillSharp.RunLog;
using DistillSharp.Runs;
using DistillSharp.Teachers;
using DistillSharp.Training;

namespace DistillSharp;

/// <summary>Trains, evaluates and exports one arm with one seed, in this process. A finished job leaves <c>metrics.json</c>.</summary>
internal sealed class JobRunner
{
    private readonly Recipe _recipe;
    private readonly RunDirectory _directory;
    private readonly RunData _data;
    private readonly IRunEventSink _events;
    private readonly TimeProvider _clock;
    private readonly Trainer _trainer;
    private readonly ArmNetworks _networks;
    private readonly ArmJobs _jobs;
    private readonly ArmTuning _tuning;
    private readonly ArmMeasurement _measurement;

    public JobRunner(Recipe recipe, RunDirectory directory, RunData data, IRunEventSink events, TimeProvider clock, int threads, CancellationToken cancellation, IReadOnlyList<ArmPlan>? arms = null)
    {
        (_recipe, _directory, _data, _events, _clock) = (recipe, directory, data, events, clock);
        var device = TorchRuntime.Device(recipe.Device);
        _trainer = new Trainer(events, clock);
        _networks = new ArmNetworks(arms ?? Arms.Of(recipe), directory, data, device, threads, Note, cancellation);
        _jobs = new ArmJobs(data);
        _tuning = new ArmTuning(recipe, directory, data, _networks, _jobs, events, clock);
        _measurement = new ArmMeasurement(recipe, directory, data, _networks, device, threads);
    }

    /// <summary>Refuses to begin what builds on a job that failed, now or before the run was resumed. Asked once, before anything else is done for a job.</summary>
    /// <exception cref="InvalidOperationException">Such a job has no result; names it.</exception>
    public void CheckNeeds(ArmPlan arm, int seed)
    {
        IEnumerable<string?> needs = arm.Name == ArmNames.PlainMatched ? [ArmNames.Plain, _recipe.Objectives.Keys.First()] : [arm.Teacher, .. arm.Ensemble?.Members.Values ?? []];
        if (!File.Exists(_directory.JobResultFile(arm.Name, seed)) && needs.OfType<string>().FirstOrDefault(name => _networks.ResultOf(name, seed) is null) is { } missing)
        {
            throw new InvalidOperationException($"{JobResult.JobName(missing, _networks.Find(missing).SeedFor(seed))}, which it needs, has no result");
        }
    }

    /// <summary>Tries an arm's settings where that is still to be done, with what the job of the first seed would learn from.</summary>
    /// <exception cref="InvalidOperationException">That has no result, or no setting trained; the next call tries all of them again.</exception>
    public void Tune(ArmPlan arm, CancellationToken cancellation)
    {
        if (_tuning.IsPending(arm))
        {
            CheckNeeds(arm, _recipe.Seeds[0]);
            _tuning.Run(arm, cancellation);
        }
    }

    /// <summary>The arm's result, trained now or found finished. The results that it builds on are there (<see cref="CheckNeeds"/>).</summary>
    public JobResult Run(ArmPlan arm, int seed, CancellationToken cancellation)
    {
        var file = _directory.JobResultFile(arm.Name, seed);
        if (File.Exists(file))
        {
            // A kill between the result and this leaves them.
            DeleteCheckpoints(arm, seed);
            return JobResult.Load(file);
        }

        Directory.CreateDirectory(_directory.JobFolder(arm.Name, seed));
        var (result, seconds) = arm.Model is not null ? Train(Matched(arm, seed), seed, cancellation) : (_measurement.Untrained(arm, seed), 0);
        result.Save(file);
        DeleteCheckpoints(arm, seed);
        _events.Write(new JobEnded(arm.Name, seed, result.Metrics, seconds) { Time = _clock.GetUtcNow() });
        return result;
    }

    /// <summary>
    /// Trains an arm for a sweep: measured on the validation split alone, weights kept only where others learn from them. A finished trial is
    /// found again, an unfinished one goes on from its checkpoint.
    /// </summary>
    public TrialResult Try(ArmPlan arm, int seed, bool keepWeights, CancellationToken cancellation)
    {
        var file = _directory.TrialFile(arm.Name, seed);
        if (File.Exists(file))
        {
            DeleteCheckpoints(arm, seed);
            return RunJson.Load<TrialResult>(file);
        }

        Directory.CreateDirectory(_directory.JobFolder(arm.Name, seed));
        TrialResult result;
        try
        {
            result = Trial(arm, seed, keepWeights, cancellation);
        }
        catch (Exception error) when (FailedJobs.IsOfOneJob(error))
        {
            // A setting that does not train, or cannot be built, is an answer, and the worst.
            result = new TrialResult { Name = arm.Name, Failure = error.Message, SelectionMetric = _data.SelectionMetric };
            Warn($"{arm.Name}: {error.Message}");
        }

        RunJson.Save(file, result);
        DeleteCheckpoints(arm, seed);
        _events.Write(new JobEnded(arm.Name, seed, result.Validation.ToDictionary(entry => "validation_" + entry.Key, entry => entry.Value), result.Seconds) { Time = _clock.GetUtcNow() });
        return result;
    }

    private TrialResult Trial(ArmPlan arm, int seed, bool keepWeights, CancellationToken cancellation)
    {
        _data.Prepare(arm, seed, _networks, _directory, Note, cancellation);
        using var student = _networks.Create(arm, seed);
        using var teacher = _networks.TeacherOf(arm, seed);
        using var fake = ArmJobs.Rounding(arm, student);
        var outcome = Train(arm, arm.Plan, seed, student, teacher, fake, Keep, cancellation);
        return new TrialResult { Name = arm.Name, Validation = new Dictionary<string, double>(outcome.Validation), Seconds = outcome.State.Seconds, SelectionMetric = _data.SelectionMetric };

        void Keep(TrainingTask task)
        {
            if (keepWeights)
            {
                using var deployed = task.TakeDeployed();
                Safetensors.Write(_directory.WeightsFile(arm.Name, seed), deployed ?? student);
            }
        }
    }

    /// <summary>Chooses the engines of what teaches an arm, for jobs that will run side by side.</summary>
    public void ChooseEngines(ArmPlan arm) => _networks.ChooseEngines(arm);

    // The compute-matched plain arm with as many epochs as the first objective's CPU seconds pay for at the plain student's price; other arms as
    // they are. The number is stored, so that a resumed run obeys it.
    private ArmPlan Matched(ArmPlan arm, int seed)
    {
        if (arm.Name != ArmNames.PlainMatched)
        {
            return arm;
        }

        var file = Path.Combine(_directory.ArmFolder(arm.Name), $"epochs-seed-{seed}.json");
        if (!File.Exists(file))
        {
            var plain = JobResult.Load(_directory.JobResultFile(ArmNames.Plain, seed));
            var distilled = JobResult.Load(_directory.JobResultFile(_recipe.Objectives.Keys.First(), seed));
            var ratio = ArmMeasurement.ChainCost(distilled) / Math.Max(1e-9, plain.Metrics["cpu_seconds"]);
            RunJson.Save(file, Math.Max(1, (int)Math.Round(plain.Epochs * ratio)));
        }

        return arm with { Plan = Tuning.WithEpochs(arm.Plan, RunJson.Load<int>(file)) };
    }

    private (JobResult Result, double Seconds) Train(ArmPlan arm, int seed, CancellationToken cancellation)
    {
        var tuned = ArmTuning.Chosen(arm, _directory);
        var plan = tuned?.Plan ?? arm.Plan;
        _data.Prepare(arm, seed, _networks, _directory, Note, cancellation);
        using var student = _networks.Create(arm, seed);
        using var teacher = _networks.TeacherOf(arm, seed);
        var fingerprint = teacher?.Fingerprint();
        ProcessMemory.ResetPeak();
        var exits = new List<EarlyExit>();
        Network? deployed = null;
        TrainingOutcome outcome;
        using (var fake = ArmJobs.Rounding(arm, student))
        {
            outcome = Train(arm, plan, seed, student, teacher, fake, Keep, cancellation);
        }

        var peak = ProcessMemory.PeakMegabytes();
        if (teacher?.Fingerprint() != fingerprint)
        {
            throw new InvalidOperationException($"{JobResult.JobName(arm.Name, seed)}: the teacher's weights changed in training; nothing was kept");
        }

        var result = Finish(arm, plan, seed, deployed ?? student, outcome, peak, exits) with { Tuning = tuned?.Trials ?? [] };
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

    private TrainingOutcome Train(ArmPlan arm, ObjectivePlan plan, int seed, Network student, Teacher? teacher, FakeQuantiser? fake, Action<TrainingTask> finished, CancellationToken cancellation)
    {
        if (!arm.IsTrained)
        {
            return new TrainingOutcome(new TrainingState(), _data.Validate(student), 0);
        }

        var keep = plan.Stages.Max(stage => stage.Training.KeepCheckpoints);
        var checkpoints = new CheckpointStore(_directory.CheckpointFolder(arm.Name, seed), keep, Warn);
        var steps = StageRun.StepsPerEpoch(plan.Stages[0], _data.Source(arm, plan.Stages[0], seed));
        _events.Write(new JobStarted(arm.Name, seed, plan.Epochs, steps) { Time = _clock.GetUtcNow() });
        var job = _jobs.Create(arm, plan, seed, student, teacher, fake, checkpoints) with
        {
            Finished = finished,
        };
        return _trainer.Run(job, cancellation);
    }

    private JobResult Finish(ArmPlan arm, ObjectivePlan plan, int seed, Network network, TrainingOutcome outcome, double peak, List<EarlyExit> exits)
    {
        var artefacts = new StudentWriter(_recipe, _directory, _data, _networks, Warn).Write(arm, seed, network, exits);
        var (validation, measured) = artefacts.Int8File is { } file
            ? _measurement.OfIntegers(arm, seed, file)
            : (outcome.Validation, _measurement.Trained(arm, seed, network));
        var metrics = measured.Metrics;
        metrics["cpu_seconds"] = outcome.State.CpuSeconds;
        metrics["teacher_cpu_seconds"] = outcome.State.Seconds > 0 ? outcome.State.CpuSeconds * outcome.State.TeacherSeconds / outcome.State.Seconds : 0;
        if (arm.Teacher is { } name and not ArmNames.Teacher && _networks.ResultOf(name, seed) is { } before)
        {
            metrics["chain_cpu_seconds"] = outcome.State.CpuSeconds + ArmMeasurement.ChainCost(before);
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
            Validation = new Dictionary<string, double>(validation),
            Predictions = measured.Predictions,
            Counts = measured.Counts,
            PerClass = measured.PerClass,
            Epochs = plan.Epochs,
            Steps = outcome.State.Step,
            SelectedEpoch = outcome.SelectedEpoch,
            TeacherUnchanged = true,
            WeightsSha256 = artefacts.WeightsSha256,
        };
    }

    // Schemes without a teacher distil even where they have no terms.
    private static bool LearnsFromLabelsAlone(ObjectivePlan plan) =>
        plan.Scheme.Entry.NeedsTeacher && plan.Stages.All(stage => stage.Terms.Count == 0) && (plan.Targets ?? (object?)plan.FromLayers) is null;

    private void DeleteCheckpoints(ArmPlan arm, int seed)
    {
        if (Directory.Exists(_directory.CheckpointFolder(arm.Name, seed)))
        {
            Directory.Delete(_directory.CheckpointFolder(arm.Name, seed), recursive: true);
        }
    }

    private void Note(string text) => _events.Write(new NoteLogged("info", text) { Time = _clock.GetUtcNow() });

    private void Warn(string text) => _events.Write(new NoteLogged("warning", text) { Time = _clock.GetUtcNow() });
}
