namespace DistillSharp.Config;

/// <summary>Finds what a mistyped name probably meant.</summary>
public static class NearestName
{
    /// <summary>The known names ordered by edit distance to <paramref name="name"/>, nearest first; after the name itself and before all others those that end with <c>_</c> and the whole of it.</summary>
    public static IReadOnlyList<string> Order(string name, IEnumerable<string> known) =>
        [.. known.OrderBy(candidate => Distance(name, candidate) == 0 ? 0 : IsEndOf(name, candidate) ? 1 : 2).ThenBy(candidate => Distance(name, candidate)).ThenBy(candidate => candidate, StringComparer.Ordinal)];

    /// <summary>"did you mean `x`? Known: …", for the end of an error message.</summary>
    public static string Hint(string name, IEnumerable<string> known)
    {
        var ordered = Order(name, known);
        if (ordered.Count == 0)
        {
            return "nothing is known here";
        }

        var near = IsEndOf(name, ordered[0]) || Distance(name, ordered[0]) <= Math.Max(2, name.Length / 3) ? $"did you mean `{ordered[0]}`? " : "";
        return near + "Known: " + string.Join(", ", ordered);
    }

    /// <summary>Levenshtein distance over lower-cased characters.</summary>
    public static int Distance(string left, string right)
    {
        var previous = Enumerable.Range(0, right.Length + 1).ToArray();
        var current = new int[right.Length + 1];
        for (var i = 1; i <= left.Length; i++)
        {
            current[0] = i;
            for (var j = 1; j <= right.Length; j++)
            {
                var cost = char.ToLowerInvariant(left[i - 1]) == char.ToLowerInvariant(right[j - 1]) ? 0 : 1;
                current[j] = Math.Min(Math.Min(current[j - 1], previous[j]) + 1, previous[j - 1] + cost);
            }

            (previous, current) = (current, previous);
        }

        return previous[right.Length];
    }

    // As vgg8 is of cifar_vgg8: what is missing is no slip of the hand.
    private static bool IsEndOf(string name, string candidate) => name.Length > 0 && candidate.EndsWith("_" + name, StringComparison.OrdinalIgnoreCase);
}
