using System.Numerics.Tensors;

namespace DistillSharp.Sequences;

/// <summary>Arithmetic on rows of logits.</summary>
internal static class LogProbabilities
{
    /// <summary>log Σ exp of a row. The scratch space, of the row's length, is overwritten.</summary>
    public static double LogSum(ReadOnlySpan<float> row, Span<float> scratch)
    {
        var largest = TensorPrimitives.Max(row);
        TensorPrimitives.Subtract(row, largest, scratch);
        TensorPrimitives.Exp(scratch, scratch);
        return largest + Math.Log(TensorPrimitives.Sum<float>(scratch));
    }

    /// <summary>The largest values of a row and where they are, from the largest on; the first of equal ones comes first.</summary>
    public static void Top(ReadOnlySpan<float> row, Span<(float Value, int Index)> best)
    {
        var count = 0;
        var least = float.NegativeInfinity;
        for (var i = 0; i < row.Length; i++)
        {
            var value = row[i];
            if (count == best.Length && !(value > least))
            {
                continue;
            }

            var place = count < best.Length ? count++ : count - 1;
            while (place > 0 && best[place - 1].Value < value)
            {
                best[place] = best[place - 1];
                place--;
            }

            best[place] = (value, i);
            least = best[count - 1].Value;
        }
    }
}
