using DistillSharp.Recipes;
using DistillSharp.RunLog;
using DistillSharp.Runs;
using DistillSharp.Training;

namespace DistillSharp;

/// <summary>Tries the settings of arms on validation data and chooses among them. What was tried is <c>tuning.json</c> of the arm's folder.</summary>
internal sealed class ArmTuning(Recipe recipe, RunDirectory directory, RunData data, ArmNetworks networks, ArmJobs jobs, IRunEventSink events, TimeProvider clock)
{
    /// <summary>True where an arm has settings to choose from and not all have been tried. Of one setting there is nothing to choose.</summary>
    public bool IsPending(ArmPlan arm) => arm.Candidates.Count > 1 && arm.Name != ArmNames.PlainMatched && !File.Exists(FileOf(arm, directory));

    /// <summary>Tries an arm's settings and remembers each trial; goes on where it was interrupted.</summary>
    /// <exception cref="InvalidOperationException">No setting trained; the next call tries all of them again.</exception>
    public void Run(ArmPlan arm, CancellationToken cancellation)
    {
        var partial = Path.Combine(directory.ArmFolder(arm.Name), "tuning.partial.json");
        var trials = File.Exists(partial) ? RunJson.Load<List<TuningTrial>>(partial) : [];
        foreach (var candidate in arm.Candidates.Skip(trials.Count))
        {
            var settings = string.Join(", ", candidate.Settings.Select(setting => $"{setting.Key} {setting.Value}"));
            try
            {
                var validation = Try(arm, candidate.Plan, cancellation);
                trials.Add(new TuningTrial(candidate.Settings, validation));
                RunJson.Save(partial, trials);
                Note($"{arm.Name}: {settings} → validation {(data.SelectionMetric == "top1" ? $"{validation:P2}" : $"{validation:0.00}")}");
            }
            catch (Exception error) when (FailedJobs.IsOfOneJob(error))
            {
                // A setting that does not train, or cannot be built, is an answer, and the worst.
                trials.Add(new TuningTrial(candidate.Settings, 0) { Failed = true });
                RunJson.Save(partial, trials);
                events.Write(new NoteLogged("warning", $"{arm.Name}: {settings} → {error.Message}") { Time = clock.GetUtcNow() });
            }
        }

        if (trials.All(trial => trial.Failed))
        {
            File.Delete(partial);
            throw new InvalidOperationException($"{arm.Name}: no setting of its tuning trained; see the warnings for where each diverged or failed");
        }

        RunJson.Save(FileOf(arm, directory), trials);
        File.Delete(partial);
    }

    /// <summary>An arm's plan with the best of its settings, and what was tried; null where nothing has been.</summary>
    public static (ObjectivePlan Plan, List<TuningTrial> Trials)? Chosen(ArmPlan arm, RunDirectory directory)
    {
        if (arm.Name == ArmNames.PlainMatched)
        {
            // The plain student's settings, for as many epochs as its cost allows.
            return Chosen(arm with { Name = ArmNames.Plain }, directory) is { } plain ? (Tuning.WithEpochs(plain.Plan, arm.Plan.Epochs), plain.Trials) : null;
        }

        if (arm.Candidates is [var only])
        {
            return (only.Plan, []);
        }

        if (!File.Exists(FileOf(arm, directory)))
        {
            return null;
        }

        // The first of equals: grids are written from cheap to dear. One that trained is better than one that did not, even where it scores 0.
        var trials = RunJson.Load<List<TuningTrial>>(FileOf(arm, directory));
        var best = trials.Select((trial, i) => (HasTrained: !trial.Failed, trial.Validation, Index: i)).MaxBy(entry => (entry.HasTrained, entry.Validation, -entry.Index)).Index;
        return (arm.Candidates[best].Plan, trials);
    }

    // The validation metric of one setting.
    private double Try(ArmPlan arm, ObjectivePlan plan, CancellationToken cancellation)
    {
        var seed = recipe.Tuning!.Seed;
        data.Prepare(arm, seed, networks, directory, Note, cancellation);
        // What teaches the trials is the first seed's, and so are the sequences of its store.
        data.Prepare(arm, recipe.Seeds[0], networks, directory, Note, cancellation);
        using var student = networks.Create(arm, seed);
        using var teacher = networks.TeacherOf(arm, recipe.Seeds[0]);
        using var fake = ArmJobs.Rounding(arm, student);
        var job = jobs.Create(arm, plan, seed, student, teacher, fake, checkpoints: null);
        return new Trainer(new SilentSink(), clock).Run(job, cancellation).Validation[data.SelectionMetric];
    }

    private static string FileOf(ArmPlan arm, RunDirectory directory) => Path.Combine(directory.ArmFolder(arm.Name), "tuning.json");

    private void Note(string text) => events.Write(new NoteLogged("info", text) { Time = clock.GetUtcNow() });
}
