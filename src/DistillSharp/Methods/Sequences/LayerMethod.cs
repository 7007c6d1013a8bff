using DistillSharp.Config;
using DistillSharp.Data;
using DistillSharp.Losses;
using DistillSharp.Losses.Features;
using DistillSharp.Losses.Sequences;
using DistillSharp.Methods.Features;
using TorchSharp;
using static TorchSharp.torch;

namespace DistillSharp.Methods.Sequences;

/// <summary>
/// A method of Transformer layers: the pairs of features are the layer mapping. A mean over valid positions, summed over the pairs.
/// </summary>
public abstract class LayerMethod(string name, MethodContext context) : FeatureMethod(name, context)
{
    private readonly IReadOnlyList<string> _teacherFeatures = context.TeacherFeatures;
    // A function, as networks in fields would be taken for parts of the method.
    private readonly Func<Batch, Tensor?> _positions = PositionsOf(context);

    /// <inheritdoc/>
    protected override bool AcceptsMasks => true;

    /// <inheritdoc/>
    /// <remarks>
    /// Valid positions of the student's first feature, or of the teacher's where it has fewer; without networks that know them, valid input positions where the batch says how long its
    /// one sequence is, else samples.
    /// </remarks>
    public override double CountOf(Batch batch)
    {
        if (_positions(batch) is { } mask)
        {
            return mask.sum().ToDouble();
        }

        if (batch.Lengths.Count != 1)
        {
            return batch.Count;
        }

        using var total = batch.Lengths.Values.Single().sum();
        return total.item<long>();
    }

    /// <inheritdoc/>
    public override LossTerm Compute(MethodInput input)
    {
        var (student, teacher) = FeaturesOf(input);
        var masks = MasksOf(input);
        var terms = student.Select((own, i) =>
        {
            var (mine, given, mask) = Aligned(own, teacher[i].AsTarget(own), masks[i], input.Teacher.Features[_teacherFeatures[i]].Mask);
            return HiddenStateLoss.OverPositions(Values(i, mine, given, mask), mask);
        }).ToList();
        var count = terms[0].Count;
        // Layers of one network nearly always have the same positions; where not, each still weighs the same.
        return new LossTerm(terms.Select(term => term.Count == count ? term.Sum : term.Mean * count).Aggregate((sum, next) => sum + next), count);
    }

    /// <inheritdoc/>
    protected override Tensor Loss(IReadOnlyList<Tensor> student, IReadOnlyList<Tensor> teacher, Progress progress) =>
        SumOverPairs(student, teacher, (pair, own, other) => Values(pair, own, other.AsTarget(own), null).mean());

    /// <summary>Both sides with the same positions, and which of them are valid; by default they have the same.</summary>
    private protected virtual (Tensor Student, Tensor Teacher, Tensor? Mask) Aligned(Tensor student, Tensor teacher, Tensor? mask, Tensor? teacherMask) => (student, teacher, mask);

    /// <summary>The loss of every position [N, T] of a pair of layers; what it says of padding is not used.</summary>
    private protected abstract Tensor Values(int pair, Tensor student, Tensor teacher, Tensor? mask);

    private static Func<Batch, Tensor?> PositionsOf(MethodContext context)
    {
        var (student, teacher, features, others) = (context.StudentNetwork, context.TeacherNetwork, context.StudentFeatures, context.TeacherFeatures);
        return batch =>
        {
            var own = student?.MaskOf(features[0], batch);
            var other = teacher?.MaskOf(others[0], batch);
            return own is not null && other is not null && other.shape[1] < own.shape[1] ? other : own;
        };
    }

    /// <summary>Checks the number of axes of every probed feature.</summary>
    /// <exception cref="ArgumentException">One has another number; the message says what is needed.</exception>
    private protected void RequireAxes(int axes, string meaning) => CheckPairs((student, teacher) =>
    {
        if (student.Count != axes || teacher.Count != axes)
        {
            throw new ArgumentException($"{GetName()} needs {meaning}, not [{string.Join(", ", student)}] and [{string.Join(", ", teacher)}]");
        }
    });
}
