using static TorchSharp.torch;

namespace DistillSharp.Losses.Features;

/// <summary>Class attention transfer (Guo et al., CVPR 2023): where each network sees each class, whether or not it is there.</summary>
public static class ClassActivationLoss
{
    /// <summary>
    /// Class activation maps [N, K, H, W] of a map [N, C, H, W]: the classifier's weights [K, C] applied at every position.
    /// </summary>
    /// <exception cref="ArgumentException">The weights have another number of channels.</exception>
    public static Tensor Maps(Tensor feature, Tensor classifier)
    {
        if (feature.dim() != 4 || classifier.dim() != 2 || classifier.shape[1] != feature.shape[1])
        {
            throw new ArgumentException(
                $"class_attention_transfer: a classifier {FeatureShapes.Text(classifier.shape)} does not fit a feature {FeatureShapes.Text(feature.shape)}; it needs the last map before the classifier");
        }

        return nn.functional.conv2d(feature.Widen(), classifier.Widen().unsqueeze(2).unsqueeze(3));
    }

    /// <summary>
    /// Mean squared difference over samples, classes and positions of class activation maps, average-pooled to a coarse grid and, per class,
    /// of length 1.
    /// </summary>
    /// <param name="student">The student's class activation maps [N, K, H, W].</param>
    /// <param name="teacher">The teacher's, of as many classes; sizes may differ.</param>
    /// <param name="resolution">Height and width of the grid.</param>
    /// <param name="normalize">Whether each class's map is scaled to length 1.</param>
    /// <exception cref="ArgumentException">The numbers of classes or samples differ.</exception>
    public static Tensor Compute(Tensor student, Tensor teacher, int resolution = 2, bool normalize = false)
    {
        FeatureShapes.RequireMaps("class_attention_transfer", student.shape, teacher.shape);
        FeatureShapes.Require(student.shape[1] == teacher.shape[1], "class_attention_transfer", student.shape, teacher.shape, $"the numbers of classes differ: {student.shape[1]} and {teacher.shape[1]}");
        var own = FeatureTensors.PoolTo(student.Widen(), resolution, resolution).flatten(2);
        var target = FeatureTensors.PoolTo(teacher.AsTarget(student), resolution, resolution).flatten(2);
        return normalize
            ? (FeatureTensors.UnitLength(own, 2) - FeatureTensors.UnitLength(target, 2)).square().mean()
            : (own - target).square().mean();
    }
}
