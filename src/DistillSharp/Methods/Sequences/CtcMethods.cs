using DistillSharp.Config;
using DistillSharp.Losses;
using DistillSharp.Losses.Sequences;

namespace DistillSharp.Methods.Sequences;

/// <summary>Options of <c>ctc_frame</c>.</summary>
public sealed record CtcFrameOptions
{
    /// <summary>Temperature of both softmaxes.</summary>
    [Option("temperature of both softmaxes", Min = 0, AboveMin = true)]
    public ValueSchedule Temperature { get; init; } = 1;

    /// <summary>Which frames are compared.</summary>
    [Option("all: every frame; non_blank: the teacher's non-blank frames and their neighbours; symmetric: the same, blank frames weighing together as much as the others")]
    public FrameSelection Frames { get; init; } = FrameSelection.All;

    /// <summary>Neighbours of a non-blank frame on either side.</summary>
    [Option("frames on either side of a non-blank one that count with it", Min = 0, Max = 100)]
    public int Neighbours { get; init; } = 1;
}

/// <summary>Soft targets frame by frame: T²·KL(teacher ‖ student), a mean over the selected frames of each utterance.</summary>
public sealed class CtcFrameMethod(CtcFrameOptions options) : Method("ctc_frame")
{
    /// <summary>The catalog's entry.</summary>
    public static MethodEntry Entry { get; } = new(
        "ctc_frame",
        "CTC: soft targets frame by frame, all frames or those around the teacher's spikes",
        "Senior et al., Acoustic Modelling with CD-CTC-sMBR LSTM RNNs, ASRU 2015 (frame by frame); Takashima et al., An Investigation of a Knowledge Distillation Method for CTC Acoustic Models, ICASSP 2018",
        typeof(CtcFrameOptions),
        MethodTraits.ShiftInvariant | MethodTraits.ZeroAtTeacher | MethodTraits.Sequences | MethodTraits.Ctc,
        (options, context) =>
        {
            CtcChecks.Require("ctc_frame", context);
            return new CtcFrameMethod((CtcFrameOptions)options);
        })
    {
        Variant = "Every utterance counts once, whatever its length; sides of different frame rates meet at the coarser one by the maximum over frames.",
    };

    /// <inheritdoc/>
    public override LossTerm Compute(MethodInput input) => CtcLoss.Frames(
        input.Student.Logits.Value, input.Teacher.Logits.Value.detach(), input.Student.Logits.Mask, input.Teacher.Logits.Mask,
        options.Temperature.ValueAt(input.Progress), options.Frames, options.Neighbours);
}

/// <summary><c>ctc_guided</c> has no options.</summary>
public sealed record CtcGuidedOptions;

/// <summary>Guided CTC: at the frames of the teacher's spikes the student is to say the same symbols, so that both agree when they speak.</summary>
public sealed class CtcGuidedMethod() : Method("ctc_guided")
{
    /// <summary>The catalog's entry.</summary>
    public static MethodEntry Entry { get; } = new(
        "ctc_guided",
        "CTC: the student's spikes are drawn to the frames of the teacher's",
        "Kurata and Audhkhasi, Guiding CTC Posterior Spike Timings for Improved Posterior Fusion and Knowledge Distillation, Interspeech 2019",
        typeof(CtcGuidedOptions),
        MethodTraits.ShiftInvariant | MethodTraits.Sequences | MethodTraits.Ctc,
        (_, context) =>
        {
            CtcChecks.Require("ctc_guided", context);
            return new CtcGuidedMethod();
        })
    {
        Variant = "The paper sums over frames; here it is a mean over the spikes of each utterance, so that a weight fits utterances of any length.",
    };

    /// <inheritdoc/>
    public override LossTerm Compute(MethodInput input) => CtcLoss.Guided(
        input.Student.Logits.Value, input.Teacher.Logits.Value.detach(), input.Student.Logits.Mask, input.Teacher.Logits.Mask);
}

/// <summary>What terms of CTC outputs ask of networks.</summary>
internal static class CtcChecks
{
    /// <summary>Refuses networks without frames, or with other classes.</summary>
    /// <exception cref="ArgumentException">Logits are not [N, T, V], or the numbers of classes differ.</exception>
    public static void Require(string name, MethodContext context) => Require(name, context.StudentShapes.Logits, context.TeacherShapes.Logits);

    /// <summary>The same for any two outputs.</summary>
    /// <exception cref="ArgumentException">They are not [N, T, V], or the numbers of classes differ.</exception>
    public static void Require(string name, IReadOnlyList<long> student, IReadOnlyList<long> teacher)
    {
        if (student.Count != 3 || teacher.Count != 3 || student[2] != teacher[2])
        {
            throw new ArgumentException($"{name} needs outputs [batch, frames, classes] with the same classes on both sides, not [{string.Join(", ", student)}] and [{string.Join(", ", teacher)}]");
        }
    }
}
