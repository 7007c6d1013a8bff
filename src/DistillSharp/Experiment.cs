using System.Diagnostics;
using DistillSharp.Config;
using DistillSharp.Data;
using DistillSharp.Export;
using DistillSharp.Recipes;
using DistillSharp.RunLog;
using DistillSharp.Runs;

namespace DistillSharp;

/// <summary>How a run is carried out, beside what its recipe says.</summary>
public sealed record ExperimentOptions
{
    /// <summary>Jobs (arm × seed) side by side, each a process with one thread; 1 runs them one after another in this process.</summary>
    public int Jobs { get; init; } = 1;

    /// <summary>Folder that is searched for datasets first.</summary>
    public string? DataFolder { get; init; }

    /// <summary>The command that repeats the run, for the results.</summary>
    public string Command { get; init; } = "";

    /// <summary>Examine the recipe first, and each teacher before students learn from it. Warnings are events; a fault ends the run.</summary>
    public bool Doctor { get; init; }

    /// <summary>Starts one job in a process of its own and forwards its events; needed where <see cref="Jobs"/> is above 1.</summary>
    public IJobLauncher? Launcher { get; init; }
}

/// <summary>Runs one job of a run directory in another process.</summary>
public interface IJobLauncher
{
    /// <summary>Completes when the job has; its events go to <paramref name="events"/>.</summary>
    /// <param name="directory">The run directory.</param>
    /// <param name="arm">Arm name.</param>
    /// <param name="seed">Seed; null tunes the arm instead.</param>
    /// <param name="events">Receives the job's events; called from any thread.</param>
    /// <param name="cancellation">Interrupts the job, which then saves.</param>
    Task RunAsync(RunDirectory directory, string arm, int? seed, Action<RunEvent> events, CancellationToken cancellation);
}

/// <summary>
/// The composition root: a checked recipe in, a finished run directory out. Jobs that are finished are skipped, unfinished
/// ones go on from their newest checkpoint, so running again after a crash is the same as resuming.
/// </summary>
public sealed class Experiment
{
    /// <summary>Threads of a job in a process of its own.</summary>
    internal const int ThreadsOfAChild = 1;

    private readonly Recipe _recipe;
    private readonly RunDirectory _directory;
    private readonly IRunEventSink _events;
    private readonly ExperimentOptions _options;
    private readonly TimeProvider _clock;
    private readonly IReadOnlyList<ArmPlan> _arms;

    /// <summary>A run of <paramref name="recipe"/> in <paramref name="directory"/>.</summary>
    public Experiment(Recipe recipe, RunDirectory directory, IRunEventSink events, ExperimentOptions? options = null, TimeProvider? clock = null)
    {
        _recipe = recipe;
        _directory = directory;
        _events = events;
        _options = options ?? new ExperimentOptions();
        _clock = clock ?? TimeProvider.System;
        _arms = Arms.Of(recipe);
    }

    /// <summary>Starts a new run: makes the directory and writes the recipe, under its name, into it.</summary>
    /// <exception cref="IOException">The directory is taken or cannot be written.</exception>
    public static void Prepare(Recipe recipe, RunDirectory directory)
    {
        directory.Create();
        EnvironmentInfo.Capture(recipe.Threads).Save(directory.EnvironmentFile);
        AtomicFile.WriteText(directory.RecipeFolderFile, recipe.Folder);
        // Without its name a run would be called by its directory, whose name is another.
        AtomicFile.WriteText(directory.RecipeFile, YamlConfig.Write(recipe.NamedSource));
    }

