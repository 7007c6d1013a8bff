namespace DistillSharp.Text.Metrics;

/// <summary>
/// The number of edits of TER: shifts of blocks of words, chosen greedily as long as they shorten the edit distance, plus what remains.
/// Limits, order of preference and the beam are sacrebleu's, since a search that is not exhaustive depends on all of them.
/// </summary>
internal static class TerEdits
{
    private const int MaxShiftSize = 10;
    private const int MaxShiftDistance = 50;
    private const int MaxCandidates = 1000;

    /// <summary>Edits that turn the hypothesis into the reference.</summary>
    public static int Count(IReadOnlyList<string> hypothesis, IReadOnlyList<string> reference)
    {
        if (reference.Count == 0)
        {
            return hypothesis.Count;
        }

        // Only equality matters, and numbers compare faster than words.
        var numbers = new Dictionary<string, int>(StringComparer.Ordinal);
        int[] Number(IEnumerable<string> words) => [.. words.Select(word => numbers.TryGetValue(word, out var known) ? known : numbers[word] = numbers.Count)];
        var (words, target) = (Number(hypothesis), Number(reference));

        var (shifts, candidates) = (0, 0);
        while (true)
        {
            var (gain, shifted) = BestShift(words, target, ref candidates);
            if (candidates >= MaxCandidates || gain <= 0)
            {
                return shifts + TerEditDistance.Distance(words, target);
            }

            shifts++;
            words = shifted;
        }
    }

    /// <summary>The shift with the largest gain; among equals the longest block, the earliest block, the earliest destination.</summary>
    private static (int Gain, int[] Words) BestShift(int[] words, int[] target, ref int candidates)
    {
        var before = TerEditDistance.Align(words, target);
        var best = (Gain: int.MinValue, Length: 0, Start: 0, Destination: 0);
        var bestWords = words;
        foreach (var (start, targetStart, length) in MatchingBlocks(words, target))
        {
            // A block is worth moving only if something is wrong with it, and with the place where it belongs.
            var aligned = before.HypothesisPosition[targetStart];
            if (!before.HypothesisErrors.AsSpan(start, length).Contains(true) || !before.ReferenceErrors.AsSpan(targetStart, length).Contains(true)
                || (start <= aligned && aligned < start + length))
            {
                continue;
            }

            var previous = -1;
            for (var offset = -1; offset < length; offset++)
            {
                var destination = targetStart + offset < 0 ? 0 : before.HypothesisPosition[targetStart + offset] + 1;
                if (destination == previous)
                {
                    continue;
                }

                previous = destination;
                var shifted = Shift(words, start, length, destination);
                var candidate = (Gain: before.Distance - TerEditDistance.Distance(shifted, target), Length: length, Start: -start, Destination: -destination);
                candidates++;
                if (candidate.CompareTo(best) > 0)
                {
                    (best, bestWords) = (candidate, shifted);
                }
            }

            if (candidates >= MaxCandidates)
            {
                break;
            }
        }

        return best.Gain == int.MinValue ? (0, words) : (best.Gain, bestWords);
    }

    /// <summary>Blocks of up to ten words that occur in both, at most fifty positions apart: every length of each pair of starts.</summary>
    private static IEnumerable<(int Start, int TargetStart, int Length)> MatchingBlocks(int[] words, int[] target)
    {
        for (var start = 0; start < words.Length; start++)
        {
            var last = Math.Min(target.Length - 1, start + MaxShiftDistance);
            for (var targetStart = Math.Max(0, start - MaxShiftDistance); targetStart <= last; targetStart++)
            {
                for (var length = 1; length <= MaxShiftSize && start + length <= words.Length && targetStart + length <= target.Length; length++)
                {
                    if (words[start + length - 1] != target[targetStart + length - 1])
                    {
                        break;
                    }

                    yield return (start, targetStart, length);
                }
            }
        }
    }

    /// <summary>The words with a block moved before position <paramref name="destination"/>; within the block, that far to the right.</summary>
    private static int[] Shift(int[] words, int start, int length, int destination)
    {
        var block = words.AsSpan(start, length);
        if (destination < start)
        {
            return [.. words[..destination], .. block, .. words[destination..start], .. words[(start + length)..]];
        }

        var end = destination > start + length ? destination : Math.Min(length + destination, words.Length);
        return [.. words[..start], .. words[(start + length)..end], .. block, .. words[end..]];
    }
}
