using DistillSharp.Data;
using static TorchSharp.torch;

namespace DistillSharp.Methods.Relations;

/// <summary>
/// The last embeddings of every training sample on both sides. All state is in buffers, so that it is saved and resumed.
/// A sample gets a slot when it is first seen; unseen slots hold random directions.
/// </summary>
internal sealed class MemoryBank : nn.Module
{
    // Names are the keys under which the buffers are saved.
    private readonly Tensor student;
    private readonly Tensor teacher;
    private readonly Tensor ids;
    private readonly Tensor labels;
    private readonly SampleSlots _slots;

    /// <summary>An empty bank.</summary>
    /// <param name="samples">Number of training samples.</param>
    /// <param name="width">Width of the embeddings.</param>
    public MemoryBank(long samples, long width)
        : base("memory_bank")
    {
        using var scope = NewDisposeScope();
        var bound = 1 / Math.Sqrt(width / 3.0);
        // Buffers outlive whatever scope the method is built in.
        student = rand(samples, width).mul_(2).sub_(1).mul_(bound).DetachFromDisposeScope();
        teacher = rand(samples, width).mul_(2).sub_(1).mul_(bound).DetachFromDisposeScope();
        ids = full([samples], -1, ScalarType.Int64).DetachFromDisposeScope();
        labels = full([samples], -1, ScalarType.Int64).DetachFromDisposeScope();
        _slots = new SampleSlots(() => ids, "crd");
        RegisterComponents();
    }

    /// <summary>Number of slots.</summary>
    public long Samples => ids.shape[0];

    /// <summary>Inner products [N, M] of embeddings [N, D] with those that the bank keeps of the student in slots [N, M]. Later updates do not change what they are derived from.</summary>
    public Tensor StudentSimilarities(Tensor embeddings, Tensor slots) => Similarities(student, embeddings, slots);

    /// <summary>The same with those of the teacher.</summary>
    public Tensor TeacherSimilarities(Tensor embeddings, Tensor slots) => Similarities(teacher, embeddings, slots);

    /// <summary>The slots of samples, int64 [N]; new ones get the next free slots.</summary>
    /// <exception cref="InvalidOperationException">There are more samples than slots.</exception>
    public Tensor SlotsOf(long[] sampleIds, Tensor? targets)
    {
        var slots = tensor(_slots.Of(sampleIds)).to(ids.device);
        if (targets is not null)
        {
            labels.index_copy_(0, slots, targets);
        }

        return slots;
    }

    /// <summary>
    /// Slots drawn with replacement for every sample, int64 [N, count]: of samples with another label where
    /// <paramref name="otherLabels"/> is true and the sample has one (samples not seen yet count as other), else of any but itself.
    /// </summary>
    public Tensor Draw(Tensor slots, long count, bool otherLabels)
    {
        if (!otherLabels)
        {
            var drawn = randint(0, Samples - 1, [slots.shape[0], count], ScalarType.Int64, ids.device);
            return drawn + drawn.ge(slots.unsqueeze(1)).to(ScalarType.Int64);
        }

        var own = labels.index_select(0, slots).cpu().data<long>().ToArray();
        var pools = own.Distinct().Where(label => label >= 0).ToDictionary(label => label, label => labels.ne(label).nonzero().reshape(-1));
        var rows = own.Select((label, i) => label >= 0 && pools[label].shape[0] > 0
            ? pools[label].index_select(0, randint(0, pools[label].shape[0], [count], ScalarType.Int64, ids.device)).unsqueeze(0)
            : Draw(slots.narrow(0, i, 1), count, false));
        return cat([.. rows], 0);
    }

    /// <summary>Moves the samples' embeddings towards the new ones: normalised momentum·old + (1 − momentum)·new.</summary>
    public void Update(Tensor slots, Tensor studentEmbeddings, Tensor teacherEmbeddings, double momentum)
    {
        using var noGradient = no_grad();
        Blend(student, slots, studentEmbeddings, momentum);
        Blend(teacher, slots, teacherEmbeddings, momentum);
    }

    /// <summary>By the cheaper of two ways: one product with a copy of the whole bank costs less than gathering more rows than it has.</summary>
    internal static Tensor Similarities(Tensor bank, Tensor embeddings, Tensor slots)
    {
        if (slots.numel() >= bank.shape[0])
        {
            return embeddings.mm(bank.clone().t()).gather(1, slots);
        }

        var rows = bank.index_select(0, slots.flatten()).view(slots.shape[0], slots.shape[1], -1);
        return rows.matmul(embeddings.unsqueeze(2)).squeeze(2);
    }

    private static void Blend(Tensor bank, Tensor slots, Tensor embeddings, double momentum)
    {
        var mixed = (bank.index_select(0, slots) * momentum) + (embeddings.detach().to(bank.dtype) * (1 - momentum));
        bank.index_copy_(0, slots, mixed / mixed.square().sum(1, true).clamp_min(1e-24).sqrt());
    }
}
