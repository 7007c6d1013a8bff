using System.Diagnostics;
using System.Globalization;
using DistillSharp.Config;
using DistillSharp.Data;
using DistillSharp.Export;
using DistillSharp.Recipes;
using DistillSharp.RunLog;
using DistillSharp.Runs;

namespace DistillSharp;

/// <summary>
/// Finds settings for every arm of a recipe on validation data: a teacher that is trained once, the same number of trials an arm, and a recipe with the best
/// of each. Finished trials are skipped and unfinished ones go on from their newest checkpoint, so running again is the same as resuming.
/// </summary>
public sealed class Sweep
{
    private readonly Recipe _recipe;
    private readonly RunDirectory _directory;
    private readonly IRunEventSink _events;
    private readonly ExperimentOptions _options;
    private readonly TimeProvider _clock;
    private readonly SweepPlan _plan;
    private readonly Dictionary<(string Arm, int Trial), IReadOnlyList<string>> _links = [];

    /// <summary>A sweep of <paramref name="recipe"/> in <paramref name="directory"/>.</summary>
    /// <exception cref="ConfigException">Something in its space cannot be tried.</exception>
    public Sweep(Recipe recipe, RunDirectory directory, IRunEventSink events, ExperimentOptions? options = null, TimeProvider? clock = null)
    {
        _recipe = recipe;
        _directory = directory;
        _events = events;
        _options = options ?? new ExperimentOptions();
        _clock = clock ?? TimeProvider.System;
        _plan = SweepPlan.Of(recipe);
    }

    /// <summary>Starts a new sweep: makes the directory and writes the recipe into it.</summary>
    /// <exception cref="IOException">The directory is taken or cannot be written.</exception>
    public static void Prepare(Recipe recipe, RunDirectory directory)
    {
        Experiment.Prepare(recipe, directory);
        File.WriteAllText(directory.SweepMarkerFile, "");
    }

    /// <summary>Runs every trial that is not finished, then writes the table and the recipe.</summary>
    /// <exception cref="OperationCanceledException">Interrupted; everything is saved.</exception>
    /// <exception cref="InvalidOperationException">No setting of an arm trained.</exception>
    public SweepResults Run(CancellationToken cancellation = default)
    {
        var watch = Stopwatch.StartNew();
        var outcome = "failed";
        _events.Write(new RunStarted(_recipe.Name, PendingJobs(), File.Exists(_directory.EventsFile) && Directory.Exists(Path.Combine(_directory.Path, "arms"))) { Time = _clock.GetUtcNow() });
        try
        {
            TorchRuntime.Configure(_recipe.Threads);
            var data = RunData.Load(_recipe, _options.DataFolder);
            data.CheckUnchanged(_directory);
            foreach (var remark in data.Remarks)
            {
                Forward(new NoteLogged("warning", remark) { Time = _clock.GetUtcNow() });
            }

            if (_options.Doctor)
            {
                new RunDoctor(_recipe, _directory, data, Forward, _clock).BeforeRun();
            }

            Try(data, _plan.Arms.Where(arm => arm.Name == ArmNames.Teacher), cancellation);
            TrainTeachers(data, cancellation);
            var students = _plan.Arms.Where(arm => arm.Name != ArmNames.Teacher).ToList();
            Try(data, students.Where(arm => !_plan.LearnsFromPlain(arm.Name)), cancellation);
            Try(data, students.Where(arm => _plan.LearnsFromPlain(arm.Name)), cancellation);
            var results = Finish();
            outcome = "finished";
            return results;
        }
        catch (OperationCanceledException)
        {
            outcome = "interrupted";
            throw;
        }
        finally
        {
            _events.Write(new RunEnded(outcome, watch.Elapsed.TotalSeconds) { Time = _clock.GetUtcNow() });
        }
    }

    /// <summary>Runs one trial, or a teacher, of a sweep that has been prepared: what a child process does.</summary>
    /// <exception cref="ArgumentException">There is no such trial.</exception>
    public void RunJob(string name, int seed, CancellationToken cancellation = default)
    {
        TorchRuntime.Configure(Experiment.ThreadsOfAChild);
        var data = RunData.Load(_recipe, _options.DataFolder);
        foreach (var (arm, trial) in _plan.Arms.SelectMany(arm => Enumerable.Range(0, arm.Trials.Count).Select(trial => (arm.Name, trial))).Where(job => SweepPlan.NameOf(job.Name, job.trial) == name))
        {
            Run(data, arm, trial, Experiment.ThreadsOfAChild, cancellation);
            return;
        }

        throw new ArgumentException($"no trial `{name}` with seed {seed} in this sweep; its arms are {string.Join(", ", _plan.Arms.Select(arm => arm.Name))}, with {_plan.Section.Trials} trials each");
    }

