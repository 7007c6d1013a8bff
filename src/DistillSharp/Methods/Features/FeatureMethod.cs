using DistillSharp.Config;
using DistillSharp.Losses;
using DistillSharp.Losses.Features;
using DistillSharp.Signals;
using static TorchSharp.torch;

namespace DistillSharp.Methods.Features;

/// <summary>What a method makes of a feature point before it looks at it.</summary>
public enum FeatureForm
{
    /// <summary>Nothing.</summary>
    AsIs,

    /// <summary>Vectors [N, D] become maps of one pixel.</summary>
    Maps,

    /// <summary>Maps become vectors [N, C] by their mean over positions.</summary>
    Embeddings,
}

/// <summary>A method that compares pairs of feature points. The loss is the sum over the pairs.</summary>
public abstract class FeatureMethod : Method
{
    private readonly IReadOnlyList<string> _studentFeatures;
    private readonly IReadOnlyList<string> _teacherFeatures;
    private readonly FeatureForm _form;

    /// <summary>Checks that the features come in pairs and were probed.</summary>
    /// <param name="name">Recipe name, for messages.</param>
    /// <param name="context">Shapes and feature names.</param>
    /// <param name="minimumStages">Fewest pairs that the formula makes sense for.</param>
    /// <param name="form">The form that features are brought to.</param>
    /// <exception cref="ArgumentException">The counts differ, are too few, or a feature has no probed shape.</exception>
    protected FeatureMethod(string name, MethodContext context, int minimumStages = 1, FeatureForm form = FeatureForm.AsIs)
        : base(name)
    {
        FeatureShapes.RequireStages(name, context.StudentFeatures.Count, context.TeacherFeatures.Count, minimumStages);
        _form = form;
        _studentFeatures = context.StudentFeatures;
        _teacherFeatures = context.TeacherFeatures;
        StudentShapes = [.. _studentFeatures.Select(feature => Formed(form, ShapeOf(name, "student", context.StudentShapes, feature)))];
        TeacherShapes = [.. _teacherFeatures.Select(feature => Formed(form, ShapeOf(name, "teacher", context.TeacherShapes, feature)))];
    }

    /// <summary>Probed shapes of the student's features in the form that the method works on, in order.</summary>
    protected IReadOnlyList<IReadOnlyList<long>> StudentShapes { get; }

    /// <summary>Probed shapes of the teacher's features, paired with the student's.</summary>
    protected IReadOnlyList<IReadOnlyList<long>> TeacherShapes { get; }

    /// <summary>Number of pairs.</summary>
    protected int Stages => _studentFeatures.Count;

    /// <inheritdoc/>
    public override LossTerm Compute(MethodInput input)
    {
        var (student, teacher) = FeaturesOf(input);
        return LossTerm.FromMean(Loss(student, teacher, input.Progress), student[0].shape[0]);
    }

    /// <summary>The loss of one batch, a mean over its samples: the student's features in order, the teacher's, and where training stands.</summary>
    protected abstract Tensor Loss(IReadOnlyList<Tensor> student, IReadOnlyList<Tensor> teacher, Progress progress);

    /// <summary>Whether padded positions are left out; where not, features that have some are refused.</summary>
    protected virtual bool AcceptsMasks => false;

    /// <summary>The features of a batch, in order, half precision widened.</summary>
    protected (IReadOnlyList<Tensor> Student, IReadOnlyList<Tensor> Teacher) FeaturesOf(MethodInput input) =>
        ([.. _studentFeatures.Select(feature => ValueOf(input.Student, feature))], [.. _teacherFeatures.Select(feature => ValueOf(input.Teacher, feature))]);

    /// <summary>The teacher's features alone, in order, half precision widened.</summary>
    protected IReadOnlyList<Tensor> TeacherFeaturesOf(ModelSignals teacher) => [.. _teacherFeatures.Select(feature => ValueOf(teacher, feature))];

    /// <summary>The masks of the student's features, in order.</summary>
    protected IReadOnlyList<Tensor?> MasksOf(MethodInput input) => [.. _studentFeatures.Select(feature => input.Student.Features[feature].Mask)];

    /// <summary>Runs a shape check on every pair of probed shapes and names the pair that fails.</summary>
    protected void CheckPairs(Action<IReadOnlyList<long>, IReadOnlyList<long>> check)
    {
        for (var i = 0; i < Stages; i++)
        {
            AtPair(i, () => check(StudentShapes[i], TeacherShapes[i]));
        }
    }

    /// <summary>Does something for one pair, adding the names of its features to what it throws.</summary>
    protected void AtPair(int index, Action action)
    {
        try
        {
            action();
        }
        catch (ArgumentException error)
        {
            throw new ArgumentException($"{error.Message} (student `{_studentFeatures[index]}`, teacher `{_teacherFeatures[index]}`)", error);
        }
    }

    /// <summary>The sum over the pairs of a loss.</summary>
    protected static Tensor SumOverPairs(IReadOnlyList<Tensor> student, IReadOnlyList<Tensor> teacher, Func<int, Tensor, Tensor, Tensor> loss) =>
        Enumerable.Range(0, student.Count).Select(i => loss(i, student[i], teacher[i])).Aggregate((sum, next) => sum + next);

    private Tensor ValueOf(ModelSignals signals, string feature)
    {
        var signal = signals.Features[feature];
        return signal.Mask is null || AcceptsMasks
            ? Formed(_form, signal.Value.Widen())
            : throw new ArgumentException($"{GetName()}: feature `{feature}` has padded positions, which this method does not leave out");
    }

    private static Tensor Formed(FeatureForm form, Tensor value) => (form, value.dim()) switch
    {
        (FeatureForm.Maps, 2) => value.unsqueeze(2).unsqueeze(3),
        (FeatureForm.Embeddings, 4) => value.mean([2, 3]),
        _ => value,
    };

    private static IReadOnlyList<long> Formed(FeatureForm form, IReadOnlyList<long> shape) => (form, shape.Count) switch
    {
        (FeatureForm.Maps, 2) => [.. shape, 1, 1],
        (FeatureForm.Embeddings, 4) => [shape[0], shape[1]],
        _ => shape,
    };

    private static IReadOnlyList<long> ShapeOf(string name, string side, SignalShapes shapes, string feature) =>
        shapes.Features.TryGetValue(feature, out var shape)
            ? shape
            : throw new ArgumentException($"{name}: the {side} gave no feature `{feature}`; it gave {string.Join(", ", shapes.Features.Keys.Order())}");
}
