using static TorchSharp.torch;

namespace DistillSharp.Losses.Features;

/// <summary>
/// Distillation by singular value decomposition (Lee et al., Self-supervised Knowledge Distillation Using SVD, ECCV 2018): maps are reduced
/// to their leading right singular vectors, and the relation of one stage's vectors to the next's is transferred.
/// </summary>
/// <remarks>
/// A singular vector has no sign of its own. Convention: a teacher's vector has its component of largest magnitude positive; to each of
/// them the student's vector of largest |cosine| among its first k + 3 is paired, with the sign that makes the cosine positive.
/// </remarks>
public static class SingularVectorLoss
{
    // More candidates than vectors: the student may have them in another order.
    private const int ExtraCandidates = 3;

    // Width of the radial basis functions, from common code.
    private const double Width = 8;

    /// <summary>
    /// Sum over neighbouring stages of the squared differences of exp(−(v′ᵢ − vⱼ)²/8), over all pairs of channels (i of the later stage, j of
    /// the earlier) and components, mean over the batch. Vectors are scaled by the teacher's singular values, which have length 1.
    /// </summary>
    /// <param name="student">The student's maps [N, C, H, W] in order, two at least.</param>
    /// <param name="teacher">The teacher's maps with as many channels; sizes may differ.</param>
    /// <param name="components">k: singular vectors per map.</param>
    /// <exception cref="ArgumentException">Fewer than two stages, or channels or batches differ, or k is above the rank of a map.</exception>
    public static Tensor Compute(IReadOnlyList<Tensor> student, IReadOnlyList<Tensor> teacher, int components = 1)
    {
        FeatureShapes.RequireStages("kdsvd", student.Count, teacher.Count, 2);
        var vectors = student.Zip(teacher, (own, other) => Vectors(own, other, components)).ToList();
        return Enumerable.Range(1, vectors.Count - 1)
            .Select(i => (Relation(vectors[i].Student, vectors[i - 1].Student) - Relation(vectors[i].Teacher, vectors[i - 1].Teacher)).square().sum() / student[0].shape[0])
            .Aggregate((sum, next) => sum + next);
    }

    private static Tensor Relation(Tensor late, Tensor early) => (-(late.unsqueeze(2) - early.unsqueeze(1)).square() / Width).exp();

    /// <summary>Both sides' vectors [N, C, k], scaled by the teacher's singular values.</summary>
    private static (Tensor Student, Tensor Teacher) Vectors(Tensor student, Tensor teacher, int components)
    {
        Check(student.shape, teacher.shape, components);
        var (values, target) = Leading(teacher.AsTarget(student), components);
        var candidates = (int)Math.Min(components + ExtraCandidates, student.shape[1]);
        var (_, own) = Leading(student.Widen(), candidates);
        target *= target.gather(1, target.abs().argmax(1, keepdim: true)).sign();

        // [N, candidates, k]: 1 or −1 at the candidate that fits a teacher's vector best.
        var cosine = own.detach().transpose(1, 2).bmm(target);
        var best = cosine.abs().argmax(1, keepdim: true);
        var sign = cosine.gather(1, best).ge(0).to_type(own.dtype).mul(2).sub(1);
        var choice = zeros_like(cosine).scatter(1, best, sign);
        var scale = FeatureTensors.UnitLength(values, 1).unsqueeze(1);
        return (own.bmm(choice) * scale, target * scale);
    }

    internal static void Check(IReadOnlyList<long> student, IReadOnlyList<long> teacher, int components)
    {
        FeatureShapes.RequireChannels("kdsvd", student, teacher);
        FeatureShapes.Require(
            components >= 1 && components <= Math.Min(teacher[1], teacher[2] * teacher[3]) && components <= student[2] * student[3],
            "kdsvd", student, teacher, $"{components} components need as many channels and positions at least");
    }

    /// <summary>The first right singular vectors [N, C, k] of the matrices [H·W, C] of a map, and their singular values [N, k].</summary>
    /// <remarks>
    /// Eigenvectors of the channels' Gram matrix M. Their gradient is written out to first order, dv = Σᵢ vᵢ·(vᵢᵀ·dM·v)/(λ − λᵢ), leaving out
    /// eigenvalues that are (nearly) equal: torch's own gradient is not finite there, as with channels that are never active.
    /// </remarks>
    private static (Tensor Values, Tensor Vectors) Leading(Tensor map, int count)
    {
        var flat = map.flatten(2);
        var gram = flat.bmm(flat.transpose(1, 2));
        var (ascending, basis) = linalg.eigh(gram.detach());
        var eigenvalues = ascending.flip(1);
        basis = basis.flip(2);
        var (values, vectors) = (eigenvalues.narrow(1, 0, count), basis.narrow(2, 0, count));
        if (gram.requires_grad)
        {
            var gaps = values.unsqueeze(1) - eigenvalues.unsqueeze(2);
            var apart = gaps.abs().gt(eigenvalues.narrow(1, 0, 1).unsqueeze(2) * 1e-6);
            var coefficients = basis.transpose(1, 2).bmm(gram.bmm(vectors)) * where(apart, gaps.reciprocal(), zeros_like(gaps));
            vectors += basis.bmm(coefficients - coefficients.detach());
        }

        return (values.clamp_min(0).sqrt(), vectors);
    }
}
