using TorchSharp;
using static TorchSharp.torch;

namespace DistillSharp.Losses.Logits;

/// <summary>
/// Losses over many rows of logits of thousands of classes, such as vocabularies. libtorch goes through all rows anew for every operation, and
/// fetches from memory each time what no longer fits into a processor's cache. Here a row is finished before the next one begins, and
/// the backward pass makes the gradient from the logits and the rows' normalisers, which is all that is kept.
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
        RowFunction.apply(logits.contiguous(), new CrossEntropyRows(labels.cpu().contiguous().data<long>().ToArray(), (int)logits.shape[^1], smoothing));

    /// <summary>T²·Σ KL(softmax(teacher/T) ‖ softmax(student/T)) over rows.</summary>
    /// <param name="student">[N, C].</param>
    /// <param name="teacher">[N, C]; gets no gradient.</param>
    /// <param name="isValid">bool [N], false at rows that are left out; null where none is.</param>
    /// <param name="temperature">T.</param>
    public static Tensor Divergence(Tensor student, Tensor teacher, Tensor? isValid, double temperature) =>
        RowFunction.apply(student.contiguous(), teacher.detach().contiguous(), new DivergenceRows(isValid?.cpu().contiguous().data<bool>().ToArray(), (int)student.shape[0], temperature));

    /// <summary>Takes rows to their summed loss; the first tensor gets the gradient.</summary>
    private sealed class RowFunction : autograd.SingleTensorFunction<RowFunction>
    {
        private const string Key = "rows";

        public override string Name => nameof(RowFunction);

        public override Tensor forward(autograd.AutogradContext context, params object[] given)
        {
            var (tensors, rows) = (given.OfType<Tensor>().ToList(), (RowLoss)given[^1]);
            context.save_for_backward(tensors);
            context.save_data(Key, rows);
            var losses = new double[tensors[0].shape[0]];
            ForEach(tensors[0], row => losses[row] = rows.Loss(row, Row(tensors[0], row), Row(tensors[^1], row)));
            return tensor((float)losses.Sum());
        }

        public override List<Tensor> backward(autograd.AutogradContext context, Tensor output)
        {
            var (tensors, rows, factor) = (context.get_saved_variables(), (RowLoss)context.get_data(Key), output.item<float>());
            var gradient = empty_like(tensors[0]);
            ForEach(gradient, row => rows.Gradient(row, Row(tensors[0], row), Row(tensors[^1], row), factor, Row(gradient, row)));
            // Nothing for what was given beside the first tensor: other tensors, and the rows.
            return [gradient, .. tensors.Select(_ => (Tensor)null!)];
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
}
