using TorchSharp;
using static TorchSharp.torch;

namespace DistillSharp.Losses.Logits;

/// <summary>
/// Losses over many rows of logits of thousands of classes, such as vocabularies. libtorch goes through all rows anew for every operation, and
/// fetches from memory each time what no longer fits into a processor's cache. Here a row is finished before the next one begins, and
/// its gradient is made at once.
/// </summary>
internal static class WideRows
{
    // Below this many numbers libtorch's operations are as fast.
    private const long Least = 1 << 18;

    /// <summary>Whether logits [.., C] are such rows: many numbers, float32, on the CPU.</summary>
    public static bool Fit(Tensor logits) =>
        logits.device.type == DeviceType.CPU && logits.dtype == ScalarType.Float32 && logits.numel() >= Least;

    /// <summary>Σ −log softmax at the label over rows that have one; with smoothing ε the target is (1 − ε)·one-hot + ε/C.</summary>
    /// <param name="logits">[N, C].</param>
    /// <param name="labels">int64 [N]; rows below 0 are left out.</param>
    /// <param name="smoothing">ε.</param>
    public static Tensor CrossEntropy(Tensor logits, Tensor labels, double smoothing) =>
        Sum(logits.contiguous(), other: null, new CrossEntropyRows(labels.cpu().contiguous().data<long>().ToArray(), (int)logits.shape[^1], smoothing));

    /// <summary>T²·Σ KL(softmax(teacher/T) ‖ softmax(student/T)) over rows.</summary>
    /// <param name="student">[N, C].</param>
    /// <param name="teacher">[N, C]; gets no gradient.</param>
    /// <param name="isValid">bool [N], false at rows that are left out; null where none is.</param>
    /// <param name="temperature">T.</param>
    public static Tensor Divergence(Tensor student, Tensor teacher, Tensor? isValid, double temperature) =>
        Sum(student.contiguous(), teacher.detach().contiguous(), new DivergenceRows(isValid?.cpu().contiguous().data<bool>().ToArray(), (int)student.shape[0], temperature));

    // The gradient G is made with the loss and stands as a constant factor: ⟨logits, G⟩ passes it on, and a constant makes up the value. libtorch's own
    // operations alone are in the graph, so that no exception of ours can rise in a backward pass.
    private static Tensor Sum(Tensor logits, Tensor? other, RowLoss rows)
    {
        var needsGradient = logits.requires_grad && is_grad_enabled();
        var (given, losses) = (logits.detach(), new double[logits.shape[0]]);
        var second = other ?? given;
        using var gradient = needsGradient ? empty_like(given) : null;
        ForEach(given, row =>
        {
            losses[row] = rows.Loss(row, Row(given, row), Row(second, row));
            if (gradient is not null)
            {
                rows.Gradient(row, Row(given, row), Row(second, row), Row(gradient, row));
            }
        });
        if (gradient is null)
        {
            return tensor((float)losses.Sum());
        }

        var linear = dot(logits.reshape(-1), gradient.reshape(-1));
        if (!float.IsFinite(linear.item<float>()))
        {
            // Rows that are left out may hold anything, and a class of probability 0 has the logit −∞; neither has a gradient.
            linear = dot(logits.reshape(-1).nan_to_num(0, 0, 0), gradient.reshape(-1));
        }

        return linear + tensor((float)(losses.Sum() - linear.item<float>()));
    }

    // As many threads as libtorch has; what a row gives does not depend on their number.
    private static void ForEach(Tensor shape, Action<int> body)
    {
        var (rows, threads) = ((int)shape.shape[0], get_num_threads());
        if (threads == 1)
        {
            Range(0, rows);
            return;
        }

        Parallel.For(0, threads, new ParallelOptions { MaxDegreeOfParallelism = threads }, part =>
            Range((int)((long)rows * part / threads), (int)((long)rows * (part + 1) / threads)));

        void Range(int first, int end)
        {
            for (var row = first; row < end; row++)
            {
                body(row);
            }
        }
    }

    private static unsafe Span<float> Row(Tensor rows, int row)
    {
        var classes = (int)rows.shape[1];
        fixed (byte* start = rows.bytes)
        {
            return new Span<float>((float*)start + ((long)row * classes), classes);
        }
    }
}
