using static TorchSharp.torch;

namespace DistillSharp.Losses.Features;

/// <summary>Regression of embeddings, by direction or by distance, as models of sentences and of speech are distilled.</summary>
public static class EmbeddingRegressionLoss
{
    /// <summary>1 − cosine.</summary>
    public const string Cosine = "cosine";

    /// <summary>Squared Euclidean distance over the number of features.</summary>
    public const string L2 = "l2";

    /// <summary>The distance of embeddings [N, D], mean over samples.</summary>
    /// <param name="student">The student's (projected) embedding.</param>
    /// <param name="teacher">The teacher's embedding of that shape.</param>
    /// <param name="distance"><see cref="Cosine"/> or <see cref="L2"/>.</param>
    /// <exception cref="ArgumentException">The shapes differ, or the distance is unknown.</exception>
    public static Tensor Compute(Tensor student, Tensor teacher, string distance = Cosine)
    {
        FeatureShapes.RequireEqual("embedding_regression", student.shape, teacher.shape);
        var (own, target) = (student.Widen().flatten(1), teacher.AsTarget(student).flatten(1));
        return distance switch
        {
            Cosine => 1 - (FeatureTensors.UnitLength(own, 1) * FeatureTensors.UnitLength(target, 1)).sum(1).mean(),
            L2 => (own - target).square().mean(),
            _ => throw new ArgumentException($"embedding_regression: unknown distance `{distance}`; known: {Cosine}, {L2}"),
        };
    }
}
