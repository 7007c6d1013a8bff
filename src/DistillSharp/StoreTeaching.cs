using System.Globalization;
using DistillSharp.Data;
using DistillSharp.Recipes;
using DistillSharp.Runs;
using DistillSharp.Teachers.Store;

namespace DistillSharp;

/// <summary>Which of a recipe's samples are taught: all, or a range of the training split.</summary>
/// <param name="First">Position of the first sample in the training split.</param>
/// <param name="End">Position behind the last; null for the end.</param>
/// <param name="Part">Number of the part from 1, of <paramref name="Parts"/>; it counts in all splits.</param>
/// <param name="Parts">Number of parts.</param>
public sealed record TeachRange(int First = 0, int? End = null, int Part = 1, int Parts = 1)
{
    /// <summary>True where only training samples are meant.</summary>
    public bool IsOfTraining => First > 0 || End is not null;

    /// <summary>Reads <c>a-b</c> (first and last sample, from 0).</summary>
    /// <exception cref="FormatException">It is none.</exception>
    public static TeachRange OfSamples(string text) => Two(text, '-') is var (first, last) && first >= 0 && last >= first
        ? new TeachRange(first, (int)Math.Min(last + 1L, int.MaxValue))
        : throw new FormatException($"`{text}` is no range of samples; write the first and the last, counted from 0, such as 0-24999");

    /// <summary>Reads <c>i/n</c>.</summary>
    /// <exception cref="FormatException">It is none.</exception>
    public static TeachRange OfPart(string text) => Two(text, '/') is var (part, parts) && part >= 1 && parts >= part
        ? new TeachRange(0, null, part, parts)
        : throw new FormatException($"`{text}` is no part; write its number and how many there are, such as 1/2");

    /// <summary>First position and end of a split of so many samples.</summary>
    /// <exception cref="InvalidOperationException">The range begins behind the last of them.</exception>
    public (int First, int End) In(int count) => Parts > 1
        ? ((int)((long)count * (Part - 1) / Parts), (int)((long)count * Part / Parts))
        : First > 0 && First >= count ? throw new InvalidOperationException($"the range begins at sample {First}, and there are {count} training samples, 0 to {count - 1}; give a range among them")
        : (First, Math.Min(End ?? count, count));

    private static (int First, int Second)? Two(string text, char separator) =>
        text.Split(separator) is [var first, var second]
        && int.TryParse(first, NumberStyles.None, CultureInfo.InvariantCulture, out var one) && int.TryParse(second, NumberStyles.None, CultureInfo.InvariantCulture, out var two)
            ? (one, two)
            : null;
}

/// <summary>How far filling a recipe's stores has come.</summary>
/// <param name="What">The store's arm, and the split or view.</param>
/// <param name="Done">Rows of all stores that are there.</param>
/// <param name="Total">Rows that are wanted.</param>
public sealed record TeachProgress(string What, long Done, long Total);

/// <summary>Fills the stores of a recipe's teachers ahead of a run.</summary>
/// <param name="recipe">The recipe.</param>
/// <param name="run">A run that has trained its teachers; null where none has to be trained.</param>
/// <param name="dataFolder">Folder that is searched for datasets first.</param>
public sealed class StoreTeaching(Recipe recipe, RunDirectory? run, string? dataFolder)
{
    /// <summary>What notes begin with that tell of what may be wrong.</summary>
    public const string Warning = "warning: ";

    /// <summary>Fills them; returns the folders.</summary>
    /// <exception cref="InvalidOperationException">There is nothing to fill, the range holds no sample, or a teacher is not trained.</exception>
    /// <exception cref="OperationCanceledException">Cancelled; what was computed is stored.</exception>
    public IReadOnlyList<string> Fill(TeachRange range, IProgress<TeachProgress> progress, Action<string> note, CancellationToken cancellation)
    {
        var arms = Arms.Of(recipe);
        var filled = arms.Where(arm => arm.Store is not null && !arm.IsStored).ToList();
        if (filled.Count == 0)
        {
            throw new InvalidOperationException("the recipe has no store to fill; say where the teacher's outputs go with `teacher: {…, store: {path: FOLDER}}`");
        }

        if (recipe.Dataset.Entry.LoadDomain is not null)
        {
            throw new InvalidOperationException("a store of sequences is filled by the run itself, before its first student learns word by word; start it with `distill run`");
        }

        TorchRuntime.Configure(recipe.Threads);
        using var scratch = run is null ? new Scratch() : null;
        var directory = run ?? new RunDirectory(scratch!.Path);
        var data = RunData.Load(recipe, dataFolder);
        data.Remarks.ToList().ForEach(remark => note(Warning + remark));
        var networks = new ArmNetworks(arms, directory, data, TorchRuntime.Device(recipe.Device), recipe.Threads, note, cancellation);
        CheckTrained(filled, networks, directory);
        var work = filled.SelectMany(arm => Work(arm, data, range)).ToList();
        var total = work.Sum(piece => (long)(piece.End - piece.First) * Math.Max(1, piece.Views));
        var before = 0L;
        foreach (var piece in work)
        {
            for (var view = 0; view < piece.Views; view++)
            {
                var what = piece.Split is { } split ? $"{piece.Arm.Name}, {split.ToString().ToLowerInvariant()} split" : piece.Views > 1 ? $"{piece.Arm.Name}, view {view + 1}/{piece.Views}" : piece.Arm.Name;
                using var teacher = networks.LoadToFill(piece.Arm, piece.Arm.Seeds[0], piece.Split, new Offset(progress, what, before, total));
                teacher.Fill([view], piece.First, piece.End);
                before += piece.End - piece.First;
                progress.Report(new TeachProgress(what, before, total));
            }
        }

        return [.. filled.Select(arm => arm.Store!.Path)];
    }

    private static IEnumerable<(ArmPlan Arm, StoredSplit? Split, int First, int End, int Views)> Work(ArmPlan arm, RunData data, TeachRange range)
    {
        var (first, end) = range.In(data.StoredTraining().SampleCount);
        yield return (arm, null, first, end, arm.Store!.Views ?? 1);
        foreach (var split in range.IsOfTraining ? [] : Enum.GetValues<StoredSplit>())
        {
            (first, end) = range.In(data.StoredSplit(split).SampleCount);
            yield return (arm, split, first, end, 1);
        }
    }

    private static void CheckTrained(List<ArmPlan> filled, ArmNetworks networks, RunDirectory directory)
    {
        var untrained = filled.SelectMany(networks.Networks).Distinct().FirstOrDefault(arm => arm.IsTrained && !File.Exists(directory.WeightsFile(arm.Name, arm.Seeds[0])));
        if (untrained is not null)
        {
            throw new InvalidOperationException($"the {untrained.Name} is trained by the recipe's run, which has not been done; give its weights (`weights:`), or the run directory in place of the recipe once the teacher is trained");
        }
    }

    private sealed class Offset(IProgress<TeachProgress> progress, string what, long before, long total) : IProgress<StoreProgress>
    {
        public void Report(StoreProgress value) => progress.Report(new TeachProgress(what, before + Math.Min(value.Done, value.Total), total));
    }

    private sealed class Scratch : IDisposable
    {
        public string Path { get; } = Directory.CreateTempSubdirectory("distill-teach-").FullName;

        public void Dispose() => Directory.Delete(Path, recursive: true);
    }
}
