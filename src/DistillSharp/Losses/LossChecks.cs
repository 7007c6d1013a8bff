using System.Globalization;
using static TorchSharp.torch;

namespace DistillSharp.Losses;

/// <summary>Checks of what a loss is given. They come before any libtorch call, which may abort the process on shapes that do not fit.</summary>
public static class LossChecks
{
    /// <summary>Throws unless the value is above 0.</summary>
    /// <exception cref="ArgumentException">It is not.</exception>
    public static void Temperature(double temperature)
    {
        if (!(temperature > 0) || double.IsInfinity(temperature))
        {
            throw new ArgumentException(string.Create(CultureInfo.InvariantCulture, $"temperature must be above 0, not {temperature}"));
        }
    }

    /// <summary>Throws unless both have one shape of at least <paramref name="minAxes"/> axes.</summary>
    /// <exception cref="ArgumentException">They have not; the message shows both.</exception>
    public static void SameShape(Tensor student, Tensor teacher, string what = "logits", int minAxes = 2)
    {
        if (student.dim() < minAxes || !student.shape.AsSpan().SequenceEqual(teacher.shape))
        {
            throw new ArgumentException($"student {what} {Show(student)} and teacher {what} {Show(teacher)} must have one shape of {minAxes} axes or more");
        }
    }

    /// <summary>Throws unless both have the same first axis, the batch, and at least two axes.</summary>
    /// <exception cref="ArgumentException">They have not; the message shows both.</exception>
    public static void SameBatch(Tensor student, Tensor teacher, string what)
    {
        if (student.dim() < 2 || teacher.dim() < 2 || student.shape[0] != teacher.shape[0])
        {
            throw new ArgumentException($"student {what} {Show(student)} and teacher {what} {Show(teacher)} must have the same batch size on the first of two or more axes");
        }
    }

    /// <summary>Throws unless there is one label for each row of logits.</summary>
    /// <exception cref="ArgumentException">There is not.</exception>
    public static void Labels(Tensor logits, Tensor labels)
    {
        if (labels.numel() * logits.shape[^1] != logits.numel())
        {
            throw new ArgumentException($"labels {Show(labels)} do not fit logits {Show(logits)}: one label a row is needed");
        }
    }

    /// <summary>Throws unless the batch has two samples or more, which a loss over pairs needs.</summary>
    /// <exception cref="ArgumentException">It has one.</exception>
    public static void AtLeastTwo(Tensor tensor, string loss)
    {
        if (tensor.shape[0] < 2)
        {
            throw new ArgumentException($"{loss} compares the samples of a batch: it needs at least 2, not {tensor.shape[0]}");
        }
    }

    /// <summary>"[4, 10]".</summary>
    public static string Show(Tensor tensor) => $"[{string.Join(", ", tensor.shape)}]";
}
