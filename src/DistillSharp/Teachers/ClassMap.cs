using DistillSharp.Config;
using static TorchSharp.torch;

namespace DistillSharp.Teachers;

/// <summary>What becomes of a class that the teacher has no output for.</summary>
public enum MissingClasses
{
    /// <summary>The recipe is refused.</summary>
    Refuse,

    /// <summary>Terms compare the classes that the teacher has; its samples of others count as unlabelled for them.</summary>
    LeaveOut,
}

/// <summary>
/// The data's classes among a teacher's outputs, by name. Outputs that no class has are left out; several outputs of one class
/// become one by log-sum-exp, which adds their probabilities. The softmax of what comes out is normalised again over it.
/// </summary>
public sealed class ClassMap
{
    private readonly int[][] _sources;
    private readonly int _theirs;

    private ClassMap(int[][] sources, int[] covered, int theirs) => (_sources, Covered, _theirs) = (sources, covered, theirs);

    /// <summary>The data's classes that the teacher has, ascending; one mapped logit each.</summary>
    public IReadOnlyList<int> Covered { get; }

    /// <summary>The map from a teacher's outputs to the data's classes.</summary>
    /// <param name="theirs">Names of the teacher's outputs.</param>
    /// <param name="renamed">The data's name of outputs that are called otherwise; an output that is not in it stands for its own name.</param>
    /// <param name="ours">The data's classes.</param>
    /// <param name="missing">What becomes of a class that no output stands for.</param>
    /// <exception cref="ArgumentException">A name does not exist or occurs twice, or a class is missing.</exception>
    public static ClassMap Create(IReadOnlyList<string> theirs, IReadOnlyDictionary<string, string> renamed, IReadOnlyList<string> ours, MissingClasses missing)
    {
        if (theirs.GroupBy(name => name).FirstOrDefault(group => group.Count() > 1) is { } twice)
        {
            throw new ArgumentException($"two of the teacher's classes are called `{twice.Key}`");
        }

        foreach (var (from, to) in renamed)
        {
            _ = theirs.Contains(from) ? true : throw new ArgumentException($"the teacher has no class `{from}`; {NearestName.Hint(from, theirs)}");
            _ = ours.Contains(to) ? true : throw new ArgumentException($"the data has no class `{to}`; {NearestName.Hint(to, ours)}");
        }

        var sources = ours.Select(name => Enumerable.Range(0, theirs.Count).Where(i => renamed.GetValueOrDefault(theirs[i], theirs[i]) == name).ToArray()).ToList();
        var covered = Enumerable.Range(0, ours.Count).Where(i => sources[i].Length > 0).ToArray();
        if (covered.Length < ours.Count && missing == MissingClasses.Refuse)
        {
            var lacking = Enumerable.Range(0, ours.Count).Except(covered).Select(i => $"`{ours[i]}`").ToList();
            throw new ArgumentException(
                $"the teacher has no output for the class{(lacking.Count == 1 ? "" : "es")} {Some(lacking)}; its own are {Some([.. theirs])}: name the counterpart in `class_map`, give the names of its outputs as `classes`, or have terms compare the others with `missing_classes: leave_out`");
        }

        return covered.Length >= 2 || covered.Length == ours.Count
            ? new ClassMap([.. covered.Select(i => sources[i])], covered, theirs.Count)
            : throw new ArgumentException($"the teacher has {covered.Length} of the data's {ours.Count} classes; at least two are needed. Its own are {Some([.. theirs])}");
    }

    /// <summary>Logits [N, …, theirs] → [N, …, covered].</summary>
    /// <exception cref="InvalidDataException">There are more or fewer outputs than names.</exception>
    public Tensor Apply(Tensor logits)
    {
        if (logits.shape[^1] != _theirs)
        {
            throw new InvalidDataException($"the teacher gives {logits.shape[^1]} outputs and has the names of {_theirs} classes");
        }

        if (_sources.Length == _theirs && _sources.Select((from, i) => from[0] == i).All(same => same))
        {
            return logits;
        }

        var most = _sources.Max(from => from.Length);
        var index = tensor(_sources.SelectMany(from => Enumerable.Range(0, most).Select(i => (long)from[Math.Min(i, from.Length - 1)])).ToArray(), device: logits.device);
        var picked = logits.index_select(-1, index);
        if (most == 1)
        {
            return picked;
        }

        var absent = _sources.SelectMany(from => Enumerable.Range(0, most).Select(i => i < from.Length ? 0f : float.NegativeInfinity)).ToArray();
        return (picked.reshape([.. logits.shape[..^1], _sources.Length, most]) + tensor(absent, [_sources.Length, most], device: logits.device)).logsumexp(-1);
    }

    /// <summary>The map as text, for a store of outputs.</summary>
    public string Describe() => string.Join(" ", _sources.Select((from, i) => $"{Covered[i]}={string.Join("+", from)}"));

    private static string Some(List<string> names) => string.Join(", ", names.Take(12)) + (names.Count > 12 ? $" and {names.Count - 12} more" : "");
}
