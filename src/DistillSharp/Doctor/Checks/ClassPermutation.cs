using System.Globalization;

namespace DistillSharp.Doctor.Checks;

/// <summary>Finds out whether a teacher is right but for the names of its classes.</summary>
internal static class ClassPermutation
{
    private const double LeastGain = 0.1;

    /// <summary>
    /// The permutation that explains predictions best on one half of the samples, judged on the other; null where it gains less than
    /// a tenth.
    /// </summary>
    public static (string What, string Remedy)? Explains(int[] predictions, int[] labels, int classes, IReadOnlyList<string> names)
    {
        var map = Best(predictions.Where((_, i) => i % 2 == 0).ToArray(), labels.Where((_, i) => i % 2 == 0).ToArray(), classes);
        var judged = Enumerable.Range(0, labels.Length).Where(i => i % 2 == 1).ToList();
        var before = judged.Count(i => predictions[i] == labels[i]) / (double)Math.Max(1, judged.Count);
        var after = judged.Count(i => map[predictions[i]] == labels[i]) / (double)Math.Max(1, judged.Count);
        if (after - before < LeastGain)
        {
            return null;
        }

        var moved = Enumerable.Range(0, classes).Where(i => map[i] != i).ToList();
        var listed = string.Join(", ", moved.Take(6).Select(i => $"{names[i]} → {names[map[i]]}")) + (moved.Count > 6 ? " …" : "");
        return (string.Create(CultureInfo.InvariantCulture, $"with its classes in another order it would be {after:P1} ({listed})"),
            "The order of classes differs: put the data's classes into the teacher's order, or map the teacher's outputs by name");
    }

    // Pairs with most samples first. Any other assignment of a class that is mostly right would lose those.
    private static int[] Best(int[] predictions, int[] labels, int classes)
    {
        var counts = new int[classes, classes];
        for (var i = 0; i < labels.Length; i++)
        {
            counts[predictions[i], labels[i]]++;
        }

        var map = Enumerable.Repeat(-1, classes).ToArray();
        var taken = new bool[classes];
        var pairs = from prediction in Enumerable.Range(0, classes)
                    from label in Enumerable.Range(0, classes)
                    where counts[prediction, label] > 0
                    orderby counts[prediction, label] descending, prediction == label ? 0 : 1
                    select (prediction, label);
        foreach (var (prediction, label) in pairs)
        {
            if (map[prediction] < 0 && !taken[label])
            {
                (map[prediction], taken[label]) = (label, true);
            }
        }

        // Classes that were never predicted keep their place where they can.
        foreach (var left in Enumerable.Range(0, classes).Where(i => map[i] < 0))
        {
            map[left] = !taken[left] ? left : Array.IndexOf(taken, false);
            taken[map[left]] = true;
        }

        return map;
    }
}
