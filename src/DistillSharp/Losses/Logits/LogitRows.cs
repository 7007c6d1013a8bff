using TorchSharp;
using static TorchSharp.torch;

namespace DistillSharp.Losses.Logits;

/// <summary>Logits as rows: [N, C] and [N, T, V] alike become [rows, classes], in float32 or float64.</summary>
internal static class LogitRows
{
    /// <summary>Both sides as rows.</summary>
    /// <exception cref="ArgumentException">Shapes differ.</exception>
    public static (Tensor Student, Tensor Teacher) Of(Tensor student, Tensor teacher)
    {
        LossChecks.SameShape(student, teacher);
        return (Flat(student), Flat(teacher));
    }

    /// <summary>Both sides and the labels without the rows that have no label (−1).</summary>
    /// <exception cref="ArgumentException">Shapes differ, or there is not one label a row.</exception>
    public static (Tensor Student, Tensor Teacher, Tensor Labels) Labelled(Tensor student, Tensor teacher, Tensor labels)
    {
        LossChecks.Labels(student, labels);
        var (studentRows, teacherRows) = Of(student, teacher);
        var flat = labels.reshape(-1);
        var labelled = flat.ge(0);
        if (labelled.all().ToBoolean())
        {
            return (studentRows, teacherRows, flat);
        }

        var index = labelled.nonzero().reshape(-1);
        return (studentRows.index_select(0, index), teacherRows.index_select(0, index), flat.index_select(0, index));
    }

    /// <summary>The logits of all classes but the label's: [N, C] → [N, C − 1].</summary>
    public static Tensor Others(Tensor rows, Tensor labels)
    {
        var others = ones_like(rows, dtype: ScalarType.Bool).scatter_(1, labels.unsqueeze(1), zeros([labels.shape[0], 1], ScalarType.Bool, labels.device));
        return rows.masked_select(others).reshape(rows.shape[0], rows.shape[1] - 1);
    }

    /// <summary>The logit of each row's label, [N, 1].</summary>
    public static Tensor AtLabel(Tensor rows, Tensor labels) => rows.gather(1, labels.unsqueeze(1));

    /// <summary>Σ over classes of p·(log p − log q), one value a row; 0·log 0 is 0.</summary>
    public static Tensor Divergence(Tensor logP, Tensor logQ) => (logP.exp() * (logP - logQ)).sum(-1);

    /// <summary>Rows of any shape [..., C] in the precision of losses.</summary>
    public static Tensor Flat(Tensor logits) => LossPrecision.Widen(logits).reshape(-1, logits.shape[^1]);
}
