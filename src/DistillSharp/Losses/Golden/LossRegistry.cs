using DistillSharp.Config;
using static TorchSharp.torch;

namespace DistillSharp.Losses.Golden;

/// <summary>Computes a method's loss, a scalar, from the options and inputs of a vector file.</summary>
public delegate Tensor GoldenLoss(GoldenOptions options, GoldenInputs inputs);

/// <summary>Which method names of vector files are known, and how each is computed.</summary>
public sealed class LossRegistry
{
    private readonly SortedDictionary<string, GoldenLoss> _losses = new(StringComparer.Ordinal);

    /// <summary>Known method names.</summary>
    public IReadOnlyCollection<string> Names => _losses.Keys;

    /// <summary>Adds a loss.</summary>
    /// <exception cref="ArgumentException">The name is taken.</exception>
    public LossRegistry Add(string method, GoldenLoss loss) => _losses.TryAdd(method, loss)
        ? this
        : throw new ArgumentException($"a loss named `{method}` exists already");

    /// <summary>The loss of that method.</summary>
    /// <exception cref="GoldenFormatException">There is none; the message lists the known names, nearest first.</exception>
    public GoldenLoss Get(string method) => _losses.TryGetValue(method, out var loss)
        ? loss
        : throw new GoldenFormatException($"unknown method `{method}`; {NearestName.Hint(method, _losses.Keys)}");

    /// <summary>Every loss of this library.</summary>
    public static LossRegistry Default()
    {
        var registry = new LossRegistry();
        LogitLosses.Register(registry);
        RelationLosses.Register(registry);
        SequenceLosses.Register(registry);
        FeatureLosses.Register(registry);
        return registry;
    }
}
