using static TorchSharp.torch;

namespace DistillSharp.Losses.Relations;

/// <summary>Probabilistic knowledge transfer, PKT (Passalis, Tefas: Learning Deep Representations with Probabilistic Knowledge Transfer, ECCV 2018, equations 3 to 7).</summary>
public static class ProbabilisticTransferLoss
{
    // In every denominator and logarithm, as the paper's code has it.
    private const double Epsilon = 1e-7;

    /// <summary>
    /// Mean over all N² pairs of p·log((p + ε)/(q + ε)): p (teacher) and q (student) are the rows of (cosine + 1)/2, each divided by its sum.
    /// </summary>
    /// <param name="student">Embeddings [N, …], flattened to vectors.</param>
    /// <param name="teacher">Embeddings [N, …]; widths may differ.</param>
    /// <exception cref="ArgumentException">Batches differ.</exception>
    public static LossTerm Compute(Tensor student, Tensor teacher)
    {
        LossChecks.SameBatch(student, teacher, "embeddings");
        var (q, p) = (Similarities(student), Similarities(teacher));
        return LossTerm.FromMean((p * ((p + Epsilon) / (q + Epsilon)).log()).mean(), student.shape[0]);
    }

    private static Tensor Similarities(Tensor embeddings)
    {
        var rows = LossPrecision.Widen(embeddings).flatten(1);
        var directions = rows / (rows.square().sum(1, true).clamp_min(1e-30).sqrt() + Epsilon);
        var similarities = (directions.mm(directions.t()) + 1) * 0.5;
        return similarities / similarities.sum(1, true);
    }
}
