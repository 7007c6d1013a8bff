using DistillSharp.Losses.Logits;
using static TorchSharp.torch;

namespace DistillSharp.Losses.Sequences;

/// <summary>Losses of token distributions: every valid position of the whole batch counts once, padding not at all.</summary>
public static class TokenLoss
{
    /// <summary>T²·KL(teacher ‖ student) at temperature T, summed over the vocabulary and valid positions.</summary>
    /// <param name="student">Logits [N, T, V].</param>
    /// <param name="teacher">Logits [N, T, V].</param>
    /// <param name="mask">1 at valid positions [N, T]; null where all are.</param>
    /// <param name="temperature">T, above 0.</param>
    /// <exception cref="ArgumentException">Shapes do not fit, or T is not above 0.</exception>
    public static LossTerm SoftTarget(Tensor student, Tensor teacher, Tensor? mask, double temperature)
    {
        LossChecks.Temperature(temperature);
        if (WideRows.Fit(student) && teacher.dtype == ScalarType.Float32)
        {
            Check(student, teacher, mask);
            var valid = mask?.reshape(-1).ne(0);
            return new LossTerm(
                WideRows.Divergence(student.reshape(-1, student.shape[^1]), teacher.reshape(-1, student.shape[^1]), valid, temperature),
                valid?.sum().item<long>() ?? (student.numel() / student.shape[^1]));
        }

        var (s, t) = ValidRows(student, teacher, mask);
        var term = SoftTargetLoss.Compute(s, t, temperature);
        return term with { Count = s.shape[0] };
    }

    /// <summary>Generalized Jensen-Shannon divergence, summed over valid positions; see <see cref="GeneralizedDivergence.JensenShannon"/>.</summary>
    /// <param name="student">Logits [N, T, V].</param>
    /// <param name="teacher">Logits [N, T, V].</param>
    /// <param name="mask">1 at valid positions [N, T]; null where all are.</param>
    /// <param name="beta">0 to 1: 0 is KL(teacher ‖ student), 1 is KL(student ‖ teacher).</param>
    /// <param name="temperature">Above 0.</param>
    /// <exception cref="ArgumentException">Shapes do not fit, or a number is out of range.</exception>
    public static LossTerm JensenShannon(Tensor student, Tensor teacher, Tensor? mask, double beta, double temperature)
    {
        var (s, t) = ValidRows(student, teacher, mask);
        return GeneralizedDivergence.AsTerm(GeneralizedDivergence.JensenShannon(s, t, beta, temperature));
    }

    // Selecting rows, not multiplying by the mask: whatever stands in padding (even infinity) stays out, and so does its cost.
    private static (Tensor Student, Tensor Teacher) ValidRows(Tensor student, Tensor teacher, Tensor? mask)
    {
        Check(student, teacher, mask);
        var (s, t) = (student.reshape(-1, student.shape[^1]), teacher.reshape(-1, teacher.shape[^1]));
        if (mask is null)
        {
            return (s, t);
        }

        var index = mask.reshape(-1).ne(0).nonzero().reshape(-1);
        return (s.index_select(0, index), t.index_select(0, index));
    }

    private static void Check(Tensor student, Tensor teacher, Tensor? mask)
    {
        LossChecks.SameShape(student, teacher);
        if (mask is not null)
        {
            LossChecks.Labels(student, mask);
        }
    }
}
