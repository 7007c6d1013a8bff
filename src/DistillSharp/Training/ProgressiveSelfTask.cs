using DistillSharp.Config;
using DistillSharp.Data;
using DistillSharp.Losses;
using DistillSharp.Losses.Logits;
using DistillSharp.Models;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DistillSharp.Training;

/// <summary>Options of <c>progressive_self</c>: the network's own predictions of the epoch before soften the hard labels.</summary>
public sealed record ProgressiveSelfOptions
{
    /// <summary>Weight of the previous epoch's predictions in the last epoch; it grows from 0 in a straight line.</summary>
    [Option("weight of the previous epoch's predictions in the last epoch (the paper's alpha_T); it rises linearly with the epoch", Min = 0, Max = 1)]
    public double Alpha { get; init; } = 0.8;
}

/// <summary>
/// Progressive self-knowledge distillation (Kim, Ji, Yoon, Hwang, ICCV 2021, section 3): the target of a sample in epoch t
/// of T is (1 − αₜ)·one-hot + αₜ·softmax of the network's logits of it in epoch t − 1, with αₜ = α·t/T.
/// </summary>
public sealed class ProgressiveSelfTask : TrainingTask
{
    private const string PreviousPart = "previous_epoch";

    private readonly ProgressiveSelfOptions _options;
    private readonly StagePlan _stage;
    private readonly PredictionMemory _memory;

    /// <summary>Makes room for one prediction of every training sample.</summary>
    /// <exception cref="ArgumentException">The logits are not [N, C].</exception>
    public ProgressiveSelfTask(ProgressiveSelfOptions options, TaskContext context)
    {
        (_options, _stage, Student) = (options, context.Stage, context.Student);
        var classes = context.LogitClasses("progressive_self");
        _memory = new PredictionMemory(context.Source.SampleCount, classes);
        _memory.to(context.Probe.Input.device);
        Companions = new ModuleBag([("memory", _memory)]);
        TrainedParameters = CollectParameters();
    }

    /// <summary>The catalog's entry.</summary>
    public static SchemeEntry Entry { get; } = new(
        "progressive_self", "the network's predictions of the epoch before soften the labels, more and more; no teacher",
        "Kim, Ji, Yoon, Hwang: Self-Knowledge Distillation with Progressive Refinement of Targets, ICCV 2021", typeof(ProgressiveSelfOptions), NeedsTeacher: false,
        (options, context) => new ProgressiveSelfTask((ProgressiveSelfOptions)options, context))
    {
        OneStage = true,
    };

    /// <inheritdoc/>
    public override Network Student { get; }

    /// <inheritdoc/>
    public override nn.Module Companions { get; }

    /// <inheritdoc/>
    public override IReadOnlyList<(string Name, Parameter Parameter)> TrainedParameters { get; }

    /// <summary>αₜ at a point of training: α·t/T with epochs t counted from 1.</summary>
    public static double WeightAt(double alpha, Progress progress) => alpha * (Math.Floor(progress.Epoch) + 1) / progress.TotalEpochs;

    /// <summary>Σ over labelled samples of −Σₖ targetₖ·log softmax(logits)ₖ, counted by them.</summary>
    /// <param name="logits">[N, C].</param>
    /// <param name="targets">Probabilities [N, C].</param>
    /// <param name="labels">int64 [N]; −1 leaves a sample out.</param>
    public static LossTerm SoftCrossEntropy(Tensor logits, Tensor targets, Tensor labels)
    {
        var labelled = labels.ge(0).to(ScalarType.Float32);
        var rows = -(targets.detach() * nn.functional.log_softmax(LossPrecision.Widen(logits), -1)).sum(-1);
        return new LossTerm((rows * labelled).sum(), labelled.sum().ToDouble());
    }

    /// <inheritdoc/>
    public override IReadOnlyList<LossPart> Compute(Batch batch, Progress progress)
    {
        var labels = batch.Targets ?? throw new InvalidOperationException("progressive_self needs hard labels");
        var logits = Student.Logits(batch);
        var previous = _memory.Exchange(batch.SampleIds, labels, logits);
        var alpha = WeightAt(_options.Alpha, progress);
        return
        [
            new LossPart(OfflineTask.HardLabelPart, HardLabels.CrossEntropy(logits, labels, _stage.Training.LabelSmoothing), _stage.HardLabels.ValueAt(progress) * (1 - alpha)),
            new LossPart(PreviousPart, SoftCrossEntropy(logits, previous, labels), alpha),
        ];
    }

    /// <inheritdoc/>
    public override double CountOf(string part, Batch batch) => LabelledSamples(batch);
}

/// <summary>The last prediction of every training sample; all of it in buffers, which checkpoints hold.</summary>
internal sealed class PredictionMemory : nn.Module
{
    // Names are the keys under which the buffers are saved.
    private readonly Tensor probabilities;
    private readonly Tensor ids;
    private readonly SampleSlots _slots;

    public PredictionMemory(long samples, long classes)
        : base("prediction_memory")
    {
        probabilities = zeros([samples, classes], ScalarType.Float32).DetachFromDisposeScope();
        ids = full([samples], -1, ScalarType.Int64).DetachFromDisposeScope();
        _slots = new SampleSlots(() => ids, "progressive_self");
        RegisterComponents();
    }

    /// <summary>The probabilities [N, C] that were kept for samples, one-hot labels where there are none yet; keeps those of the logits.</summary>
    public Tensor Exchange(long[] sampleIds, Tensor labels, Tensor logits)
    {
        using var noGradient = no_grad();
        var slots = tensor(_slots.Of(sampleIds)).to(ids.device);
        var kept = probabilities.index_select(0, slots);
        var isNew = kept.sum(1, keepdim: true).eq(0);
        var oneHot = nn.functional.one_hot(labels.clamp_min(0), probabilities.shape[1]).to(ScalarType.Float32);
        probabilities.index_copy_(0, slots, nn.functional.softmax(logits.detach().to(ScalarType.Float32), -1));
        return where(isNew, oneHot, kept);
    }
}
