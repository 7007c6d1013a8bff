using static TorchSharp.torch;

namespace DistillSharp.Losses.Logits;

/// <summary>DIST (Huang et al.: Knowledge Distillation from A Stronger Teacher, NeurIPS 2022, equations 7 to 10).</summary>
public static class CorrelationLoss
{
    // Floor of each norm. Added to the product of the norms instead (as some code does) it biases columns of rare classes.
    private const double Epsilon = 1e-8;

    /// <summary>
    /// T²·(beta·(1 − mean Pearson correlation of rows) + gamma·(1 − mean Pearson correlation of columns)) of softened probabilities:
    /// rows relate the classes of a sample, columns the samples of a class.
    /// </summary>
    /// <param name="student">Logits [N, C] (or [N, T, V], every position a row).</param>
    /// <param name="teacher">Logits of the same shape.</param>
    /// <param name="beta">Weight of the relation between classes.</param>
    /// <param name="gamma">Weight of the relation between samples.</param>
    /// <param name="temperature">T of both softmaxes, above 0.</param>
    /// <exception cref="ArgumentException">Shapes differ, or T is not above 0.</exception>
    public static LossTerm Compute(Tensor student, Tensor teacher, double beta, double gamma, double temperature)
    {
        LossChecks.Temperature(temperature);
        var (s, t) = LogitRows.Of(student, teacher);
        var (q, p) = (nn.functional.softmax(s / temperature, 1), nn.functional.softmax(t / temperature, 1));
        var rows = 1 - Pearson(q, p, 1).mean();
        var columns = 1 - Pearson(q, p, 0).mean();
        return LossTerm.FromMean(((rows * beta) + (columns * gamma)) * (temperature * temperature), s.shape[0]);
    }

    private static Tensor Pearson(Tensor left, Tensor right, long axis)
    {
        var (a, b) = (left - left.mean([axis], true), right - right.mean([axis], true));
        return (a * b).sum(axis) / (Norm(a, axis) * Norm(b, axis));
    }

    private static Tensor Norm(Tensor tensor, long axis) => tensor.square().sum(axis).clamp_min(Epsilon * Epsilon).sqrt();
}
