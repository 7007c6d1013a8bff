using DistillSharp.Config;
using DistillSharp.Data;
using DistillSharp.Losses;
using DistillSharp.Losses.Logits;
using DistillSharp.Models;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DistillSharp.Training;

/// <summary>Options of <c>last_batch_self</c>: predictions of the step before are soft targets of this one.</summary>
public sealed record LastBatchSelfOptions
{
    /// <summary>Temperature of both softmaxes.</summary>
    [Option("temperature of both softmaxes", Min = 0, AboveMin = true)]
    public ValueSchedule Temperature { get; init; } = 3;

    /// <summary>Weight α of the consistency with the step before.</summary>
    [Option("weight of the divergence from the last step's predictions (the paper's alpha)", Min = 0)]
    public ValueSchedule Weight { get; init; } = 1;
}

/// <summary>
/// Self-distillation from the last mini-batch (Shen et al., CVPR 2022, section 3): a step sees the samples of the step before once
/// more, in another random view, and new ones. CE over both + α·T²·KL(last step's prediction ‖ prediction now) over the former.
/// </summary>
public sealed class LastBatchSelfTask : TrainingTask
{
    private const string LastBatchPart = "last_batch";

    private readonly LastBatchSelfOptions _options;
    private readonly StagePlan _stage;
    private readonly LastPredictions _last;

    /// <summary>Makes room for the predictions of one batch.</summary>
    /// <exception cref="ArgumentException">The source brings no batch before along, gradients are accumulated, or logits are not [N, C].</exception>
    public LastBatchSelfTask(LastBatchSelfOptions options, TaskContext context)
    {
        if (context.Source.Partner != BatchPartner.PreviousBatch)
        {
            throw new ArgumentException($"last_batch_self needs a source whose {nameof(IBatchSource.Partner)} is {BatchPartner.PreviousBatch}, not {context.Source.Partner}");
        }

        if (Refuses(context.Stage.Training).FirstOrDefault() is { Key: not null } fault)
        {
            throw new ArgumentException($"{fault.Key}: {fault.Message}");
        }

        (_options, _stage, Student) = (options, context.Stage, context.Student);
        var classes = context.LogitClasses("last_batch_self");
        _last = new LastPredictions(_stage.Training.BatchSize, classes);
        _last.to(context.Probe.Input.device);
        Companions = new ModuleBag([("last", _last)]);
        TrainedParameters = CollectParameters();
    }

    /// <summary>The catalog's entry.</summary>
    public static SchemeEntry Entry { get; } = new(
        "last_batch_self", "half of a step's samples are those of the step before, whose predictions are their soft targets; no teacher",
        "Shen, Xu, Yang, Li, Guo: Self-Distillation from the Last Mini-Batch for Consistency Regularization, CVPR 2022", typeof(LastBatchSelfOptions), NeedsTeacher: false,
        (options, context) => new LastBatchSelfTask((LastBatchSelfOptions)options, context))
    {
        OneStage = true,
        Partner = BatchPartner.PreviousBatch,
        Refuses = (_, training) => Refuses(training),
    };

    /// <inheritdoc/>
    public override Network Student { get; }

    /// <inheritdoc/>
    public override nn.Module Companions { get; }

    /// <inheritdoc/>
    public override IReadOnlyList<(string Name, Parameter Parameter)> TrainedParameters { get; }

    /// <inheritdoc/>
    public override IReadOnlyList<LossPart> Compute(Batch batch, Progress progress)
    {
        var labels = batch.Targets ?? throw new InvalidOperationException("last_batch_self needs hard labels");
        var logits = Student.Logits(batch);
        var hardLabels = HardLabels.CrossEntropy(logits, labels, _stage.Training.LabelSmoothing);
        var hardWeight = _stage.HardLabels.ValueAt(progress);
        if (batch.Partner is not { } before)
        {
            _last.Keep(batch.SampleIds, logits);
            return [new LossPart(OfflineTask.HardLabelPart, hardLabels, hardWeight)];
        }

        var again = Student.Logits(before);
        var repeated = HardLabels.CrossEntropy(again, before.Targets!, _stage.Training.LabelSmoothing);
        var consistency = SoftTargetLoss.Compute(again, _last.Of(before.SampleIds), _options.Temperature.ValueAt(progress));
        _last.Keep(batch.SampleIds, logits);
        return
        [
            new LossPart(OfflineTask.HardLabelPart, new LossTerm(hardLabels.Sum + repeated.Sum, hardLabels.Count + repeated.Count), hardWeight),
            new LossPart(LastBatchPart, consistency, _options.Weight.ValueAt(progress)),
        ];
    }

    /// <inheritdoc/>
    public override double CountOf(string part, Batch batch) => part == LastBatchPart
        ? batch.Partner?.Count ?? 0
        : LabelledSamples(batch) + (batch.Partner is { } before ? LabelledSamples(before) : 0);

    private static IEnumerable<TrainingFault> Refuses(TrainingOptions training)
    {
        if (training.Accumulate > 1)
        {
            yield return new TrainingFault("accumulate", "must be 1: last_batch_self learns from the predictions of the step before, so every batch is a step; raise batch_size instead");
        }
    }
}

/// <summary>The logits of the last batch, in buffers, which checkpoints hold.</summary>
internal sealed class LastPredictions : nn.Module
{
    // Names are the keys under which the buffers are saved.
    private readonly Tensor logits;
    private readonly Tensor ids;

    public LastPredictions(long batchSize, long classes)
        : base("last_predictions")
    {
        logits = zeros([batchSize, classes], ScalarType.Float32).DetachFromDisposeScope();
        ids = full([batchSize], -1, ScalarType.Int64).DetachFromDisposeScope();
        RegisterComponents();
    }

    /// <summary>A copy of the logits [N, C] that were kept for a batch.</summary>
    /// <exception cref="InvalidOperationException">Another batch was kept.</exception>
    public Tensor Of(long[] sampleIds)
    {
        var kept = ids.cpu().data<long>().ToArray();
        return kept.AsSpan(0, Math.Min(kept.Length, sampleIds.Length)).SequenceEqual(sampleIds)
            ? logits.narrow(0, 0, sampleIds.Length).clone()
            : throw new InvalidOperationException("last_batch_self was given a batch that is not the one of the step before; train in one stage, with batches in the order of their source");
    }

    /// <summary>Keeps the logits [N, C] of a batch.</summary>
    public void Keep(long[] sampleIds, Tensor values)
    {
        using var noGradient = no_grad();
        logits.narrow(0, 0, sampleIds.Length).copy_(values.detach());
        ids.narrow(0, 0, sampleIds.Length).copy_(tensor(sampleIds));
    }
}
