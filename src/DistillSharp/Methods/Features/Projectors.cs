using DistillSharp.Losses.Features;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace DistillSharp.Methods.Features;

/// <summary>The trained maps between a student's feature and a teacher's, sized from probed shapes.</summary>
internal static class Projectors
{
    /// <summary>No projector: the shapes must fit as they are.</summary>
    public const string None = "none";

    /// <summary>A projector only where the channels differ.</summary>
    public const string Auto = "auto";

    /// <summary>Convolution with a window of 1 × 1 (a linear layer for vectors and sequences).</summary>
    public const string Conv1x1 = "conv1x1";

    /// <summary>The same, followed by batch normalisation.</summary>
    public const string Conv1x1BatchNorm = "conv1x1_bn";

    /// <summary>The convolution of FitNets that maps the student's size to the teacher's as well.</summary>
    public const string Regressor = "regressor";

    /// <summary>The same without a bias, which batch normalisation takes off again, followed by that and by ReLU, as in common code.</summary>
    public const string RegressorBatchNormRelu = "regressor_bn_relu";

    /// <summary>Channel map of the given kind; the identity where none is wanted or needed. Sizes are not changed, except by regressors.</summary>
    /// <param name="kind">One of the constants here.</param>
    /// <param name="method">Recipe name, for messages.</param>
    /// <param name="student">Probed shape of the student's feature.</param>
    /// <param name="teacher">Probed shape of the teacher's feature.</param>
    /// <param name="bias">Whether linear layers have a bias.</param>
    public static Module<Tensor, Tensor> Create(string kind, string method, IReadOnlyList<long> student, IReadOnlyList<long> teacher, bool bias = true)
    {
        FeatureShapes.RequireBatch(method, student, teacher);
        FeatureShapes.Require(student.Count == teacher.Count, method, student, teacher, "the numbers of axes must be equal");
        var vectors = student.Count != 4;
        var inputs = vectors ? student[^1] : student[1];
        var outputs = vectors ? teacher[^1] : teacher[1];
        return kind switch
        {
            None => Identity(),
            Auto when inputs == outputs => Identity(),
            Auto or Conv1x1 or Regressor when vectors => Linear(inputs, outputs, hasBias: bias),
            Auto or Conv1x1 => Conv2d(inputs, outputs, 1, bias: false),
            Conv1x1BatchNorm when student.Count == 2 => Sequential(Linear(inputs, outputs, hasBias: false), BatchNorm1d(outputs)),
            Conv1x1BatchNorm when !vectors => Sequential(Conv2d(inputs, outputs, 1, bias: false), BatchNorm2d(outputs)),
            Regressor => CreateRegressor(method, student, teacher, bias: true),
            RegressorBatchNormRelu when student.Count == 2 => Sequential(Linear(inputs, outputs, hasBias: false), BatchNorm1d(outputs), ReLU()),
            RegressorBatchNormRelu when !vectors => Sequential(CreateRegressor(method, student, teacher, bias: false), BatchNorm2d(outputs), ReLU()),
            Conv1x1BatchNorm or RegressorBatchNormRelu => throw new ArgumentException(
                $"{method}: a feature {FeatureShapes.Text(student)} is neither a map nor a vector, so `projector: {kind}` does not apply; `{(kind == Conv1x1BatchNorm ? Conv1x1 : Regressor)}` does"),
            _ => throw new ArgumentException($"{method}: unknown projector `{kind}`"),
        };
    }

    /// <summary>
    /// A convolution from the student's channels and size to the teacher's: window 2m − 1 and stride m where the student's map is
    /// m times the teacher's, a window of the difference plus 1 where it is larger otherwise (as in FitNets), a transposed
    /// convolution of stride m where the teacher's map is m times the student's.
    /// </summary>
    private static Module<Tensor, Tensor> CreateRegressor(string method, IReadOnlyList<long> student, IReadOnlyList<long> teacher, bool bias)
    {
        var (height, width) = (Axis.Of(student[2], teacher[2]), Axis.Of(student[3], teacher[3]));
        if (height is null || width is null || height.Grows != width.Grows)
        {
            FeatureShapes.Require(false, method, student, teacher, $"a convolution cannot map the one size to the other; `projector: {Conv1x1}` pools the larger map");
        }

        return height!.Grows
            ? ConvTranspose2d(student[1], teacher[1], (height.Window, width!.Window), (height.Stride, width.Stride), (height.Padding, width.Padding), bias: bias)
            : Conv2d(student[1], teacher[1], (height.Window, width!.Window), (height.Stride, width.Stride), (height.Padding, width.Padding), bias: bias);
    }

    private sealed record Axis(long Window, long Stride, long Padding, bool Grows)
    {
        public static Axis? Of(long from, long to)
        {
            if (from % to == 0)
            {
                var factor = from / to;
                return new Axis((2 * factor) - 1, factor, factor - 1, false);
            }

            if (from > to)
            {
                return new Axis(1 + from - to, 1, 0, false);
            }

            return to % from != 0 ? null
                : to / from % 2 == 0 ? new Axis(2 * (to / from), to / from, to / from / 2, true)
                : new Axis(to / from, to / from, 0, true);
        }
    }
}
