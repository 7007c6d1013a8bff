using TorchSharp;
using static TorchSharp.torch;

namespace DistillSharp.Losses.Golden;

/// <summary>
/// The inputs of a vector file as tensors, the student's with gradient. Every accessor checks shapes first: some shapes make
/// libtorch abort the process instead of throwing.
/// </summary>
public sealed class GoldenInputs
{
    private readonly Dictionary<string, Tensor> _tensors = [];
    private readonly ScalarType _dtype;

    /// <summary>Makes tensors of one type; they belong to the current dispose scope.</summary>
    public GoldenInputs(IReadOnlyDictionary<string, GoldenArray> arrays, ScalarType dtype, Device device)
    {
        _dtype = dtype;
        foreach (var (name, array) in arrays)
        {
            _tensors[name] = tensor(array.Data, array.Shape).to(name == "labels" ? ScalarType.Float64 : dtype).to(device)
                .detach().requires_grad_(GoldenVector.IsStudent(name));
        }
    }

    /// <summary>Names of the student's inputs.</summary>
    public IEnumerable<string> StudentNames => _tensors.Keys.Where(GoldenVector.IsStudent);

    /// <summary>The input of that name, or null.</summary>
    public Tensor? Optional(string name) => _tensors.GetValueOrDefault(name);

    /// <summary>The input of that name with that number of axes (any for 0).</summary>
    /// <exception cref="GoldenFormatException">It is missing or has another number of axes.</exception>
    public Tensor Required(string name, int axes = 0)
    {
        if (!_tensors.TryGetValue(name, out var found))
        {
            throw new GoldenFormatException($"input `{name}` is missing; there is {string.Join(", ", _tensors.Keys)}");
        }

        return axes == 0 || found.dim() == axes ? found : throw new GoldenFormatException($"input `{name}` has shape {Show(found)}; {axes} axes are needed");
    }

    /// <summary>Logits of both, of one shape, classes on the last axis.</summary>
    /// <exception cref="GoldenFormatException">One is missing, or the shapes do not fit.</exception>
    public (Tensor Student, Tensor Teacher) Logits(int axes = 2)
    {
        var (student, teacher) = (Required("student.logits", axes), Required("teacher.logits", axes));
        return student.shape.SequenceEqual(teacher.shape)
            ? (student, teacher)
            : throw new GoldenFormatException($"student.logits {Show(student)} and teacher.logits {Show(teacher)} must have one shape");
    }

    /// <summary>Hard labels [N], int64, each below the number of classes.</summary>
    /// <exception cref="GoldenFormatException">They are missing, not one a sample, or out of range.</exception>
    public Tensor Labels(Tensor logits)
    {
        var labels = Required("labels", 1);
        if (labels.shape[0] != logits.shape[0])
        {
            throw new GoldenFormatException($"there are {labels.shape[0]} labels for {logits.shape[0]} samples");
        }

        var values = labels.cpu().data<double>().ToArray();
        return values.All(value => value == Math.Floor(value) && value >= 0 && value < logits.shape[^1])
            ? labels.to(ScalarType.Int64)
            : throw new GoldenFormatException($"labels must be whole numbers from 0 to {logits.shape[^1] - 1}");
    }

    /// <summary>1 at valid positions, [N, T] of logits [N, T, V]; all ones where the file has none.</summary>
    /// <exception cref="GoldenFormatException">The shape does not fit, or a value is neither 0 nor 1.</exception>
    public Tensor Mask(Tensor logits)
    {
        if (Optional("mask") is not { } mask)
        {
            return ones(logits.shape.AsSpan(0, logits.shape.Length - 1).ToArray(), dtype: _dtype, device: logits.device);
        }

        if (!mask.shape.AsSpan().SequenceEqual(logits.shape.AsSpan(0, logits.shape.Length - 1)))
        {
            throw new GoldenFormatException($"mask {Show(mask)} does not fit student.logits {Show(logits)}");
        }

        return mask.eq(0).logical_or(mask.eq(1)).all().ToBoolean() ? mask : throw new GoldenFormatException("mask must hold 0 and 1 only");
    }

    /// <summary>Embeddings [N, D] and [N, D′].</summary>
    /// <exception cref="GoldenFormatException">One is missing, or the batches differ.</exception>
    public (Tensor Student, Tensor Teacher) Embeddings(bool sameWidth = false)
    {
        var (student, teacher) = (Required("student.embedding", 2), Required("teacher.embedding", 2));
        return student.shape[0] == teacher.shape[0] && (!sameWidth || student.shape[1] == teacher.shape[1])
            ? (student, teacher)
            : throw new GoldenFormatException(
                $"student.embedding {Show(student)} and teacher.embedding {Show(teacher)} must have one {(sameWidth ? "shape" : "batch size")}");
    }

    /// <summary>Feature maps of stages 0, 1, …: [N, C, H, W] of the student with the teacher's of the same stage.</summary>
    /// <exception cref="GoldenFormatException">A stage is missing on one side, is no map, or the batches differ.</exception>
    public IReadOnlyList<(Tensor Student, Tensor Teacher)> Features()
    {
        var count = _tensors.Keys.Count(name => name.StartsWith("student.features.", StringComparison.Ordinal));
        var teacherCount = _tensors.Keys.Count(name => name.StartsWith("teacher.features.", StringComparison.Ordinal));
        if (count == 0 || count != teacherCount)
        {
            throw new GoldenFormatException($"there are {count} student.features and {teacherCount} teacher.features; both must have the same stages 0, 1, …");
        }

        var stages = new List<(Tensor, Tensor)>();
        for (var stage = 0; stage < count; stage++)
        {
            var (student, teacher) = (Required($"student.features.{stage}", 4), Required($"teacher.features.{stage}", 4));
            stages.Add(student.shape[0] == teacher.shape[0]
                ? (student, teacher)
                : throw new GoldenFormatException($"student.features.{stage} {Show(student)} and teacher.features.{stage} {Show(teacher)} must have one batch size"));
        }

        return stages;
    }

    /// <summary>"[4, 10]".</summary>
    public static string Show(Tensor tensor) => LossChecks.Show(tensor);
}