    private List<string> PendingJobs() =>
    [
        .. Teachers(Chosen().Recipe).Where(arm => !File.Exists(_directory.JobResultFile(arm.Name, arm.Seeds[0]))).Select(arm => JobResult.JobName(arm.Name, arm.Seeds[0])),
        .. _plan.Arms.SelectMany(arm => Enumerable.Range(0, arm.Trials.Count).SelectMany(trial => Links(arm.Name, trial)))
            .Where(link => !File.Exists(_directory.TrialFile(link, _plan.Section.Seed))).Select(link => JobResult.JobName(link, _plan.Section.Seed)),
    ];

    private IReadOnlyList<string> Links(string arm, int trial)
    {
        if (!_links.TryGetValue((arm, trial), out var links))
        {
            _links[(arm, trial)] = links = [.. _plan.TrialArms(arm, trial, new Dictionary<string, int>()).Select(link => link.Name)];
        }

        return links;
    }

    // Trial by trial, so that an interrupted sweep has tried as much of every arm.
    private void Try(RunData data, IEnumerable<SweepArm> arms, CancellationToken cancellation)
    {
        var all = Enumerable.Range(0, _plan.Section.Trials).SelectMany(trial => arms.Select(arm => (arm.Name, Trial: trial))).ToList();
        all.ForEach(job => CheckMeasured(job.Name, job.Trial));
        var jobs = all.Where(job => Result(job.Name, job.Trial) is null).ToList();
        if (_options.Jobs <= 1)
        {
            foreach (var (name, trial) in jobs)
            {
                Run(data, name, trial, _recipe.Threads, cancellation);
                CheckMeasured(name, trial);
            }

            return;
        }

        foreach (var job in jobs.DistinctBy(job => job.Name))
        {
            // Here and not in the jobs, which would measure beside each other.
            var links = _plan.TrialArms(job.Name, job.Trial, Chosen().Trials);
            var runner = Runner(data, links, Experiment.ThreadsOfAChild, cancellation);
            links.Where(link => link.Teacher is { } teacher && ArmNames.IsTeacher(teacher)).ToList().ForEach(runner.ChooseEngines);
        }

        SideBySide(jobs, cancellation).GetAwaiter().GetResult();
    }

    private async Task SideBySide(List<(string Arm, int Trial)> jobs, CancellationToken cancellation)
    {
        using var places = new SemaphoreSlim(_options.Jobs);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        await Task.WhenAll(jobs.Select(async job =>
        {
            await places.WaitAsync(stop.Token).ConfigureAwait(false);
            try
            {
                await _options.Launcher!.RunAsync(_directory, SweepPlan.NameOf(job.Arm, job.Trial), _plan.Section.Seed, Forward, stop.Token).ConfigureAwait(false);
                CheckMeasured(job.Arm, job.Trial);
            }
            catch (InvalidOperationException)
            {
                // Nothing that is still to be tried can be chosen from.
                await stop.CancelAsync().ConfigureAwait(false);
                throw;
            }
            finally
            {
                places.Release();
            }
        })).ConfigureAwait(false);
    }

    // As soon as a trial ends: when the best is chosen, all of them have been trained.
    private void CheckMeasured(string arm, int trial)
    {
        if (_plan.Section.Select is { } metric && Result(arm, trial) is { } result)
        {
            SweepResults.CheckMeasured(result, metric, _recipe.Metrics);
        }
    }

    private void Run(RunData data, string arm, int trial, int threads, CancellationToken cancellation)
    {
        var links = _plan.TrialArms(arm, trial, Chosen().Trials);
        var runner = Runner(data, links, threads, cancellation);
        foreach (var link in links)
        {
            cancellation.ThrowIfCancellationRequested();
            var isNeeded = link.Name != links[^1].Name || (arm == ArmNames.Plain && _plan.Arms.Any(each => _plan.LearnsFromPlain(each.Name)));
            if (runner.Try(link, _plan.Section.Seed, isNeeded, cancellation).Failure is not null)
            {
                break;
            }
        }
    }

