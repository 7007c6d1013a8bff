using System.Diagnostics;
using DistillSharp.Config;
using DistillSharp.Recipes;
using DistillSharp.Teachers;
using DistillSharp.Teachers.Store;
using TorchSharp;

namespace DistillSharp;

/// <summary>The stores of a recipe's teachers: where they are, what they are of, what is in them.</summary>
internal sealed class TeacherStores(IReadOnlyList<ArmPlan> arms, RunData data, torch.Device device, Action<string> note, CancellationToken cancellation)
{
    /// <summary>A teacher with its store of training samples.</summary>
    /// <param name="arm">The arm, which has a store.</param>
    /// <param name="inner">The teacher itself; null where the store is all there is.</param>
    /// <param name="progress">Told how filling goes; notes of the run by default.</param>
    public StoreTeacher Wrap(ArmPlan arm, Teacher? inner, IProgress<StoreProgress>? progress = null) =>
        new(inner, Source(arm.Store!, FeaturesOf(arm), data.StoreFields(), data.StoredTraining(), progress ?? new Notes($"{arm.Name}'s outputs", "samples", note)));

    /// <summary>A teacher with its store of a split: whole logits, without features.</summary>
    public StoreTeacher Wrap(ArmPlan arm, Teacher? inner, StoredSplit split, IProgress<StoreProgress>? progress = null)
    {
        var options = new StoreOptions { Path = Folder(arm.Store!, split), Precision = StorePrecision.Float32, BatchSize = arm.Store!.BatchSize };
        if (inner is null && !File.Exists(Path.Combine(options.Path, StoreManifest.FileName)))
        {
            throw new InvalidDataException($"{arm.Store.Path} holds nothing of the {split.ToString().ToLowerInvariant()} split, on which the teacher is measured; fill it with `distill teach` where the teacher is");
        }

        return new StoreTeacher(inner, Source(options, [], data.StoreFields(split), data.StoredSplit(split), progress ?? new Notes($"{arm.Name}'s outputs", "samples", note)));
    }

    /// <summary>A teacher of sequences with its store of what an arm learns from it.</summary>
    /// <param name="arm">The teacher's arm, which has a store.</param>
    /// <param name="inner">The teacher itself.</param>
    /// <param name="student">The arm that learns.</param>
    /// <param name="seed">Its seed.</param>
    public SequenceStoreTeacher Wrap(ArmPlan arm, Teacher inner, ArmPlan student, int seed) =>
        new(inner, new SequenceStoreSource(arm.Store!, data.StoreFields(), data.StoredSequences(student, seed, arm.Store!.BatchSize))
        {
            Device = device,
            Progress = new Notes($"{arm.Name}'s outputs for {student.Name}", "batches", note),
            Cancellation = cancellation,
        });

    /// <summary>The engine whose outputs an arm's store holds; null where the recipe names one, or the store is not there yet.</summary>
    public TeacherEngine? EngineOf(ArmPlan arm)
    {
        if (arm.Engine != TeacherEngine.Auto)
        {
            return null;
        }

        foreach (var (store, field) in StoresOf(arm))
        {
            if (File.Exists(Path.Combine(store.Path, StoreManifest.FileName)) && StoreManifest.Load(store.Path).Key.TryGetValue(field, out var engine))
            {
                return Enum.GetValues<TeacherEngine>().Cast<TeacherEngine?>().FirstOrDefault(each => ConfigBinder.SnakeCase(each.ToString()!) == engine);
            }
        }

        return null;
    }

    private static string Folder(StoreOptions store, StoredSplit split) => Path.Combine(store.Path, split.ToString().ToLowerInvariant());

    private StoreSource Source(StoreOptions options, IReadOnlyList<string> features, Dictionary<string, string> fields, Data.Loader samples, IProgress<StoreProgress> progress) =>
        new(options, features, fields, samples) { Device = device, Progress = progress, Cancellation = cancellation };

    // An arm's own store, and that of the ensemble it is a member of.
    private IEnumerable<(StoreOptions Store, string Field)> StoresOf(ArmPlan arm)
    {
        if (arm.Store is { } own)
        {
            yield return (own, $"{StoreManifest.TeacherField}.engine");
        }

        foreach (var ensemble in arms.Where(each => each.Store is not null && each.Ensemble?.Members.Values.Contains(arm.Name) == true))
        {
            var member = ensemble.Ensemble!.Members.First(entry => entry.Value == arm.Name).Key;
            yield return (ensemble.Store!, $"{StoreManifest.TeacherField}.{member}.engine");
        }
    }

    // What the recipe lists; else what any term reads of this teacher.
    private IReadOnlyList<string> FeaturesOf(ArmPlan arm)
    {
        if (arm.Store!.Features is { } listed)
        {
            return listed;
        }

        var ensemble = arms.FirstOrDefault(each => each.Ensemble?.Members.Values.Contains(arm.Name) == true);
        var prefix = ensemble is null ? "" : ensemble.Ensemble!.Members.First(entry => entry.Value == arm.Name).Key + ".";
        return
        [
            .. arms.Where(each => each.Teacher == arm.Name || (ensemble is not null && each.Teacher == ensemble.Name))
                .SelectMany(each => each.Plan.Stages.Where(stage => stage.NeedsTeacher)).SelectMany(stage => stage.Terms).SelectMany(term => term.TeacherFeatures)
                .Where(feature => feature.StartsWith(prefix, StringComparison.Ordinal)).Select(feature => feature[prefix.Length..])
                .Distinct().Order(StringComparer.Ordinal),
        ];
    }

    /// <summary>Says at the beginning, every ten seconds and at the end how filling goes.</summary>
    private sealed class Notes(string what, string unit, Action<string> note) : IProgress<StoreProgress>
    {
        private static readonly TimeSpan Interval = TimeSpan.FromSeconds(10);

        private readonly Stopwatch _watch = Stopwatch.StartNew();
        private TimeSpan? _last;

        public void Report(StoreProgress value)
        {
            if (value.Done < value.Total && _last is { } last && _watch.Elapsed - last < Interval)
            {
                return;
            }

            _last = _watch.Elapsed;
            note(FormattableString.Invariant($"{what}: {value.Done} of {value.Total} {unit} stored"));
        }
    }
}
