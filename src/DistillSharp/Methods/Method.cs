using DistillSharp.Config;
using DistillSharp.Data;
using DistillSharp.Losses;
using DistillSharp.Signals;
using static TorchSharp.torch;

namespace DistillSharp.Methods;

/// <summary>What a method looks at in one step.</summary>
/// <param name="Student">The student's signals, with gradient.</param>
/// <param name="TeacherOrNone">The teacher's signals, without gradient; null where there is no teacher.</param>
/// <param name="Batch">The batch: hard labels, sample ids.</param>
/// <param name="Progress">Where training stands, for scheduled options.</param>
public sealed record MethodInput(ModelSignals Student, ModelSignals? TeacherOrNone, Batch Batch, Progress Progress)
{
    /// <summary>The teacher's signals.</summary>
    /// <exception cref="InvalidOperationException">There is no teacher, and the method does not declare that it needs none.</exception>
    public ModelSignals Teacher => TeacherOrNone ?? throw new InvalidOperationException(
        $"a method read the teacher, and there is none: only methods with the trait {nameof(MethodTraits.ReadsNoTeacher)} work without");
}

/// <summary>
/// One term of a distillation loss. It owns its projectors and memory (registered as child modules and buffers, so that they
/// are trained, moved and saved), and knows neither its weight nor the hard-label loss, the optimizer or the models.
/// </summary>
public abstract class Method(string name) : nn.Module(name)
{
    /// <summary>The loss of one batch.</summary>
    public abstract LossTerm Compute(MethodInput input);

    /// <summary>What the sum of a batch will be divided by, known before it is computed, for accumulation over several batches.</summary>
    public virtual double CountOf(Batch batch) => batch.Count;

    /// <summary>True where of logits [N, T, V] it counts valid positions: with networks of CTC frames, which only the networks know.</summary>
    internal virtual bool CountsPositions => false;
}

/// <summary>What a method is built from: shapes seen on one probe batch and the features it was given.</summary>
/// <param name="StudentShapes">Shapes of the student's signals.</param>
/// <param name="TeacherShapes">Shapes of the teacher's signals.</param>
/// <param name="StudentFeatures">The student's feature points of this term, in order.</param>
/// <param name="TeacherFeatures">The teacher's feature points of this term, in order, paired with the student's.</param>
/// <param name="Classes">Number of classes.</param>
/// <param name="TrainingSamples">Samples of the training split, for memory banks.</param>
/// <param name="Device">Where modules are to live.</param>
public sealed record MethodContext(
    SignalShapes StudentShapes,
    SignalShapes TeacherShapes,
    IReadOnlyList<string> StudentFeatures,
    IReadOnlyList<string> TeacherFeatures,
    int Classes,
    int TrainingSamples,
    Device Device)
{
    /// <summary>The teacher's network where it is live, for methods that read its parameters; null for a file.</summary>
    public Models.Network? TeacherNetwork { get; init; }

    /// <summary>The student's network, for methods that read its classifier; null where only shapes are known.</summary>
    public Models.Network? StudentNetwork { get; init; }
}

/// <summary>What the conformance suite and the validator must know about a method.</summary>
[Flags]
public enum MethodTraits
{
    /// <summary>Nothing special: a mean over samples of student and teacher logits.</summary>
    None = 0,

    /// <summary>Needs at least one pair of feature points.</summary>
    UsesFeatures = 1,

    /// <summary>Couples the samples of a batch: refuses accumulation and batches of one.</summary>
    CouplesSamples = 2,

    /// <summary>Adding a constant to all logits of a side changes nothing.</summary>
    ShiftInvariant = 4,

    /// <summary>Zero, with zero gradient, when student equals teacher.</summary>
    ZeroAtTeacher = 8,

    /// <summary>Owns trainable modules.</summary>
    HasProjectors = 16,

    /// <summary>Reads the teacher's parameters, so that the teacher must be a live network.</summary>
    NeedsTeacherParameters = 32,

    /// <summary>Reads hard labels.</summary>
    UsesLabels = 64,

    /// <summary>Works on [N, T, V] with a mask.</summary>
    Sequences = 128,

    /// <summary>Keeps memory keyed by sample id.</summary>
    UsesSampleIds = 256,

    /// <summary>Reads nothing of a teacher, so that the recipe needs none.</summary>
    ReadsNoTeacher = 512,

    /// <summary>Looks at quarter turns of every sample (<see cref="RotatedViews"/>), which must be square images.</summary>
    NeedsRotations = 1024,

    /// <summary>Has modules that learn from the teacher before the student is trained (<see cref="IPretrainedMethod"/>).</summary>
    Pretrains = 2048,

    /// <summary>Puts layers of its own in the place of the student's classifier (<see cref="IDeployedMethod"/>).</summary>
    Deploys = 4096,

    /// <summary>Compares frames of networks that CTC has trained: class 0 of both sides is blank.</summary>
    Ctc = 8192,

    /// <summary>Compares distributions position by position, which must be about the same on both sides: not frames of CTC.</summary>
    Tokens = 16384,
}

/// <summary>One method that recipes can name.</summary>
/// <param name="Name">Recipe name.</param>
/// <param name="Summary">One line for <c>distill list methods</c>.</param>
/// <param name="Paper">Authors, title, venue and year.</param>
/// <param name="OptionsType">Record of its options.</param>
/// <param name="Traits">What it needs and how it behaves.</param>
/// <param name="Create">Builds the term from its options and the probed shapes.</param>
public sealed record MethodEntry(
    string Name,
    string Summary,
    string Paper,
    Type OptionsType,
    MethodTraits Traits,
    Func<object, MethodContext, Method> Create)
{
    /// <summary>Which formula it is where papers and common code differ; null where there is one.</summary>
    public string? Variant { get; init; }

    /// <summary>The method inside it, by its options, whose needs it has too; null where there is none.</summary>
    internal Func<object, MethodEntry?> Inner { get; init; } = _ => null;

    /// <summary>What it does with a sample that one mixed of two (mixup, CutMix) has not; null where it takes mixed samples.</summary>
    internal string? WhyNotMixed =>
        Traits.HasFlag(MethodTraits.UsesLabels) ? "needs one hard label a sample"
        : Traits.HasFlag(MethodTraits.UsesSampleIds) ? "remembers each sample by its id, which must be one sample"
        : Traits.HasFlag(MethodTraits.NeedsRotations) ? "turns samples that must be of one class"
        : null;
}
