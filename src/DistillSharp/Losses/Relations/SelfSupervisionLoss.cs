using DistillSharp.Losses.Features;
using DistillSharp.Losses.Logits;
using static TorchSharp.torch;

namespace DistillSharp.Losses.Relations;

/// <summary>
/// Knowledge distillation with self-supervision, SSKD (Xu et al., ECCV 2020): transformed views of the samples, which of the originals they
/// resemble, and what the teacher says of them. With N samples, row r of the transformed views belongs to sample r mod N.
/// </summary>
public static class SelfSupervisionLoss
{
    /// <summary>Cosines of every transformed view with every original, [M, N] (section 3.2).</summary>
    /// <param name="original">Embeddings [N, D].</param>
    /// <param name="transformed">Embeddings [M, D], M a multiple of N.</param>
    /// <exception cref="ArgumentException">The shapes do not fit.</exception>
    public static Tensor Similarities(Tensor original, Tensor transformed)
    {
        if (original.dim() != 2 || transformed.dim() != 2 || original.shape[1] != transformed.shape[1] || transformed.shape[0] % original.shape[0] != 0)
        {
            throw new ArgumentException($"sskd: views {LossChecks.Show(transformed)} are no transformed views of samples {LossChecks.Show(original)}");
        }

        return FeatureTensors.UnitLength(transformed.Widen(), 1).mm(FeatureTensors.UnitLength(original.Widen(), 1).t());
    }

    /// <summary>The task that a teacher's head learns (eq. 3): cross-entropy of the rows of similarities with the view's own original, mean over views.</summary>
    public static Tensor Contrast(Tensor similarities) => nn.functional.cross_entropy(similarities, Originals(similarities));

    /// <summary>T²·KL of softened similarities, mean over the views that <see cref="Kept"/> keeps (eq. 6).</summary>
    /// <param name="student">Similarities [M, N].</param>
    /// <param name="teacher">Similarities [M, N].</param>
    /// <param name="temperature">T, above 0.</param>
    /// <param name="keptErrors">Share of the teacher's errors that is kept.</param>
    public static Tensor Transfer(Tensor student, Tensor teacher, double temperature, double keptErrors) =>
        Mean(student, teacher, Kept(teacher, Originals(teacher), keptErrors), temperature);

    /// <summary>T²·KL of softened class probabilities of transformed views, mean over the views that are kept (eq. 7).</summary>
    /// <param name="student">Logits [M, C].</param>
    /// <param name="teacher">Logits [M, C].</param>
    /// <param name="labels">int64 [N]; views of samples without a label (−1) count as errors of the last rank.</param>
    /// <param name="temperature">T, above 0.</param>
    /// <param name="keptErrors">Share of the teacher's errors that is kept.</param>
    public static Tensor Transformed(Tensor student, Tensor teacher, Tensor labels, double temperature, double keptErrors) =>
        Mean(student, teacher, Kept(teacher, labels.repeat(teacher.shape[0] / labels.shape[0]), keptErrors), temperature);

    /// <summary>
    /// Rows to learn from: all where the teacher's largest value is at the target, and of the others that share with the highest ranks
    /// of the target, of equals the first; in order.
    /// </summary>
    internal static Tensor Kept(Tensor teacher, Tensor targets, double keptErrors)
    {
        var own = teacher.gather(1, targets.clamp_min(0).unsqueeze(1));
        var ranks = teacher.gt(own).sum(1);
        var known = where(targets.ge(0), ranks, full_like(ranks, teacher.shape[1])).cpu().data<long>().ToArray();
        var right = known.Count(rank => rank == 0);
        var kept = right + (int)((known.Length - right) * keptErrors);
        return tensor(known.Index().OrderBy(row => row.Item).Take(kept).Select(row => (long)row.Index).Order().ToArray()).to(teacher.device);
    }

    private static Tensor Originals(Tensor similarities) =>
        arange(similarities.shape[1], ScalarType.Int64, similarities.device).repeat(similarities.shape[0] / similarities.shape[1]);

    private static Tensor Mean(Tensor student, Tensor teacher, Tensor rows, double temperature)
    {
        LossChecks.SameShape(student, teacher);
        return rows.shape[0] == 0
            ? student.sum() * 0
            : SoftTargetLoss.Compute(student.index_select(0, rows), teacher.index_select(0, rows), temperature).Mean;
    }
}
