using static TorchSharp.torch;

namespace DistillSharp.Losses.Features;

/// <summary>Steps that feature losses share.</summary>
internal static class FeatureTensors
{
    /// <summary>The tensor in the type that losses are computed in: half precision in float32, the rest as it is.</summary>
    public static Tensor Widen(this Tensor tensor) => LossPrecision.Widen(tensor);

    /// <summary>The teacher's side of a loss: widened like the student's, of the student's type, cut from its graph.</summary>
    public static Tensor AsTarget(this Tensor teacher, Tensor student) => teacher.detach().to_type(student.Widen().dtype);

    /// <summary>Both maps averaged down to the smaller height and the smaller width.</summary>
    public static (Tensor Student, Tensor Teacher) PoolToSmaller(Tensor student, Tensor teacher)
    {
        var height = Math.Min(student.shape[2], teacher.shape[2]);
        var width = Math.Min(student.shape[3], teacher.shape[3]);
        return (PoolTo(student, height, width), PoolTo(teacher, height, width));
    }

    /// <summary>A map [N, C, H, W] averaged to the given size (adaptive windows where it does not divide).</summary>
    public static Tensor PoolTo(Tensor map, long height, long width) =>
        map.shape[2] == height && map.shape[3] == width ? map : nn.functional.adaptive_avg_pool2d(map, [height, width]);

    /// <summary>Vectors of length 1 along an axis; shorter ones than 1e-12 are divided by that.</summary>
    public static Tensor UnitLength(Tensor tensor, long axis) => nn.functional.normalize(tensor, p: 2, dim: axis, eps: 1e-12);

    /// <summary>Factors [N, H·W]: the mean over channels of x^p, of length 1.</summary>
    public static Tensor SpatialMap(Tensor map, double exponent) => UnitLength(Power(map, exponent).mean([1]).flatten(1), 1);

    /// <summary>The sum over pairs of stages of a loss.</summary>
    public static Tensor SumOverStages(string loss, IReadOnlyList<Tensor> student, IReadOnlyList<Tensor> teacher, Func<int, Tensor, Tensor, Tensor> stage)
    {
        FeatureShapes.RequireStages(loss, student.Count, teacher.Count);
        return Enumerable.Range(0, student.Count).Select(i => stage(i, student[i], teacher[i])).Aggregate((sum, next) => sum + next);
    }

    /// <summary>x^p, or |x|^p where p is no whole number and a negative x has no power.</summary>
    public static Tensor Power(Tensor tensor, double exponent) =>
        exponent == Math.Floor(exponent) ? tensor.pow(exponent) : tensor.abs().pow(exponent);
}
