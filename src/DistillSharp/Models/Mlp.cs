using DistillSharp.Config;
using DistillSharp.Data;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DistillSharp.Models;

/// <summary>Options of <see cref="Mlp"/>.</summary>
public sealed record MlpOptions
{
    /// <summary>Units of each hidden layer; an empty list makes a linear classifier.</summary>
    [Option("Units of each hidden layer, from the input on.", Min = 1, Max = 1_000_000)]
    public IReadOnlyList<int> Widths { get; init; } = [800, 800];

    /// <summary>Share of hidden units dropped in training.</summary>
    [Option("Share of hidden units dropped in training.", Min = 0, Max = 0.99)]
    public double Dropout { get; init; }

    /// <summary>Share of inputs dropped in training.</summary>
    [Option("Share of inputs dropped in training.", Min = 0, Max = 0.99)]
    public double InputDropout { get; init; }

    /// <summary>Largest L2 norm of the incoming weights of a hidden unit; 0 for none.</summary>
    [Option("Largest L2 norm of the incoming weights of each hidden unit, kept after every step; 0 for none.", Min = 0)]
    public double MaxNorm { get; init; }

    internal IReadOnlyList<FeaturePoint> FeaturePoints() =>
    [
        .. Enumerable.Range(1, Widths.Count).Select(layer => new FeaturePoint($"hidden{layer}", $"relu{layer}")),
        new FeaturePoint("penultimate", "fc", FeatureSide.Input),
        new FeaturePoint("logits", "fc"),
    ];
}

/// <summary>
/// A fully connected network: any input is flattened, then <c>fcK, reluK</c> (and dropout) a hidden layer, then <c>fc</c>.
/// Feature points: <c>hidden1</c>… (after the ReLU), <c>penultimate</c> (what the classifier is given), <c>logits</c>.
/// </summary>
public sealed class Mlp : LayeredNetwork
{
    private readonly List<Linear> _hidden = [];
    private readonly double _maxNorm;

    /// <summary>Builds the network for samples and classes of <paramref name="data"/>.</summary>
    public Mlp(MlpOptions options, DatasetInfo data)
        : base("mlp")
    {
        var width = InputShapes.Size(data);
        var classes = InputShapes.Classes(data, "mlp");
        Append("flatten", nn.Flatten());
        if (options.InputDropout > 0)
        {
            Append("input_dropout", new InvertedDropout(options.InputDropout));
        }

        for (var layer = 1; layer <= options.Widths.Count; layer++)
        {
            var linear = nn.Linear(width, options.Widths[layer - 1]);
            _hidden.Add(linear);
            Append($"fc{layer}", linear);
            Append($"relu{layer}", nn.ReLU());
            if (options.Dropout > 0)
            {
                Append($"dropout{layer}", new InvertedDropout(options.Dropout));
            }

            width = options.Widths[layer - 1];
        }

        Append("fc", nn.Linear(width, classes));
        FeaturePoints = options.FeaturePoints();
        _maxNorm = options.MaxNorm;
    }

    /// <inheritdoc/>
    public override IReadOnlyList<FeaturePoint> FeaturePoints { get; }

    /// <inheritdoc/>
    public override string ClassifierPath => "fc";

    /// <summary>Scales the incoming weights of every hidden unit whose L2 norm exceeds the bound down to it.</summary>
    public override void ApplyConstraints()
    {
        if (_maxNorm <= 0)
        {
            return;
        }

        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        foreach (var linear in _hidden)
        {
            var weight = linear.weight!;
            var norms = weight.square().sum(1, keepdim: true).sqrt();
            weight.mul_((_maxNorm / norms.clamp_min(1e-12)).clamp_max(1));
        }
    }
}
