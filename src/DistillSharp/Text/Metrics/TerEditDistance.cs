namespace DistillSharp.Text.Metrics;

/// <summary>How a hypothesis lines up with a reference.</summary>
/// <param name="Distance">Insertions, deletions and substitutions.</param>
/// <param name="HypothesisPosition">For each word of the reference the last word of the hypothesis at or before it; −1 before the first.</param>
/// <param name="ReferenceErrors">Words of the reference that are substituted or missing.</param>
/// <param name="HypothesisErrors">Words of the hypothesis that are substituted or superfluous.</param>
internal sealed record TerAlignment(int Distance, int[] HypothesisPosition, bool[] ReferenceErrors, bool[] HypothesisErrors);

/// <summary>
/// Edit distance of which only a band around the diagonal is computed, 25 words to either side or more where the lengths differ
/// much. Ties go to a match or substitution, then to dropping a word of the hypothesis, then to inserting one of the reference.
/// </summary>
internal static class TerEditDistance
{
    private const int BeamWidth = 25;
    private const int Unreached = int.MaxValue / 2;

    private enum Edit : byte
    {
        None,
        Keep,
        Substitute,
        Drop,
        Insert,
    }

    /// <summary>The distance alone.</summary>
    public static int Distance(int[] words, int[] target)
    {
        var row = Row.First(target.Length);
        for (var i = 1; i <= words.Length; i++)
        {
            row = Next(row, words, target, i);
        }

        return row.Cost(target.Length);
    }

    /// <summary>The distance with its alignment.</summary>
    public static TerAlignment Align(int[] words, int[] target)
    {
        var rows = new Row[words.Length + 1];
        rows[0] = Row.First(target.Length);
        for (var n = 1; n <= words.Length; n++)
        {
            rows[n] = Next(rows[n - 1], words, target, n);
        }

        var (position, referenceErrors, hypothesisErrors) = (new int[target.Length], new bool[target.Length], new bool[words.Length]);
        var (i, j) = (words.Length, target.Length);
        while (i > 0 || j > 0)
        {
            var edit = i == 0 ? Edit.Insert : rows[i].EditAt(j);
            if (edit != Edit.Insert)
            {
                hypothesisErrors[--i] = edit != Edit.Keep;
            }

            if (edit != Edit.Drop)
            {
                referenceErrors[--j] = edit != Edit.Keep;
                position[j] = edit == Edit.Insert ? i - 1 : i;
            }
        }

        return new TerAlignment(rows[^1].Cost(target.Length), position, referenceErrors, hypothesisErrors);
    }

    private static Row Next(Row above, int[] words, int[] target, int i)
    {
        var ratio = (double)target.Length / words.Length;
        var beam = BeamWidth < ratio / 2 ? (int)Math.Ceiling((ratio / 2) + BeamWidth) : BeamWidth;
        var diagonal = (int)Math.Floor(i * ratio);
        var first = Math.Max(0, diagonal - beam);
        var end = i == words.Length ? target.Length + 1 : Math.Min(target.Length + 1, diagonal + beam);
        var row = new Row(first, Math.Max(0, end - first));
        for (var j = first; j < end; j++)
        {
            if (j == 0)
            {
                row.Set(j, above.Cost(j) + 1, Edit.Drop);
                continue;
            }

            var same = words[i - 1] == target[j - 1];
            var (cost, edit) = (Unreached, Edit.None);
            Prefer(above.Cost(j - 1) + (same ? 0 : 1), same ? Edit.Keep : Edit.Substitute);
            Prefer(above.Cost(j) + 1, Edit.Drop);
            Prefer(row.Cost(j - 1) + 1, Edit.Insert);
            row.Set(j, cost, edit);

            void Prefer(int otherCost, Edit other)
            {
                if (otherCost < cost)
                {
                    (cost, edit) = (otherCost, other);
                }
            }
        }

        return row;
    }

    /// <summary>One row of the table: the cells of the band; all others are unreached.</summary>
    private sealed class Row(int first, int width)
    {
        private readonly int[] _costs = new int[width];
        private readonly Edit[] _edits = new Edit[width];

        public static Row First(int words)
        {
            var row = new Row(0, words + 1);
            for (var j = 0; j <= words; j++)
            {
                row.Set(j, j, Edit.Insert);
            }

            return row;
        }

        public int Cost(int j) => j >= first && j < first + _costs.Length ? _costs[j - first] : Unreached;

        public Edit EditAt(int j) => _edits[j - first];

        public void Set(int j, int cost, Edit edit) => (_costs[j - first], _edits[j - first]) = (cost, edit);
    }
}
