using DistillSharp.Config;
using DistillSharp.Losses;
using DistillSharp.Losses.Logits;
using DistillSharp.Losses.Relations;
using DistillSharp.Signals;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DistillSharp.Methods.Relations;

/// <summary>Options of <c>sskd</c>.</summary>
public sealed record SskdOptions
{
    /// <summary>Weight of soft targets on the samples.</summary>
    [Option("weight of soft targets on the samples themselves", Min = 0)]
    public double SoftTargetWeight { get; init; } = 0.9;

    /// <summary>Weight of soft targets on turned views.</summary>
    [Option("weight of soft targets on turned views", Min = 0)]
    public double TransformedWeight { get; init; } = 2.7;

    /// <summary>Weight of similarities.</summary>
    [Option("weight of the similarities between turned views and samples", Min = 0)]
    public double SimilarityWeight { get; init; } = 10;

    /// <summary>Temperature of class probabilities.</summary>
    [Option("temperature of class probabilities", Min = 0, AboveMin = true)]
    public ValueSchedule Temperature { get; init; } = 4;

    /// <summary>Temperature of similarities.</summary>
    [Option("temperature of similarities", Min = 0, AboveMin = true)]
    public ValueSchedule SimilarityTemperature { get; init; } = 0.5;

    /// <summary>Share of the teacher's errors on turned views that is learned.</summary>
    [Option("share of the views that the teacher classifies wrongly that is kept, nearest misses first", Min = 0, Max = 1)]
    public double KeptClassErrors { get; init; } = 1;

    /// <summary>Share of the teacher's errors in similarities that is learned.</summary>
    [Option("share of the views that the teacher takes for another sample that is kept, nearest misses first", Min = 0, Max = 1)]
    public double KeptSimilarityErrors { get; init; } = 0.75;

    /// <summary>Epochs of the teacher's head.</summary>
    [Option("epochs in which a head of the teacher learns to find the sample of a turned view, before the student is trained", Min = 0)]
    public int PretrainEpochs { get; init; } = 60;

    /// <summary>Learning rate of the teacher's head.</summary>
    [Option("learning rate of the teacher's head (SGD with momentum), divided by 10 after half and three quarters of its epochs", Min = 0, AboveMin = true)]
    public double PretrainLearningRate { get; init; } = 0.05;
}

/// <summary>
/// Distillation with self-supervision: samples and their quarter turns go through both networks; the student learns the teacher's class
/// probabilities of all views, and which sample a turned view resembles by the teacher's head. One pair of embeddings, such as <c>penultimate</c>.
/// </summary>
public sealed class SskdMethod : Method, IPretrainedMethod
{
    private readonly SskdOptions _options;
    private readonly (string Student, string Teacher) _features;
    // Names are the keys under which weights are saved.
    private readonly Sequential student_head;
    private readonly Sequential teacher_head;

    /// <summary>Builds the heads for probed shapes.</summary>
    /// <exception cref="ArgumentException">Not one feature of each side, or features that are neither vectors nor maps.</exception>
    public SskdMethod(SskdOptions options, MethodContext context)
        : base("sskd")
    {
        if (context.StudentFeatures.Count != 1 || context.TeacherFeatures.Count != 1)
        {
            throw new ArgumentException(
                $"sskd takes one feature of each side, such as `penultimate`; it was given {context.StudentFeatures.Count} student and {context.TeacherFeatures.Count} teacher features");
        }

        _options = options;
        _features = (context.StudentFeatures[0], context.TeacherFeatures[0]);
        student_head = Head("student", _features.Student, context.StudentShapes.Features[_features.Student]);
        teacher_head = Head("teacher", _features.Teacher, context.TeacherShapes.Features[_features.Teacher]);
        RegisterComponents();
        this.to(context.Device);
    }

    /// <summary>The catalog's entry. Published: weight 1 beside hard labels of weight 0.1; the three parts have weights of their own.</summary>
    public static MethodEntry Entry { get; } = new(
        "sskd",
        "class probabilities of turned views too, and which sample a turned view resembles",
        "Xu et al.: Knowledge Distillation Meets Self-Supervision, ECCV 2020",
        typeof(SskdOptions),
        MethodTraits.UsesFeatures | MethodTraits.CouplesSamples | MethodTraits.HasProjectors | MethodTraits.UsesLabels | MethodTraits.NeedsRotations | MethodTraits.Pretrains,
        (options, context) => new SskdMethod((SskdOptions)options, context))
    {
        Variant = "views are quarter turns of the augmented sample, as the authors' code, which crops each view anew; of errors of equal rank the first are kept",
    };

    /// <inheritdoc/>
    public PretrainingPlan Pretraining => new(_options.PretrainEpochs, _options.PretrainLearningRate, 0.5, 0.75);

    /// <inheritdoc/>
    public nn.Module PretrainedModule => teacher_head;

    /// <summary>Cross-entropy of finding the sample of a turned view among the batch.</summary>
    public Tensor PretrainingLoss(ModelSignals teacher) => SelfSupervisionLoss.Contrast(TeacherSimilarities(teacher));

    /// <inheritdoc/>
    public override LossTerm Compute(MethodInput input)
    {
        var (student, teacher) = (input.Student, input.Teacher);
        var (studentTurned, teacherTurned) = (Rotated(student), Rotated(teacher));
        var labels = input.Batch.Targets ?? throw new InvalidOperationException("sskd needs hard labels, and this batch has none");
        var temperature = _options.Temperature.ValueAt(input.Progress);
        var similarities = Similarities(student_head, Embedding(student, _features.Student), Embedding(studentTurned, _features.Student));
        var loss = SoftTargetLoss.Compute(student.Logits.Value, teacher.Logits.Value.detach(), temperature).Mean * _options.SoftTargetWeight;
        loss += SelfSupervisionLoss.Transformed(
            studentTurned.Logits.Value, teacherTurned.Logits.Value.detach(), labels, temperature, _options.KeptClassErrors) * _options.TransformedWeight;
        loss += SelfSupervisionLoss.Transfer(
            similarities, TeacherSimilarities(teacher).detach(), _options.SimilarityTemperature.ValueAt(input.Progress), _options.KeptSimilarityErrors) * _options.SimilarityWeight;
        return LossTerm.FromMean(loss, labels.shape[0]);
    }

    private Tensor TeacherSimilarities(ModelSignals teacher) =>
        Similarities(teacher_head, Embedding(teacher, _features.Teacher).detach(), Embedding(Rotated(teacher), _features.Teacher).detach());

    private static Tensor Similarities(Sequential head, Tensor original, Tensor turned) =>
        SelfSupervisionLoss.Similarities(head.call(original), head.call(turned));

    // Maps are averaged over positions, as a classifier reads them.
    private static Tensor Embedding(ModelSignals signals, string feature)
    {
        var value = LossPrecision.Widen(signals.Features[feature].Value);
        return value.dim() == 4 ? value.mean([2, 3]) : value;
    }

    private static ModelSignals Rotated(ModelSignals signals) =>
        signals.Rotated ?? throw new InvalidOperationException("sskd needs the turned views of the samples, and these signals have none");

    private static Sequential Head(string side, string feature, IReadOnlyList<long> shape) => shape.Count is 2 or 4
        ? nn.Sequential(nn.Linear(shape[1], shape[1]), nn.ReLU(), nn.Linear(shape[1], shape[1]))
        : throw new ArgumentException($"sskd: the {side}'s feature `{feature}` is [{string.Join(", ", shape)}]; it must be a vector [batch, features], or a map, which is averaged");
}
