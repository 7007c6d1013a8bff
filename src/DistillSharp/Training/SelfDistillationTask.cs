using DistillSharp.Config;
using DistillSharp.Data;
using DistillSharp.Export.Onnx;
using DistillSharp.Losses;
using DistillSharp.Losses.Logits;
using DistillSharp.Models;
using DistillSharp.Signals;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DistillSharp.Training;

/// <summary>
/// Self-distillation by depth (Zhang et al., Be Your Own Teacher, ICCV 2019, section 3): heads on intermediate layers learn from
/// hard labels, from the deepest head's soft targets, and from the deepest feature.
/// Head i: (1 − α)·CE + α·T²·KL(deepest ‖ head i) + λ·mean((Fᵢ − F)²); the deepest head: CE.
/// </summary>
public sealed class SelfDistillationTask : TrainingTask
{
    private const string DeepestFeature = "penultimate";

    private readonly SelfDistillationOptions _options;
    private readonly StagePlan _stage;
    private readonly SignalReader _student;
    private readonly AuxiliaryHead[] _heads;

    /// <summary>Builds one head for each of the option's feature points.</summary>
    /// <exception cref="ArgumentException">A feature point does not exist or cannot carry a head.</exception>
    public SelfDistillationTask(Network student, SelfDistillationOptions options, StagePlan stage, Batch probe)
    {
        Student = student;
        _options = options;
        _stage = stage;
        _student = new SignalReader(student, options.Heads.Append(DeepestFeature));
        var shapes = _student.Probe(probe);
        var classes = shapes.Logits[^1];
        var depth = shapes.Features[DeepestFeature][1];
        _heads = [.. options.Heads.Select(name => new AuxiliaryHead(name, shapes.Features[name], depth, classes))];
        foreach (var head in _heads)
        {
            head.to(probe.Input.device);
        }

        Companions = new ModuleBag(_heads.Select(head => (head.GetName(), (nn.Module)head)));
        TrainedParameters = CollectParameters();
    }

    /// <inheritdoc/>
    public override Network Student { get; }

    /// <inheritdoc/>
    public override nn.Module Companions { get; }

    /// <inheritdoc/>
    public override IReadOnlyList<(string Name, Parameter Parameter)> TrainedParameters { get; }

    /// <inheritdoc/>
    public override bool DeploysCompanions => _options.KeepHeads;

    /// <summary>
    /// The heads as early exits <c>exit_&lt;feature&gt;</c>, where the options keep them: copies, which the caller disposes.
    /// </summary>
    public IReadOnlyList<EarlyExit> TakeExits() => !_options.KeepHeads
        ? []
        : [.. _heads.Select(head => new EarlyExit($"exit_{head.FeaturePoint}", Student.FindFeature(head.FeaturePoint), head.CopyLayers()))];

    /// <inheritdoc/>
    public override IReadOnlyList<LossPart> Compute(Batch batch, Progress progress)
    {
        var signals = _student.Read(batch);
        var deepestLogits = signals.Logits.Value.detach();
        var deepestFeature = signals.Features[DeepestFeature].Value.detach();
        var hardWeight = _stage.HardLabels.ValueAt(progress);
        var softWeight = _options.SoftWeight.ValueAt(progress);
        var hintWeight = _options.HintWeight.ValueAt(progress);
        var smoothing = _stage.Training.LabelSmoothing;
        var parts = new List<LossPart> { new(OfflineTask.HardLabelPart, HardLabels.CrossEntropy(signals.Logits.Value, batch, smoothing), hardWeight) };
        foreach (var head in _heads)
        {
            var (feature, logits) = head.call(signals.Features[head.FeaturePoint].Value);
            var name = head.GetName();
            parts.Add(new LossPart($"{name}.hard_labels", HardLabels.CrossEntropy(logits, batch, smoothing), hardWeight * (1 - softWeight)));
            parts.Add(new LossPart($"{name}.soft_target", SoftTargetLoss.Compute(logits, deepestLogits, _options.Temperature.ValueAt(progress)), softWeight));
            if (hintWeight > 0)
            {
                var distance = (feature - deepestFeature).square().mean();
                parts.Add(new LossPart($"{name}.hint", LossTerm.FromMean(distance, batch.Count), hintWeight));
            }
        }

        return parts;
    }

    /// <inheritdoc/>
    public override double CountOf(string part, Batch batch) =>
        part.EndsWith(OfflineTask.HardLabelPart, StringComparison.Ordinal) ? LabelledSamples(batch) : batch.Count;

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        _student.Dispose();
        base.Dispose(disposing);
    }
}

/// <summary>
/// A classifier on an intermediate feature: a bottleneck to the deepest feature's width (1×1 convolution, batch-norm, ReLU and
/// global average pooling for maps; linear and ReLU for vectors), then a linear layer.
/// </summary>
public sealed class AuxiliaryHead : nn.Module<Tensor, (Tensor Feature, Tensor Logits)>
{
    private readonly nn.Module<Tensor, Tensor> bottleneck;
    private readonly Linear classifier;
    private readonly IReadOnlyList<long> _shape;

    /// <summary>A head for features of the given shape (batch axis first).</summary>
    /// <exception cref="ArgumentException">The feature is neither [N, C, H, W] nor [N, D].</exception>
    public AuxiliaryHead(string featurePoint, IReadOnlyList<long> shape, long depth, long classes)
        : base("head_" + featurePoint.Replace('.', '_'))
    {
        FeaturePoint = featurePoint;
        _shape = shape;
        bottleneck = shape.Count switch
        {
            4 => nn.Sequential(
                ("conv", nn.Conv2d(shape[1], depth, 1, bias: false)), ("norm", nn.BatchNorm2d(depth)), ("relu", nn.ReLU()),
                ("pool", nn.AdaptiveAvgPool2d(1)), ("flatten", nn.Flatten())),
            2 => nn.Sequential(("linear", nn.Linear(shape[1], depth)), ("relu", nn.ReLU())),
            _ => throw new ArgumentException($"a head needs a feature map [N, C, H, W] or a vector [N, D]; `{featurePoint}` is [{string.Join(", ", shape)}]"),
        };
        classifier = nn.Linear(depth, classes);
        RegisterComponents();
    }

    /// <summary>Where the head sits.</summary>
    public string FeaturePoint { get; }

    /// <summary>Copies of the bottleneck and the classifier, for export as an early exit.</summary>
    public IReadOnlyList<nn.Module<Tensor, Tensor>> CopyLayers()
    {
        var copy = new AuxiliaryHead(FeaturePoint, _shape, classifier.weight!.shape[1], classifier.weight!.shape[0]);
        copy.load_state_dict(state_dict());
        copy.eval();
        return [copy.bottleneck, copy.classifier];
    }

    /// <inheritdoc/>
    public override (Tensor Feature, Tensor Logits) forward(Tensor input)
    {
        var feature = bottleneck.call(input);
        return (feature, classifier.call(feature));
    }
}
