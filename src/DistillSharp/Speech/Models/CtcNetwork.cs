using DistillSharp.Config;
using DistillSharp.Data;
using DistillSharp.Models;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DistillSharp.Speech.Models;

/// <summary>Options of every network of connectionist temporal classification.</summary>
public abstract record CtcModelOptions : SpeechModelOptions
{
    /// <summary>Layers.</summary>
    public abstract int Layers { get; init; }

    /// <summary>Layers, counted from 1, with a head of their own.</summary>
    [Option("layers, counted from 1, that have a CTC head of their own (inter1 …) for ctc_intermediate", Min = 1)]
    public IReadOnlyList<int> Heads { get; init; } = [];

    /// <inheritdoc/>
    public override void Check(ConfigNode node, ConfigErrors errors)
    {
        base.Check(node, errors);
        if (Heads.Any(head => head >= Layers) || Heads.Distinct().Count() != Heads.Count)
        {
            errors.Add(node.PathOf("heads"), $"names layers, each once, before the last of {Layers}, which has the output itself", node.Line);
        }
    }

    /// <summary>Feature points of a network with these options.</summary>
    public IEnumerable<FeaturePoint> FeaturePoints() =>
    [
        .. Enumerable.Range(1, Layers).Select(layer => new FeaturePoint($"layer{layer}", $"layer{layer}.norm")),
        .. Heads.Order().Select(layer => new FeaturePoint($"inter{layer}", $"head{layer}")),
        new FeaturePoint("logits", "classifier"),
    ];
}

/// <summary>Speech to symbols, frame by frame: layers behind the convolutions, a linear layer, and heads on inner layers where they are asked for.</summary>
public abstract class CtcNetwork : SpeechNetwork
{
    private readonly SortedDictionary<int, Linear> _heads = [];
    private readonly CtcModelOptions _options;
    private Linear? _classifier;

    /// <summary>Begins it; layers follow by <see cref="Add"/>.</summary>
    private protected CtcNetwork(string name, CtcModelOptions options, DatasetInfo data)
        : base(name, options, data)
    {
        _options = options;
        FeaturePoints = [.. options.FeaturePoints()];
    }

    /// <inheritdoc/>
    public override IReadOnlyList<FeaturePoint> FeaturePoints { get; }

    /// <inheritdoc/>
    public override string? ClassifierPath => "classifier";

    /// <inheritdoc/>
    public override Tensor Logits(Batch batch) => Forward(batch.Input, batch.Lengths[Batch.DefaultInput]);

    /// <summary>Logits [N, T′, classes] of features [N, T, mels] with their lengths [N].</summary>
    public Tensor Forward(Tensor features, Tensor lengths)
    {
        var (hidden, ends) = Subsample(features, lengths);
        var (start, shared) = Begin(hidden, ends);
        hidden = start;
        for (var layer = 1; layer <= _options.Layers; layer++)
        {
            hidden = Layer(layer, hidden, shared);
            // Taps expect every watched module to be reached, and heads cost little.
            if (_heads.TryGetValue(layer, out var head))
            {
                head.call(hidden);
            }
        }

        return _classifier!.call(hidden);
    }

    /// <inheritdoc/>
    public override Tensor? MaskOfLogits(Tensor logits, Batch batch) => FrameMask(batch).to(logits.dtype);

    /// <inheritdoc/>
    public override Tensor? MaskOf(string feature, Batch batch) => FrameMask(batch);

    /// <summary>The next layer with its head if it has one, and after the last one the output.</summary>
    private protected void Add(int layer, nn.Module module, long width)
    {
        register_module($"layer{layer}", module);
        if (_options.Heads.Contains(layer))
        {
            _heads[layer] = nn.Linear(width, Sound.Classes);
            register_module($"head{layer}", _heads[layer]);
        }

        if (layer == _options.Layers)
        {
            _classifier = nn.Linear(width, Sound.Classes);
            register_module("classifier", _classifier);
        }
    }

    /// <summary>What the first layer reads, and what all layers need to know of the lengths.</summary>
    /// <param name="frames">[N, T′, channels].</param>
    /// <param name="lengths">Valid frames [N].</param>
    private protected abstract (Tensor Hidden, Tensor? Shared) Begin(Tensor frames, Tensor lengths);

    /// <summary>One layer, counted from 1.</summary>
    private protected abstract Tensor Layer(int layer, Tensor hidden, Tensor? shared);
}