    private JobRunner Runner(RunData data, IReadOnlyList<ArmPlan> links, int threads, CancellationToken cancellation)
    {
        var (trials, recipe) = Chosen();
        var plain = trials.TryGetValue(ArmNames.Plain, out var best) ? _plan.TrialArms(ArmNames.Plain, best, trials) : [];
        return new JobRunner(recipe, _directory, data, new ForwardSink(Forward), _clock, threads, cancellation, [.. Teachers(recipe), .. plain, .. links]);
    }

    // Once, with the teacher's own seed, whatever was tried of it before.
    private void TrainTeachers(RunData data, CancellationToken cancellation)
    {
        var recipe = Chosen().Recipe;
        var runner = new JobRunner(recipe, _directory, data, new ForwardSink(Forward), _clock, _recipe.Threads, cancellation);
        foreach (var arm in Teachers(recipe))
        {
            runner.Run(arm, arm.Seeds[0], cancellation);
        }
    }

    private static List<ArmPlan> Teachers(Recipe recipe) => [.. Arms.Of(recipe).Where(arm => ArmNames.IsTeacher(arm.Name)).Select(arm => arm with { Candidates = [] })];

    // What other arms build on: the best teacher and the best plain student, as far as their trials are finished.
    private (Dictionary<string, int> Trials, Recipe Recipe) Chosen()
    {
        var trials = new Dictionary<string, int>();
        foreach (var arm in _plan.Arms.Where(arm => arm.Name is ArmNames.Teacher or ArmNames.Plain))
        {
            var results = Enumerable.Range(0, arm.Trials.Count).Select(trial => Result(arm.Name, trial)).ToList();
            if (results.All(result => result is not null))
            {
                trials[arm.Name] = Best(arm.Name, results!);
            }
        }

        var teacher = trials.Where(entry => entry.Key == ArmNames.Teacher).ToDictionary();
        return (trials, _plan.With(teacher));
    }

    private int Best(string arm, IReadOnlyList<TrialResult> results) => SweepResults.Best(results, Metric(results), _recipe.Metrics)
        ?? throw new InvalidOperationException($"{arm}: no setting that the sweep tried trained; see the warnings for where each diverged or failed, and try a lower learning rate where they diverged");

    private string Metric(IReadOnlyList<TrialResult> results) => _plan.Section.Select ?? (results.FirstOrDefault(result => result.Failure is null) ?? results[0]).SelectionMetric;

    // Of a chain the last link decides, and it fails where an earlier one does.
    private TrialResult? Result(string arm, int trial)
    {
        TrialResult? last = null;
        var seconds = 0.0;
        foreach (var link in Links(arm, trial))
        {
            var file = _directory.TrialFile(link, _plan.Section.Seed);
            if (!File.Exists(file))
            {
                return null;
            }

            last = RunJson.Load<TrialResult>(file);
            seconds += last.Seconds;
            if (last.Failure is not null)
            {
                break;
            }
        }

        return last! with { Seconds = seconds };
    }

    private SweepResults Finish()
    {
        var rows = new List<SweepRow>();
        var chosen = new Dictionary<string, int>();
        var metric = "";
        foreach (var arm in _plan.Arms)
        {
            var results = Enumerable.Range(0, arm.Trials.Count).Select(trial => Result(arm.Name, trial)!).ToList();
            var best = chosen[arm.Name] = Best(arm.Name, results);
            metric = Metric(results);
            rows.AddRange(results.Select((result, i) => new SweepRow(arm.Name, i + 1, arm.Trials[i], result.Validation, result.Seconds, i == best, result.Failure)));
        }

        var table = new SweepResults(_recipe.Name, metric, _plan.Section.Seed, rows) { Metrics = _recipe.Metrics };
        table.Save(_directory.SweepFile);
        AtomicFile.WriteText(_directory.SweepTableFile, table.ToMarkdown());
        WriteRecipe(_directory.TunedRecipeFile, chosen, metric);
        return table;
    }

    private void WriteRecipe(string path, Dictionary<string, int> chosen, string metric)
    {
        var heading = string.Create(CultureInfo.InvariantCulture, $"# {_recipe.Name} with the best of {_plan.Section.Trials} trials an arm by validation {metric} (distill sweep, seed {_plan.Section.Seed}).\n");
        _plan.With(chosen).WriteTo(path, heading);
    }

    private void Forward(RunEvent runEvent)
    {
        lock (_events)
        {
            _events.Write(runEvent);
        }
    }

    private sealed class ForwardSink(Action<RunEvent> write) : IRunEventSink
    {
        public void Write(RunEvent runEvent) => write(runEvent);
    }
}
