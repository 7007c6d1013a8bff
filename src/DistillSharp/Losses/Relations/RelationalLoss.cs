using static TorchSharp.torch;

namespace DistillSharp.Losses.Relations;

/// <summary>Relational knowledge distillation, RKD (Park et al., CVPR 2019, equations 4 to 9).</summary>
public static class RelationalLoss
{
    // Floors of squared distances, as the common code has them: identical samples keep a finite gradient.
    private const double SquaredDistanceFloor = 1e-12;
    private const double SquaredLengthFloor = 1e-24;

    /// <summary>
    /// distanceWeight·SmoothL1 of pairwise distances, each side divided by the mean of its own positive ones (mean over N² pairs,
    /// zero diagonal), plus angleWeight·SmoothL1 of the cosines at the middle of every triple (mean over N³).
    /// </summary>
    /// <param name="student">Embeddings [N, …], flattened to vectors.</param>
    /// <param name="teacher">Embeddings [N, …]; widths may differ.</param>
    /// <param name="distanceWeight">Weight of the distances.</param>
    /// <param name="angleWeight">Weight of the angles.</param>
    /// <exception cref="ArgumentException">Batches differ or hold one sample.</exception>
    public static LossTerm Compute(Tensor student, Tensor teacher, double distanceWeight, double angleWeight)
    {
        LossChecks.SameBatch(student, teacher, "embeddings");
        LossChecks.AtLeastTwo(student, "rkd");
        var (studentDifferences, teacherDifferences) = (Differences(student), Differences(teacher));
        var loss = zeros([], studentDifferences.dtype, student.device);
        if (distanceWeight != 0)
        {
            loss += SmoothL1(Distances(studentDifferences), Distances(teacherDifferences)) * distanceWeight;
        }

        if (angleWeight != 0)
        {
            loss += SmoothL1(Cosines(studentDifferences), Cosines(teacherDifferences)) * angleWeight;
        }

        return LossTerm.FromMean(loss, student.shape[0]);
    }

    // [N, N, D]: element (j, i) is sample j − sample i. Explicit differences, because ‖x‖² + ‖y‖² − 2x·y loses close pairs in float32.
    private static Tensor Differences(Tensor embeddings)
    {
        var rows = LossPrecision.Widen(embeddings).flatten(1);
        return rows.unsqueeze(0) - rows.unsqueeze(1);
    }

    private static Tensor Distances(Tensor differences)
    {
        var samples = differences.shape[0];
        var offDiagonal = 1 - eye(samples, dtype: differences.dtype, device: differences.device);
        var distances = differences.square().sum(-1).clamp_min(SquaredDistanceFloor).sqrt() * offDiagonal;
        return distances / (distances.sum() / (samples * (samples - 1.0)));
    }

    private static Tensor Cosines(Tensor differences)
    {
        var directions = differences / differences.square().sum(-1, true).clamp_min(SquaredLengthFloor).sqrt();
        return directions.bmm(directions.transpose(1, 2));
    }

    // ½x² below 1, |x| − ½ above, averaged over all elements.
    private static Tensor SmoothL1(Tensor student, Tensor teacher) => nn.functional.smooth_l1_loss(student, teacher);
}
