using System.Text.Json;

namespace DistillSharp.Losses.Golden;

/// <summary>An array of a vector file.</summary>
/// <param name="Shape">Sizes of its axes; empty for a scalar.</param>
/// <param name="Data">Values in row-major order.</param>
public sealed record GoldenArray(long[] Shape, double[] Data);

/// <summary>
/// One loss computed elsewhere in float64: method, options, inputs, the scalar loss and its gradients with respect to every
/// input whose name begins with <c>student.</c>.
/// </summary>
public sealed class GoldenVector
{
    private GoldenVector(string method, string reference, JsonElement options, Dictionary<string, GoldenArray> inputs, double loss, Dictionary<string, GoldenArray> gradients)
    {
        Method = method;
        Reference = reference;
        Options = options;
        Inputs = inputs;
        Loss = loss;
        Gradients = gradients;
    }

    /// <summary>Recipe name of the method.</summary>
    public string Method { get; }

    /// <summary>The code that computed the values.</summary>
    public string Reference { get; }

    /// <summary>Options of the method by recipe name.</summary>
    public JsonElement Options { get; }

    /// <summary>Inputs by name.</summary>
    public IReadOnlyDictionary<string, GoldenArray> Inputs { get; }

    /// <summary>The reference loss.</summary>
    public double Loss { get; }

    /// <summary>Reference gradients by input name.</summary>
    public IReadOnlyDictionary<string, GoldenArray> Gradients { get; }

    /// <summary>True for inputs that gradients are taken with respect to.</summary>
    public static bool IsStudent(string inputName) => inputName.StartsWith("student.", StringComparison.Ordinal);

    /// <summary>Reads one file.</summary>
    /// <exception cref="GoldenFormatException">It is no JSON, a key is missing, or an array's data do not fill its shape.</exception>
    public static GoldenVector Parse(string json)
    {
        JsonElement root;
        try
        {
            using var document = JsonDocument.Parse(json);
            root = document.RootElement.Clone();
        }
        catch (JsonException error)
        {
            throw new GoldenFormatException($"not valid JSON: {error.Message}", error);
        }

        if (root.ValueKind != JsonValueKind.Object)
        {
            throw new GoldenFormatException("the file must hold an object with `method`, `options`, `inputs`, `loss` and `gradients`");
        }

        var method = Text(root, "method") ?? throw new GoldenFormatException("`method` must be the name of a method (a file of metrics has `sets` and `scores` instead)");
        var options = root.TryGetProperty("options", out var given) && given.ValueKind != JsonValueKind.Null ? given : JsonDocument.Parse("{}").RootElement;
        if (options.ValueKind != JsonValueKind.Object)
        {
            throw new GoldenFormatException("`options` must be an object of option names and values");
        }

        if (!root.TryGetProperty("loss", out var loss) || loss.ValueKind != JsonValueKind.Number || !loss.TryGetDouble(out var value) || !double.IsFinite(value))
        {
            throw new GoldenFormatException("`loss` must be a finite number");
        }

        var inputs = Arrays(root, "inputs");
        var gradients = Arrays(root, "gradients");
        CheckGradients(inputs, gradients);
        return new GoldenVector(method, Text(root, "reference") ?? "", options, inputs, value, gradients);
    }

    private static void CheckGradients(Dictionary<string, GoldenArray> inputs, Dictionary<string, GoldenArray> gradients)
    {
        var students = inputs.Keys.Where(IsStudent).ToList();
        if (students.Count == 0)
        {
            throw new GoldenFormatException("`inputs` has nothing of the student: one name must begin with `student.`");
        }

        foreach (var name in students.Where(name => !gradients.ContainsKey(name)))
        {
            throw new GoldenFormatException($"`gradients` lacks `{name}`, which is an input");
        }

        foreach (var (name, gradient) in gradients)
        {
            if (!IsStudent(name) || !inputs.TryGetValue(name, out var input))
            {
                throw new GoldenFormatException($"`gradients` has `{name}`, which is no input of the student");
            }

            if (!input.Shape.SequenceEqual(gradient.Shape))
            {
                throw new GoldenFormatException($"the gradient of `{name}` has shape [{string.Join(", ", gradient.Shape)}], the input [{string.Join(", ", input.Shape)}]");
            }
        }
    }

    private static string? Text(JsonElement root, string key) =>
        root.TryGetProperty(key, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    private static Dictionary<string, GoldenArray> Arrays(JsonElement root, string key)
    {
        if (!root.TryGetProperty(key, out var map) || map.ValueKind != JsonValueKind.Object)
        {
            throw new GoldenFormatException($"`{key}` must be an object of arrays, each with `shape` and `data`");
        }

        var arrays = new Dictionary<string, GoldenArray>();
        foreach (var entry in map.EnumerateObject())
        {
            arrays[entry.Name] = Array($"{key}.{entry.Name}", entry.Value);
        }

        return arrays;
    }

    private static GoldenArray Array(string path, JsonElement entry)
    {
        if (entry.ValueKind != JsonValueKind.Object
            || !entry.TryGetProperty("shape", out var shape) || shape.ValueKind != JsonValueKind.Array
            || !entry.TryGetProperty("data", out var data) || data.ValueKind != JsonValueKind.Array)
        {
            throw new GoldenFormatException($"`{path}` must have `shape` and `data`, both lists of numbers");
        }

        var sizes = Numbers(path + ".shape", shape);
        if (sizes.Any(size => size < 1 || size > int.MaxValue || size != Math.Floor(size)))
        {
            throw new GoldenFormatException($"`{path}.shape` must hold whole numbers of at least 1");
        }

        var values = Numbers(path + ".data", data);
        var elements = sizes.Aggregate(1.0, (product, size) => product * size);
        return elements == values.Length
            ? new GoldenArray([.. sizes.Select(size => (long)size)], values)
            : throw new GoldenFormatException($"`{path}` has {values.Length} values, its shape [{string.Join(", ", sizes)}] needs {elements}");
    }

    private static double[] Numbers(string path, JsonElement list)
    {
        var values = new double[list.GetArrayLength()];
        var i = 0;
        foreach (var item in list.EnumerateArray())
        {
            var value = item.ValueKind is JsonValueKind.True ? 1 : item.ValueKind is JsonValueKind.False ? 0 : double.NaN;
            if (double.IsNaN(value) && (item.ValueKind != JsonValueKind.Number || !item.TryGetDouble(out value) || !double.IsFinite(value)))
            {
                throw new GoldenFormatException($"`{path}[{i}]` must be a finite number");
            }

            values[i++] = value;
        }

        return values;
    }
}