    /// <summary>Runs every job that is not finished and writes the comparison: of all at the end, of those there are before each seed and where it is interrupted.</summary>
    /// <exception cref="OperationCanceledException">Interrupted; everything is saved.</exception>
    /// <exception cref="JobsFailedException">Students failed by themselves; everything else is done, compared and exported.</exception>
    /// <exception cref="Doctor.DoctorFaultException">The doctor was asked for and found what would make the run worthless.</exception>
    public RunResults Run(CancellationToken cancellation = default)
    {
        var watch = Stopwatch.StartNew();
        using var time = WorkingTime.OfRun(_directory, _clock);
        var resumed = _arms.Any(arm => arm.Seeds.Any(seed => Directory.Exists(_directory.JobFolder(arm.Name, seed))));
        _events.Write(new RunStarted(_recipe.Name, PlannedJobs(_ => true), resumed) { Time = _clock.GetUtcNow(), Finished = PlannedJobs(File.Exists) });
        var outcome = "failed";
        try
        {
            TorchRuntime.Configure(_recipe.Threads);
            var data = RunData.Load(_recipe, _options.DataFolder);
            data.CheckUnchanged(_directory);
            foreach (var remark in data.Remarks)
            {
                Forward(new NoteLogged("warning", remark) { Time = _clock.GetUtcNow() });
            }

            // A run that began without the doctor is finished without.
            var doctor = _options.Doctor && (!resumed || File.Exists(_directory.DoctorFile)) ? new RunDoctor(_recipe, _directory, data, Forward, _clock) : null;
            doctor?.BeforeRun();
            var finisher = new RunFinisher(_recipe, _directory, data, _options, time);
            var failed = new FailedJobs(message => Forward(new NoteLogged("warning", message) { Time = _clock.GetUtcNow() }));
            void Report() => finisher.WriteProgress(_arms);
            try
            {
                if (_options.Jobs > 1)
                {
                    RunSideBySide(data, doctor, failed, Report, cancellation).GetAwaiter().GetResult();
                }
                else
                {
                    RunOneByOne(data, doctor, failed, Report, cancellation);
                }
            }
            catch (OperationCanceledException)
            {
                Report();
                throw;
            }

            var results = finisher.HasFinished(_arms) ? finisher.Finish(_arms) : null;
            failed.ThrowIfAny(results);
            outcome = "finished";
            return results!;
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

    /// <summary>Runs one job of a run that has been prepared, or tunes one arm where no seed is given: what a child process does.</summary>
    /// <exception cref="ArgumentException">There is no such arm; the message lists those there are.</exception>
    public void RunJob(string armName, int? seed, CancellationToken cancellation = default)
    {
        TorchRuntime.Configure(ThreadsOfAChild);
        var arm = _arms.FirstOrDefault(each => each.Name == armName)
            ?? throw new ArgumentException($"no arm `{armName}`; {NearestName.Hint(armName, _arms.Select(each => each.Name))}");
        using var time = WorkingTime.OfJob(_directory, armName, seed, _clock);
        var runner = new JobRunner(_recipe, _directory, RunData.Load(_recipe, _options.DataFolder), _events, _clock, ThreadsOfAChild, cancellation);
        if (seed is { } number)
        {
            runner.CheckNeeds(arm, number);
            runner.Run(arm, number, cancellation);
        }
        else
        {
            runner.Tune(arm, cancellation);
        }
    }

    private List<string> PlannedJobs(Func<string, bool> result) =>
        [.. _arms.SelectMany(arm => arm.Seeds.Where(seed => result(_directory.JobResultFile(arm.Name, seed))).Select(seed => JobResult.JobName(arm.Name, seed)))];

    private void RunOneByOne(RunData data, RunDoctor? doctor, FailedJobs failed, Action report, CancellationToken cancellation)
    {
        var runner = new JobRunner(_recipe, _directory, data, _events, _clock, _recipe.Threads, cancellation);
        foreach (var arm in _arms.Where(arm => arm.IsTeacher))
        {
            doctor?.BeforeArm(arm);
            runner.Tune(arm, cancellation);
            foreach (var seed in arm.Seeds)
            {
                runner.Run(arm, seed, cancellation);
            }
        }

        // Seed by seed, so that an interrupted run has whole rows to compare. An arm is tuned when what it learns from is there.
        foreach (var seed in _recipe.Seeds)
        {
            report();
            foreach (var arm in _arms.Where(arm => !arm.IsTeacher))
            {
                if (failed.IsUntuned(arm.Name))
                {
                    failed.AddUntuned(arm.Name, seed);
                    continue;
                }

                int? job = seed;
                try
                {
                    runner.CheckNeeds(arm, seed);
                    doctor?.BeforeArm(arm);
                    job = null;
                    runner.Tune(arm, cancellation);
                    job = seed;
                    runner.Run(arm, seed, cancellation);
                    doctor?.AfterArm(arm);
                }
                catch (Exception error) when (FailedJobs.IsOfOneJob(error))
                {
                    failed.Add(arm.Name, job, error.Message);
                    if (job is null)
                    {
                        // Without its settings this seed's job has failed as well; those of later seeds are not begun.
                        failed.AddUntuned(arm.Name, seed);
                    }
                }
            }
        }
    }

    private async Task RunSideBySide(RunData data, RunDoctor? doctor, FailedJobs failed, Action report, CancellationToken cancellation)
    {
        var teachers = _arms.Where(arm => arm.IsTeacher).Select(arm => arm.Name).ToHashSet();
        foreach (var wave in Waves(data, doctor))
        {
            report();
            using var places = new SemaphoreSlim(_options.Jobs);
            await Task.WhenAll(wave.Select(async job =>
            {
                await places.WaitAsync(cancellation).ConfigureAwait(false);
                if (job.Seed is { } seed && failed.IsUntuned(job.Arm))
                {
                    failed.AddUntuned(job.Arm, seed);
                    places.Release();
                    return;
                }

                try
                {
                    await _options.Launcher!.RunAsync(_directory, job.Arm, job.Seed, Forward, cancellation).ConfigureAwait(false);
                }
                catch (Exception error) when (error is not OperationCanceledException && !teachers.Contains(job.Arm))
                {
                    failed.Add(job.Arm, job.Seed, error.Message);
                }
                finally
                {
                    places.Release();
                }
            })).ConfigureAwait(false);
        }
    }

    // What a later wave needs, an earlier one has made: teachers, the tuned settings, the cost to match. Within one, seed by seed as above.
    private IEnumerable<List<(string Arm, int? Seed)>> Waves(RunData data, RunDoctor? doctor)
    {
        foreach (var wave in Arms.Waves(_arms))
        {
            wave.ToList().ForEach(arm => doctor?.BeforeArm(arm));
            ChooseEngines(wave, data);
            if (wave.Where(arm => arm.Candidates.Count > 0 && arm.Name != ArmNames.PlainMatched).ToList() is { Count: > 0 } tuned)
            {
                yield return [.. tuned.Select(arm => (arm.Name, (int?)null))];
            }

            yield return JobsOf(wave);
            wave.ToList().ForEach(arm => doctor?.AfterArm(arm));
        }
    }

    // Here and not in the jobs, which would measure beside each other; with as many threads as a job has.
    private void ChooseEngines(IReadOnlyList<ArmPlan> wave, RunData data)
    {
        TorchRuntime.Configure(ThreadsOfAChild);
        var networks = new ArmNetworks(
            _arms, _directory, data, TorchRuntime.Device(_recipe.Device), ThreadsOfAChild,
            note => Forward(new NoteLogged("info", note) { Time = _clock.GetUtcNow() }));
        foreach (var arm in wave.Where(arm => JobsOf([arm]).Count > 0))
        {
            networks.ChooseEngines(arm);
        }

        TorchRuntime.Configure(_recipe.Threads);
    }

    private List<(string Arm, int? Seed)> JobsOf(IReadOnlyList<ArmPlan> arms) =>
    [
        .. arms.SelectMany(arm => arm.Seeds.Select(seed => (arm.Name, (int?)seed)))
            .Where(job => !File.Exists(_directory.JobResultFile(job.Name, job.Item2!.Value)))
            .OrderBy(job => job.Item2),
    ];

    private void Forward(RunEvent runEvent)
    {
        lock (_events)
        {
            _events.Write(runEvent);
        }
    }
}
