namespace DistillSharp.Data;

/// <summary>Training, validation and test samples; no sample is in two of them.</summary>
public sealed record DataSplits(Dataset Train, Dataset Validation, Dataset Test)
{
    /// <summary>Takes validation samples out of the training set, class by class.</summary>
    /// <param name="train">The whole training set.</param>
    /// <param name="test">The test set.</param>
    /// <param name="validation">Share of the training set that becomes validation.</param>
    /// <param name="seed">Seed of the split.</param>
    /// <param name="trainSamples">Keep only so many training samples (after validation is taken out); null for all.</param>
    /// <exception cref="InvalidDataException">A split would be empty, or more samples are asked for than there are.</exception>
    public static DataSplits Create(Dataset train, Dataset test, double validation, int seed, int? trainSamples = null)
    {
        var (held, rest) = Stratified(train, (int)Math.Round(validation * train.Count), StableRandom.Key((ulong)(uint)seed, 1));
        if (held.Length == 0 || rest.Length == 0)
        {
            throw new InvalidDataException($"{train.Info.Name}: a validation share of {validation} of {train.Count} samples leaves a split empty");
        }

        if (trainSamples is { } wanted)
        {
            if (wanted > rest.Length)
            {
                throw new InvalidDataException($"{train.Info.Name}: train_samples is {wanted}, but {rest.Length} training samples are left after validation");
            }

            var pool = train.Subset(rest);
            rest = [.. Stratified(pool, wanted, StableRandom.Key((ulong)(uint)seed, 2)).Taken.Select(i => rest[i])];
        }

        return new DataSplits(train.Subset(rest), train.Subset(held), test);
    }

    /// <summary>Splits off a test set of the given share, class by class, for sets that come without one.</summary>
    public static (Dataset Train, Dataset Test) HoldOutTest(Dataset all, double share, int seed)
    {
        var (taken, left) = Stratified(all, (int)Math.Round(share * all.Count), StableRandom.Key((ulong)(uint)seed, 3));
        return (all.Subset(left), all.Subset(taken));
    }

    // Each class gives its share; what rounding leaves goes to the classes with the largest remainders. Positions stay in order.
    private static (int[] Taken, int[] Left) Stratified(Dataset data, int count, ulong key)
    {
        var classes = Enumerable.Range(0, data.Count).GroupBy(data.Label).OrderBy(group => group.Key).Select(group => group.ToArray()).ToList();
        var exact = classes.Select(members => (double)members.Length * count / data.Count).ToArray();
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
