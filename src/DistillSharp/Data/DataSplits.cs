using DistillSharp.Config;

namespace DistillSharp.Data;

/// <summary>Training, validation and test samples; no sample is in two of them.</summary>
public sealed record DataSplits(Dataset Train, Dataset Validation, Dataset Test)
{
    /// <summary>Takes validation samples out of the training set, class by class. Samples without a label stay in training, however few others are kept.</summary>
    /// <param name="train">The whole training set.</param>
    /// <param name="test">The test set.</param>
    /// <param name="validation">Share of the training set's labelled samples that becomes validation.</param>
    /// <param name="seed">Seed of the split.</param>
    /// <param name="trainSamples">Keep only so many labelled training samples (after validation is taken out); null for all.</param>
    /// <exception cref="InvalidDataException">A split would be empty, or more samples are asked for than there are.</exception>
    public static DataSplits Create(Dataset train, Dataset test, double validation, int seed, int? trainSamples = null)
    {
        var labelled = Labelled(train);
        var (held, rest) = Stratified(train, (int)Math.Round(validation * labelled), StableRandom.Key((ulong)(uint)seed, 1));
        if (held.Length == 0 || held.Length == labelled)
        {
            throw new InvalidDataException($"{train.Info.Name}: a validation share of {validation} of {labelled} labelled samples leaves a split empty");
        }

        if (trainSamples is { } wanted)
        {
            if (wanted > labelled - held.Length)
            {
                throw new InvalidDataException($"{train.Info.Name}: train_samples is {wanted}, but {labelled - held.Length} labelled training samples are left after validation");
            }

            var pool = train.Subset(rest);
            var taken = Stratified(pool, wanted, StableRandom.Key((ulong)(uint)seed, 2)).Taken.ToHashSet();
            rest = [.. rest.Where((_, i) => taken.Contains(i) || pool.Label(i) < 0)];
        }

        return new DataSplits(train.Subset(rest), train.Subset(held), test);
    }

    /// <summary>The same without the training samples of some classes; validation and test keep theirs.</summary>
    /// <param name="classes">Names of the classes.</param>
    /// <exception cref="InvalidDataException">There is no such class, or nothing is left.</exception>
    public DataSplits LeavingOut(IReadOnlyList<string> classes)
    {
        var labels = LabelsOf(classes, Train.Info).ToHashSet();
        int[] rest = [.. Enumerable.Range(0, Train.Count).Where(i => !labels.Contains(Train.Label(i)))];
        return rest.Length > 0
            ? this with { Train = rest.Length == Train.Count ? Train : Train.Subset(rest) }
            : throw new InvalidDataException($"{Train.Info.Name}: leave_out leaves no training sample");
    }

    /// <summary>The labels of classes by their names.</summary>
    /// <exception cref="InvalidDataException">There is no such class; the message lists those there are.</exception>
    public static IReadOnlyList<int> LabelsOf(IReadOnlyList<string> classes, DatasetInfo data) =>
    [
        .. classes.Select(name => data.Classes.ToList().IndexOf(name) is var label and >= 0
            ? label
            : throw new InvalidDataException($"{data.Name} has no class `{name}`, which leave_out names; {NearestName.Hint(name, data.Classes)}")),
    ];

    /// <summary>Splits off a test set of the given share of the labelled samples, class by class, for sets that come without one.</summary>
    public static (Dataset Train, Dataset Test) HoldOutTest(Dataset all, double share, int seed)
    {
        var (taken, left) = Stratified(all, (int)Math.Round(share * Labelled(all)), StableRandom.Key((ulong)(uint)seed, 3));
        return (all.Subset(left), all.Subset(taken));
    }

    private static int Labelled(Dataset data) => Enumerable.Range(0, data.Count).Count(i => data.Label(i) >= 0);

    // Each class gives its share, and what has none is left; what rounding leaves goes to the classes with the largest remainders. Positions stay in order.
    private static (int[] Taken, int[] Left) Stratified(Dataset data, int count, ulong key)
    {
        var classes = Enumerable.Range(0, data.Count).Where(i => data.Label(i) >= 0).GroupBy(data.Label).OrderBy(group => group.Key).Select(group => group.ToArray()).ToList();
        var labelled = classes.Sum(members => members.Length);
        var exact = classes.Select(members => (double)members.Length * count / labelled).ToArray();
        var shares = exact.Select(share => (int)Math.Floor(share)).ToArray();
        foreach (var i in Enumerable.Range(0, exact.Length).OrderByDescending(i => exact[i] - shares[i]).ThenBy(i => i).Take(count - shares.Sum()))
        {
            shares[i]++;
        }

        var taken = new bool[data.Count];
        for (var i = 0; i < classes.Count; i++)
        {
            new StableRandom(StableRandom.Key(key, (ulong)i)).Shuffle(classes[i]);
            foreach (var member in classes[i].Take(shares[i]))
            {
                taken[member] = true;
            }
        }

        return ([.. Enumerable.Range(0, data.Count).Where(i => taken[i])], [.. Enumerable.Range(0, data.Count).Where(i => !taken[i])]);
    }
}
