using static TorchSharp.torch;

namespace DistillSharp.Losses.Sequences;

/// <summary>
/// Losses of one Transformer layer's hidden states and attention. They return one value a sample and position [N, T];
/// <see cref="OverPositions"/> makes a term of the valid ones.
/// </summary>
public static class HiddenStateLoss
{
    // Far below any attention score, and finite, so that 0 · log 0 stays 0.
    private const double Masked = -1e9;

    /// <summary>Mean over dimensions of (student − teacher)² (Jiao et al.: TinyBERT, EMNLP Findings 2020, equation 8).</summary>
    /// <param name="student">Hidden states [N, T, D], projected to the teacher's width.</param>
    /// <param name="teacher">Hidden states [N, T, D].</param>
    /// <exception cref="ArgumentException">Shapes differ.</exception>
    public static Tensor MeanSquare(Tensor student, Tensor teacher)
    {
        LossChecks.SameShape(student, teacher, "hidden states", 3);
        return (LossPrecision.Widen(student) - LossPrecision.Widen(teacher)).square().mean([-1]);
    }

    /// <summary>1 − cosine (Sanh et al.: DistilBERT, 2019, section 3).</summary>
    /// <param name="student">Hidden states [N, T, D].</param>
    /// <param name="teacher">Hidden states [N, T, D].</param>
    /// <exception cref="ArgumentException">Shapes differ.</exception>
    public static Tensor Cosine(Tensor student, Tensor teacher)
    {
        LossChecks.SameShape(student, teacher, "hidden states", 3);
        return 1 - (Directions(student) * Directions(teacher)).sum(-1);
    }

    /// <summary>Mean over heads and valid keys of (student − teacher)² of attention scores (TinyBERT, equation 7).</summary>
    /// <param name="student">Attention [N, heads, T, T].</param>
    /// <param name="teacher">Attention of the same shape.</param>
    /// <param name="mask">1 at valid positions [N, T]; null where all are.</param>
    /// <exception cref="ArgumentException">Shapes differ.</exception>
    public static Tensor AttentionSquare(Tensor student, Tensor teacher, Tensor? mask)
    {
        LossChecks.SameShape(student, teacher, "attention maps", 4);
        var (s, t) = (LossPrecision.Widen(student), LossPrecision.Widen(teacher));
        if (mask is null)
        {
            return (s - t).square().mean([1, 3]);
        }

        // Filled before subtracting: padding may hold −infinity, whose difference has no gradient.
        var padding = KeyMask(mask, student).logical_not();
        var difference = s.masked_fill(padding, 0) - t.masked_fill(padding, 0);
        return difference.square().sum(3).mean([1]) / mask.ne(0).sum(1, true).clamp_min(1);
    }

    /// <summary>KL(teacher ‖ student) of attention distributions, mean over heads (Wang et al.: MiniLM, NeurIPS 2020, equation 4).</summary>
    /// <param name="student">Probabilities over keys [N, heads, T, T].</param>
    /// <param name="teacher">Probabilities of the same shape.</param>
    /// <param name="mask">1 at valid positions [N, T]; null where all are.</param>
    /// <exception cref="ArgumentException">Shapes differ.</exception>
    public static Tensor AttentionDivergence(Tensor student, Tensor teacher, Tensor? mask)
    {
        LossChecks.SameShape(student, teacher, "attention maps", 4);
        var (q, p) = (LossPrecision.Widen(student).clamp_min(1e-12), LossPrecision.Widen(teacher).clamp_min(1e-12));
        var terms = p * (p.log() - q.log());
        return (mask is null ? terms : terms.masked_fill(KeyMask(mask, student).logical_not(), 0)).sum(3).mean([1]);
    }

    /// <summary>
    /// KL(teacher ‖ student) of self-attention relations softmax(X·Xᵀ/√d), mean over relation heads (MiniLM, equations 6 to 8; Wang et al.:
    /// MiniLMv2, ACL Findings 2021, equation 8). X is the queries, keys or values of a layer; widths may differ.
    /// </summary>
    /// <param name="student">[N, T, D].</param>
    /// <param name="teacher">[N, T, D′].</param>
    /// <param name="mask">1 at valid positions [N, T]; null where all are.</param>
    /// <param name="heads">Relation heads; both widths are divided among them.</param>
    /// <exception cref="ArgumentException">Batch or positions differ, or a width is no multiple of the heads.</exception>
    public static Tensor Relations(Tensor student, Tensor teacher, Tensor? mask, int heads)
    {
        if (student.dim() != 3 || teacher.dim() != 3 || student.shape[0] != teacher.shape[0] || student.shape[1] != teacher.shape[1]
            || student.shape[2] % heads != 0 || teacher.shape[2] % heads != 0)
        {
            throw new ArgumentException(
                $"student {LossChecks.Show(student)} and teacher {LossChecks.Show(teacher)} must be [N, T, D] with the same N and T and widths that {heads} relation heads divide");
        }

        var (logQ, logP) = (LogRelations(student, mask, heads), LogRelations(teacher, mask, heads));
        return (logP.exp() * (logP - logQ)).sum(3).mean([1]);
    }

    /// <summary>
    /// A term of the valid positions, counted by them; without a mask positions are averaged and samples counted.
    /// </summary>
    /// <param name="values">[N, T].</param>
    /// <param name="mask">1 at valid positions [N, T]; null where all are.</param>
    /// <exception cref="ArgumentException">The mask has another shape.</exception>
    public static LossTerm OverPositions(Tensor values, Tensor? mask)
    {
        if (mask is null)
        {
            return new LossTerm(values.mean([1]).sum(), values.shape[0]);
        }

        CheckMask(mask, values.shape[0], values.shape[1]);
        var valid = mask.ne(0);
        return new LossTerm(values.masked_fill(valid.logical_not(), 0).sum(), valid.sum().item<long>());
    }

    private static Tensor LogRelations(Tensor states, Tensor? mask, int heads)
    {
        var wide = LossPrecision.Widen(states);
        var (samples, positions, width) = (wide.shape[0], wide.shape[1], wide.shape[2] / heads);
        var split = wide.reshape(samples, positions, heads, width).transpose(1, 2).reshape(samples * heads, positions, width);
        var scores = split.bmm(split.transpose(1, 2)).reshape(samples, heads, positions, positions) / Math.Sqrt(width);
        return nn.functional.log_softmax(mask is null ? scores : scores.masked_fill(KeyMask(mask, scores).logical_not(), Masked), -1);
    }

    private static Tensor KeyMask(Tensor mask, Tensor attention)
    {
        CheckMask(mask, attention.shape[0], attention.shape[3]);
        return mask.ne(0).unsqueeze(1).unsqueeze(1);
    }

    private static void CheckMask(Tensor mask, long samples, long positions)
    {
        if (mask.dim() != 2 || mask.shape[0] != samples || mask.shape[1] != positions)
        {
            throw new ArgumentException($"mask {LossChecks.Show(mask)} must be [{samples}, {positions}]");
        }
    }

    private static Tensor Directions(Tensor states)
    {
        var wide = LossPrecision.Widen(states);
        return wide / wide.square().sum(-1, true).clamp_min(1e-16).sqrt();
    }
}
