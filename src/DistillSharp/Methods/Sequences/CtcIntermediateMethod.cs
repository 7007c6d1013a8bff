using DistillSharp.Config;
using DistillSharp.Losses;
using DistillSharp.Losses.Sequences;
using DistillSharp.Methods.Features;
using static TorchSharp.torch;

namespace DistillSharp.Methods.Sequences;

/// <summary>Options of <c>ctc_intermediate</c>.</summary>
public sealed record CtcIntermediateOptions
{
    /// <summary>Temperature of both softmaxes.</summary>
    [Option("temperature of both softmaxes", Min = 0, AboveMin = true)]
    public ValueSchedule Temperature { get; init; } = 1;

    /// <summary>Share of the transcripts' CTC loss in each head's loss; the teacher has the rest.</summary>
    [Option("share of the transcripts' CTC loss in the loss of each intermediate head; the rest is the teacher's", Min = 0, Max = 1)]
    public double HardLabels { get; init; } = 0.5;
}

/// <summary>
/// Inter-KD: CTC heads on the student's inner layers learn from the teacher's output (or its own heads) and from the transcripts. The heads
/// are the student's feature points <c>inter1</c>, <c>inter2</c> …; the teacher's output is its feature point <c>logits</c>.
/// </summary>
public sealed class CtcIntermediateMethod(CtcIntermediateOptions options, MethodContext context) : FeatureMethod("ctc_intermediate", context)
{
    private readonly IReadOnlyList<string> _teacherFeatures = context.TeacherFeatures;

    /// <summary>The catalog's entry.</summary>
    public static MethodEntry Entry { get; } = new(
        "ctc_intermediate",
        "CTC: heads on the student's inner layers learn from the teacher and the transcripts",
        "Yoon et al., Inter-KD: Intermediate Knowledge Distillation for CTC-Based Automatic Speech Recognition, SLT 2022",
        typeof(CtcIntermediateOptions),
        MethodTraits.UsesFeatures | MethodTraits.Sequences | MethodTraits.Ctc,
        (options, context) =>
        {
            var method = new CtcIntermediateMethod((CtcIntermediateOptions)options, context);
            method.CheckPairs((student, teacher) => CtcChecks.Require("ctc_intermediate", student, teacher));
            return method;
        })
    {
        Variant = "Any feature of the teacher with the same classes may teach a head; utterances without transcripts learn from the teacher alone.",
    };

    /// <inheritdoc/>
    protected override bool AcceptsMasks => true;

    /// <inheritdoc/>
    public override LossTerm Compute(MethodInput input)
    {
        var (student, teacher) = FeaturesOf(input);
        var masks = MasksOf(input);
        var temperature = options.Temperature.ValueAt(input.Progress);
        var sums = student.Select((own, i) =>
        {
            var mask = input.Teacher.Features[_teacherFeatures[i]].Mask;
            var soft = CtcLoss.Frames(own, teacher[i].detach(), masks[i], mask, temperature, FrameSelection.All, 0).Sum;
            return input.Batch.Targets is { } targets && targets.dim() == 2 && options.HardLabels > 0
                ? (soft * (1 - options.HardLabels)) + (CtcLoss.LabelsByUtterance(own, masks[i], targets).Sum * options.HardLabels)
                : soft;
        });
        return new LossTerm(sums.Aggregate((sum, next) => sum + next), input.Batch.Count);
    }

    /// <inheritdoc/>
    protected override Tensor Loss(IReadOnlyList<Tensor> student, IReadOnlyList<Tensor> teacher, Progress progress) =>
        SumOverPairs(student, teacher, (_, own, other) => CtcLoss.Frames(own, other, null, null, options.Temperature.ValueAt(progress), FrameSelection.All, 0).Mean);
}
