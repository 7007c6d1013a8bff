using DistillSharp.Config;

namespace DistillSharp.Recipes;

/// <summary>How a sweep chooses what to try.</summary>
public enum SweepSearch
{
    /// <summary>Halton's sequence with a random shift (Halton 1960): any number of trials covers the space evenly.</summary>
    LowDiscrepancy,

    /// <summary>Every value drawn by itself (Bergstra and Bengio, JMLR 2012).</summary>
    Random,

    /// <summary>Combinations of evenly spaced values.</summary>
    Grid,
}

/// <summary>What <c>distill sweep</c> tries: keys of <c>sweep:</c>. Runs take no notice of it.</summary>
public sealed record SweepSection
{
    /// <summary>Settings that every arm tries.</summary>
    [Option("different settings that every arm tries, the same number for all", Min = 1, Max = 100000)]
    public int Trials { get; init; } = 12;

    /// <summary>How they are chosen.</summary>
    [Option("how settings are chosen")]
    public SweepSearch Search { get; init; } = SweepSearch.LowDiscrepancy;

    /// <summary>Metric on the validation split that chooses; null for the one by which runs choose.</summary>
    [Option("metric on the validation split that chooses the best, of equals the first; by default the one by which runs choose, such as top1")]
    public string? Select { get; init; }

    /// <summary>Seed of the settings and of the trials' weights and order, kept apart from the seeds of the table.</summary>
    [Option("seed of the trials; should not be one of `seeds`")]
    public int Seed { get; init; } = 1000;

    /// <summary>Epochs of a trial; null for as many as in a run.</summary>
    [Option("epochs of a trial where they are not those of the run; the last stage changes", Min = 1)]
    public int? Epochs { get; init; }

    /// <summary>Recipe keys and the values that they may take.</summary>
    [Option("recipe keys, each with the values to try: a list, `0.01..0.3` (on a logarithmic scale where it begins above 0), or a map with from, to, scale (linear or log) and whole; learning rate, temperatures and weights by default")]
    public ConfigNode? Space { get; init; }
}

/// <summary>A range of values: the map form of a key of <c>sweep.space</c>.</summary>
public sealed record SweepRange : ICheckedOptions
{
    /// <summary>Smallest value.</summary>
    [Option("smallest value", Required = true)]
    public double From { get; init; }

    /// <summary>Largest value.</summary>
    [Option("largest value", Required = true)]
    public double To { get; init; }

    /// <summary><c>linear</c> or <c>log</c>; null for log where <see cref="From"/> is above 0.</summary>
    [Option("linear or log; log by default where from is above 0", OneOf = ["linear", "log"])]
    public string? Scale { get; init; }

    /// <summary>Whole numbers alone.</summary>
    [Option("whole numbers alone")]
    public bool Whole { get; init; }

    /// <summary>True where equal ratios are equally likely.</summary>
    internal bool IsLogarithmic => Scale is null ? From > 0 : Scale == "log";

    /// <inheritdoc/>
    public void Check(ConfigNode node, ConfigErrors errors)
    {
        if (From >= To)
        {
            errors.Add(node, "must have a `to` above its `from`");
        }
        else if (Scale == "log" && From <= 0)
        {
            errors.Add(node, "must begin above 0 on a logarithmic scale");
        }
    }
}
