namespace DistillSharp.Training;

/// <summary>Loss parts summed over an epoch; divided at its end, so that short batches count for what they hold.</summary>
internal sealed class EpochLosses(TrainingState state)
{
    // Not a legal name of a term, so that it cannot meet one.
    private const string TotalPart = "(total)";

    private readonly Dictionary<string, double> _sums = new(state.PartSums);
    private readonly Dictionary<string, double> _counts = new(state.PartCounts);

    /// <summary>A copy of the sums so far, for a checkpoint.</summary>
    public IReadOnlyDictionary<string, double> Sums => new Dictionary<string, double>(_sums);

    /// <summary>A copy of the counts so far, for a checkpoint.</summary>
    public IReadOnlyDictionary<string, double> Counts => new Dictionary<string, double>(_counts);

    /// <summary>Takes in a part of a batch: its sum and what it is to be divided by.</summary>
    public void Add(string part, double sum, double count)
    {
        _sums[part] = _sums.GetValueOrDefault(part) + sum;
        _counts[part] = _counts.GetValueOrDefault(part) + count;
    }

    /// <summary>Takes in the weighted loss of a batch.</summary>
    public void AddTotal(double sum, double samples) => Add(TotalPart, sum, samples);

    /// <summary>The epoch's mean weighted loss and the mean of each part; begins anew.</summary>
    public (double Total, Dictionary<string, double> Parts) Take()
    {
        _sums.Remove(TotalPart, out var total);
        _counts.Remove(TotalPart, out var samples);
        var means = _sums.ToDictionary(entry => entry.Key, entry => entry.Value / Math.Max(1e-12, _counts[entry.Key]));
        _sums.Clear();
        _counts.Clear();
        return (total / Math.Max(1, samples), means);
    }
}
