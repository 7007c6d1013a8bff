using DistillSharp.Data;
using DistillSharp.Signals;
using TorchSharp;
using static TorchSharp.torch;

namespace DistillSharp.Training;

/// <summary>
/// The teacher's logits of every training sample, computed once. Right only where each epoch shows a sample the very same way
/// (no augmentation). They are computed in the order of epoch 0, so that a resumed run sees the same bits.
/// </summary>
internal sealed class TeacherLogits
{
    private const long LargestCache = 1L << 28;

    private readonly Dictionary<long, int> _rows = [];
    private readonly float[] _values;
    private readonly long[] _shape;
    private readonly int _size;
    private readonly Device _device;

    private TeacherLogits(ISignalSource teacher, IBatchSource source, Device device, IReadOnlyList<long> logitsShape)
    {
        _device = device;
        _shape = [.. logitsShape.Skip(1)];
        _size = (int)SizeOf(logitsShape);
        _values = new float[source.SampleCount * (long)_size];
        using var noGradient = no_grad();
        foreach (var batch in source.Epoch(0))
        {
            using var scope = NewDisposeScope();
            using var owned = batch;
            var logits = teacher.Read(device.type == DeviceType.CPU ? batch : batch.To(device)).Logits.Value.to(ScalarType.Float32).cpu().contiguous();
            logits.data<float>().CopyTo(_values.AsSpan(_rows.Count * _size, batch.Count * _size));
            foreach (var id in batch.SampleIds)
            {
                _rows.Add(id, _rows.Count);
            }
        }
    }

    /// <summary>Computes them; null where the data is augmented, samples differ in their number of positions, or there would be too many numbers.</summary>
    public static TeacherLogits? Create(ISignalSource teacher, IBatchSource source, Device device, IReadOnlyList<long> logitsShape) =>
        !source.IsAugmented && (logitsShape.Count == 2 || source.Info.HasEqualLengths) && source.SampleCount * SizeOf(logitsShape) <= LargestCache
            ? new TeacherLogits(teacher, source, device, logitsShape)
            : null;

    /// <summary>The logits [N, C] or [N, T, C] of a batch, owned by the current dispose scope.</summary>
    public Tensor Of(Batch batch)
    {
        var values = new float[batch.Count * _size];
        for (var i = 0; i < batch.Count; i++)
        {
            _values.AsSpan(_rows[batch.SampleIds[i]] * _size, _size).CopyTo(values.AsSpan(i * _size));
        }

        return tensor(values, [batch.Count, .. _shape]).to(_device);
    }

    private static long SizeOf(IReadOnlyList<long> logitsShape) => logitsShape.Skip(1).Aggregate(1L, (size, axis) => size * axis);
}
