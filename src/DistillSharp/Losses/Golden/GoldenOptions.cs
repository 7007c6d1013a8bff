using System.Text.Json;
using DistillSharp.Config;

namespace DistillSharp.Losses.Golden;

/// <summary>The options of a vector file. A loss reads each option it has; whatever is left over is unknown.</summary>
public sealed class GoldenOptions(JsonElement values)
{
    private readonly List<string> _known = [];

    /// <summary>A number, or its default where the file does not give one.</summary>
    /// <exception cref="GoldenFormatException">It is no number or out of range.</exception>
    public double Number(string name, double defaultValue, double min = double.NegativeInfinity, double max = double.PositiveInfinity, bool aboveMin = false)
    {
        if (!Given(name, out var value))
        {
            return defaultValue;
        }

        var range = new OptionAttribute(name) { Min = min, Max = max, AboveMin = aboveMin };
        return value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out var number) && double.IsFinite(number)
            && number <= max && (aboveMin ? number > min : number >= min)
            ? number
            : throw new GoldenFormatException($"option `{name}` = {value.GetRawText()} must be {ConfigBinder.Describe(typeof(double), range)}");
    }

    /// <summary>A number above 0 called <c>temperature</c>.</summary>
    public double Temperature(double defaultValue) => Number("temperature", defaultValue, 0, aboveMin: true);

    /// <summary>A whole number, or its default.</summary>
    /// <exception cref="GoldenFormatException">It is no whole number or below <paramref name="min"/>.</exception>
    public int Whole(string name, int defaultValue, int min = int.MinValue)
    {
        var number = Number(name, defaultValue, min, int.MaxValue);
        return number == Math.Floor(number) ? (int)number : throw new GoldenFormatException($"option `{name}` = {number} must be a whole number");
    }

    /// <summary>A list of numbers (a single number is a list of one), or its default.</summary>
    /// <exception cref="GoldenFormatException">An item is no number.</exception>
    public IReadOnlyList<double> Numbers(string name, IReadOnlyList<double> defaultValue)
    {
        if (!Given(name, out var value))
        {
            return defaultValue;
        }

        IEnumerable<JsonElement> items = value.ValueKind == JsonValueKind.Array ? value.EnumerateArray() : [value];
        return [.. items.Select(item => item.ValueKind == JsonValueKind.Number
            ? item.GetDouble()
            : throw new GoldenFormatException($"option `{name}`: {item.GetRawText()} must be a number"))];
    }

    /// <summary>true or false, or its default.</summary>
    /// <exception cref="GoldenFormatException">It is neither.</exception>
    public bool Flag(string name, bool defaultValue)
    {
        return !Given(name, out var value) ? defaultValue
            : value.ValueKind is JsonValueKind.True or JsonValueKind.False ? value.GetBoolean()
            : throw new GoldenFormatException($"option `{name}` = {value.GetRawText()} must be true or false");
    }

    /// <summary>One of the allowed texts; the first is the default.</summary>
    /// <exception cref="GoldenFormatException">It is another text.</exception>
    public string Choice(string name, params string[] allowed)
    {
        if (!Given(name, out var value))
        {
            return allowed[0];
        }

        var text = value.ValueKind == JsonValueKind.String ? value.GetString()! : value.GetRawText();
        return allowed.Contains(text) ? text : throw new GoldenFormatException($"option `{name}` = {text}: {NearestName.Hint(text, allowed)}");
    }

    /// <summary>Throws where the file has an option that was not read.</summary>
    /// <param name="others">Keys that are no options and may stand among them.</param>
    /// <exception cref="GoldenFormatException">An option is unknown; the message names it and those that are known.</exception>
    public void RejectUnknown(params IReadOnlyCollection<string> others)
    {
        foreach (var option in values.EnumerateObject())
        {
            if (!_known.Contains(option.Name) && !others.Contains(option.Name))
            {
                throw new GoldenFormatException($"unknown option `{option.Name}`; {NearestName.Hint(option.Name, _known)}");
            }
        }
    }

    // What is null is not given.
    private bool Given(string name, out JsonElement value)
    {
        _known.Add(name);
        return values.TryGetProperty(name, out value) && value.ValueKind != JsonValueKind.Null;
    }
}
