using DistillSharp.Data;
using DistillSharp.Signals;
using static TorchSharp.torch;

namespace DistillSharp.Training;

/// <summary>What terms see where the teacher has some of the data's classes only: the student's logits of these, and their labels.</summary>
/// <param name="covered">The data's classes that the teacher has, ascending.</param>
/// <param name="classes">The data's number of classes.</param>
internal sealed class CoveredClasses(IReadOnlyList<int> covered, int classes)
{
    private readonly long[] _covered = [.. covered.Select(label => (long)label)];
    private readonly long[] _numbers = [.. Enumerable.Range(0, classes).Select(label => (long)covered.ToList().IndexOf(label))];

    /// <summary>Number of classes that terms compare.</summary>
    public int Count => _covered.Length;

    /// <summary>The student's signals with the logits of those classes.</summary>
    public ModelSignals Of(ModelSignals student) => student with
    {
        Logits = student.Logits with { Value = student.Logits.Value.index_select(-1, tensor(_covered, device: student.Logits.Value.device)) },
        Rotated = student.Rotated is { } rotated ? Of(rotated) : null,
    };

    /// <summary>The batch with labels among those classes; samples of others have none. It borrows the tensors of the batch.</summary>
    public Batch Of(Batch batch) => batch.Targets is not { } targets ? batch : new Batch
    {
        Inputs = batch.Inputs,
        Lengths = batch.Lengths,
        Targets = where(targets.ge(0), tensor(_numbers, device: targets.device).index_select(0, targets.clamp(0).reshape(-1)).reshape(targets.shape), targets),
        SampleIds = batch.SampleIds,
        AugmentationKeys = batch.AugmentationKeys,
        Partner = batch.Partner,
    };

    /// <summary>The student's shapes as terms see them.</summary>
    public SignalShapes Of(SignalShapes student) => student with { Logits = [.. student.Logits.Take(student.Logits.Count - 1), Count] };
}
