namespace DistillSharp.Sequences;

/// <summary>What an alignment does at one step.</summary>
public enum EditKind : byte
{
    /// <summary>Both have the same item.</summary>
    Match,

    /// <summary>The hypothesis has another item.</summary>
    Substitution,

    /// <summary>The hypothesis has an item too many.</summary>
    Insertion,

    /// <summary>The hypothesis lacks an item.</summary>
    Deletion,
}

/// <summary>One step of an alignment.</summary>
/// <param name="Kind">What happens.</param>
/// <param name="Reference">Index in the reference; −1 for an insertion.</param>
/// <param name="Hypothesis">Index in the hypothesis; −1 for a deletion.</param>
public readonly record struct Edit(EditKind Kind, int Reference, int Hypothesis);

/// <summary>How many errors of each kind there are in how much reference.</summary>
/// <param name="Substitutions">Wrong items.</param>
/// <param name="Insertions">Items too many.</param>
/// <param name="Deletions">Missing items.</param>
/// <param name="Length">Items of the reference.</param>
public readonly record struct EditCounts(long Substitutions, long Insertions, long Deletions, long Length)
{
    /// <summary>All errors: the edit distance.</summary>
    public long Errors => Substitutions + Insertions + Deletions;

    /// <summary>
    /// Errors over items of the reference, above 1 where much is inserted. Without reference it is 1 where there are errors and 0
    /// where there are none.
    /// </summary>
    public double Rate => Length > 0 ? (double)Errors / Length : Errors > 0 ? 1 : 0;

    /// <summary>The counts of both together: rates of a corpus are total errors over total length, not means of rates.</summary>
    public static EditCounts operator +(EditCounts left, EditCounts right) => left.Add(right);

    /// <summary>The counts of both together.</summary>
    public EditCounts Add(EditCounts other) =>
        new(Substitutions + other.Substitutions, Insertions + other.Insertions, Deletions + other.Deletions, Length + other.Length);
}

/// <summary>
/// Levenshtein's distance between a reference and a hypothesis with the alignment behind it. Of several shortest alignments the one
/// is taken that, from the end, prefers a match or substitution, then a deletion, then an insertion.
/// </summary>
public static class EditDistance
{
    /// <summary>The smallest number of substitutions, insertions and deletions; memory grows with one length only.</summary>
    public static int Between<T>(IReadOnlyList<T> reference, IReadOnlyList<T> hypothesis, IEqualityComparer<T>? comparer = null)
    {
        comparer ??= EqualityComparer<T>.Default;
        var (previous, current) = (new int[hypothesis.Count + 1], new int[hypothesis.Count + 1]);
        for (var j = 0; j < previous.Length; j++)
        {
            previous[j] = j;
        }

        foreach (var (i, item) in reference.Index())
        {
            current[0] = i + 1;
            for (var j = 1; j < current.Length; j++)
            {
                var diagonal = previous[j - 1] + (comparer.Equals(item, hypothesis[j - 1]) ? 0 : 1);
                current[j] = Math.Min(diagonal, Math.Min(previous[j], current[j - 1]) + 1);
            }

            (previous, current) = (current, previous);
        }

        return previous[^1];
    }

    /// <summary>The alignment from the first item to the last; memory grows with the product of the lengths, a byte a pair.</summary>
    public static IReadOnlyList<Edit> Align<T>(IReadOnlyList<T> reference, IReadOnlyList<T> hypothesis, IEqualityComparer<T>? comparer = null)
    {
        var kinds = Kinds(reference, hypothesis, comparer ?? EqualityComparer<T>.Default);
        var edits = new List<Edit>();
        var (i, j) = (reference.Count, hypothesis.Count);
        while (i > 0 || j > 0)
        {
            var kind = i == 0 ? EditKind.Insertion : j == 0 ? EditKind.Deletion : kinds[i - 1][j - 1];
            i -= kind == EditKind.Insertion ? 0 : 1;
            j -= kind == EditKind.Deletion ? 0 : 1;
            edits.Add(new Edit(kind, kind == EditKind.Insertion ? -1 : i, kind == EditKind.Deletion ? -1 : j));
        }

        edits.Reverse();
        return edits;
    }

    /// <summary>The errors of the alignment by kind.</summary>
    public static EditCounts Count<T>(IReadOnlyList<T> reference, IReadOnlyList<T> hypothesis, IEqualityComparer<T>? comparer = null)
    {
        var edits = Align(reference, hypothesis, comparer);
        long Of(EditKind kind) => edits.Count(edit => edit.Kind == kind);
        return new EditCounts(Of(EditKind.Substitution), Of(EditKind.Insertion), Of(EditKind.Deletion), reference.Count);
    }

    private static EditKind[][] Kinds<T>(IReadOnlyList<T> reference, IReadOnlyList<T> hypothesis, IEqualityComparer<T> comparer)
    {
        var (previous, current) = (new int[hypothesis.Count + 1], new int[hypothesis.Count + 1]);
        for (var j = 0; j < previous.Length; j++)
        {
            previous[j] = j;
        }

        var kinds = new EditKind[reference.Count][];
        for (var i = 1; i <= reference.Count; i++)
        {
            current[0] = i;
            var row = kinds[i - 1] = new EditKind[hypothesis.Count];
            for (var j = 1; j < current.Length; j++)
            {
                var same = comparer.Equals(reference[i - 1], hypothesis[j - 1]);
                var (diagonal, deletion, insertion) = (previous[j - 1] + (same ? 0 : 1), previous[j] + 1, current[j - 1] + 1);
                (current[j], row[j - 1]) = diagonal <= deletion && diagonal <= insertion ? (diagonal, same ? EditKind.Match : EditKind.Substitution)
                    : deletion <= insertion ? (deletion, EditKind.Deletion)
                    : (insertion, EditKind.Insertion);
            }

            (previous, current) = (current, previous);
        }

        return kinds;
    }
}
