using DistillSharp.Config;
using DistillSharp.Data;
using DistillSharp.Losses;
using DistillSharp.Losses.Logits;
using DistillSharp.Models;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DistillSharp.Training;

/// <summary>Options of <c>class_wise_self</c>: samples of a class predict alike.</summary>
public sealed record ClassWiseSelfOptions
{
    /// <summary>Temperature of both softmaxes.</summary>
    [Option("temperature of both softmaxes", Min = 0, AboveMin = true)]
    public ValueSchedule Temperature { get; init; } = 4;

    /// <summary>Weight λ of the divergence against the hard labels.</summary>
    [Option("weight of the divergence from the partner's prediction (the paper's lambda)", Min = 0)]
    public ValueSchedule Weight { get; init; } = 1;
}

/// <summary>
/// Class-wise self-knowledge distillation (Yun, Park, Lee, Shin, CVPR 2020, section 2): CE + λ·T²·KL(p′ ‖ p), where p′ is the
/// network's own prediction, without gradient, for another sample of the same class.
/// </summary>
public sealed class ClassWiseSelfTask : TrainingTask
{
    private readonly ClassWiseSelfOptions _options;
    private readonly StagePlan _stage;

    /// <summary>A task over batches of pairs.</summary>
    /// <exception cref="ArgumentException">The source brings no partners of the same class along.</exception>
    public ClassWiseSelfTask(ClassWiseSelfOptions options, TaskContext context)
    {
        if (context.Source.Partner != BatchPartner.SameClass)
        {
            throw new ArgumentException($"class_wise_self needs batches of pairs, from a source whose {nameof(IBatchSource.Partner)} is {BatchPartner.SameClass}, not {context.Source.Partner}");
        }

        (_options, _stage, Student) = (options, context.Stage, context.Student);
        Companions = new ModuleBag([]);
        TrainedParameters = CollectParameters();
    }

    /// <summary>The catalog's entry.</summary>
    public static SchemeEntry Entry { get; } = new(
        "class_wise_self", "the network's prediction for another sample of the class is the soft target; no teacher",
        "Yun, Park, Lee, Shin: Regularizing Class-wise Predictions via Self-knowledge Distillation, CVPR 2020", typeof(ClassWiseSelfOptions), NeedsTeacher: false,
        (options, context) => new ClassWiseSelfTask((ClassWiseSelfOptions)options, context))
    {
        Partner = BatchPartner.SameClass,
    };

    /// <inheritdoc/>
    public override Network Student { get; }

    /// <inheritdoc/>
    public override nn.Module Companions { get; }

    /// <inheritdoc/>
    public override IReadOnlyList<(string Name, Parameter Parameter)> TrainedParameters { get; }

    /// <summary>T²·KL(softmax(partner/T) ‖ softmax(logits/T)) over labelled samples; no gradient reaches the partner.</summary>
    /// <param name="logits">[N, C].</param>
    /// <param name="partner">[N, C]: row by row, of another sample of the class.</param>
    /// <param name="labels">int64 [N]; −1 leaves a sample out.</param>
    /// <param name="temperature">T, above 0.</param>
    public static LossTerm FromPartner(Tensor logits, Tensor partner, Tensor labels, double temperature)
    {
        var labelled = labels.ge(0).nonzero().reshape(-1);
        return SoftTargetLoss.Compute(logits.index_select(0, labelled), partner.detach().index_select(0, labelled), temperature);
    }

    /// <inheritdoc/>
    public override IReadOnlyList<LossPart> Compute(Batch batch, Progress progress)
    {
        var labels = batch.Targets ?? throw new InvalidOperationException("class_wise_self needs hard labels");
        var logits = Student.Logits(batch);
        Tensor partner;
        using (no_grad())
        {
            partner = Student.Logits(batch.Partner!);
        }

        return
        [
            new LossPart(OfflineTask.HardLabelPart, HardLabels.CrossEntropy(logits, labels, _stage.Training.LabelSmoothing), _stage.HardLabels.ValueAt(progress)),
            new LossPart("class_wise", FromPartner(logits, partner, labels, _options.Temperature.ValueAt(progress)), _options.Weight.ValueAt(progress)),
        ];
    }

    /// <inheritdoc/>
    public override double CountOf(string part, Batch batch) => LabelledSamples(batch);
}
