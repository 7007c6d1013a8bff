using System.Globalization;
using DistillSharp.Config;

namespace DistillSharp.Recipes;

/// <summary>The values that one recipe key may take in a sweep: a list, or a range.</summary>
internal sealed class SweepDimension
{
    private readonly IReadOnlyList<string> _values;
    private readonly SweepRange? _range;

    private SweepDimension(string key, IReadOnlyList<string> values, SweepRange? range) => (Key, _values, _range) = (key, values, range);

    /// <summary>The key as the recipe's space names it.</summary>
    public string Key { get; }

    /// <summary>Number of values in the list; null for a range.</summary>
    public int? Count => _range is null ? _values.Count : null;

    /// <summary>A range, for spaces that the recipe does not give.</summary>
    public static SweepDimension Between(string key, double from, double to) => new(key, [], new SweepRange { From = from, To = to });

    /// <summary>Reads the values of a key; null (with a fault) where they are none.</summary>
    public static SweepDimension? Read(string key, ConfigNode node, ConfigBinder binder)
    {
        if (node.Items is { Count: > 0 } items && items.All(item => item.Scalar is not null))
        {
            return new SweepDimension(key, [.. items.Select(item => item.Scalar!).Distinct()], null);
        }

        var before = binder.Errors.All.Count;
        var range = node.Entries is not null ? binder.Bind<SweepRange>(node) : node.Scalar is { } text ? Range(text) : null;
        if (range is null)
        {
            binder.Errors.Add(node, "must be a list of values such as [1, 2, 4], a range such as `0.01..0.3`, or a map such as {from: 0.01, to: 0.3, scale: log}");
            return null;
        }

        if (node.Entries is null)
        {
            range.Check(node, binder.Errors);
        }

        return binder.Errors.All.Count > before ? null : new SweepDimension(key, [], range);
    }

    /// <summary>The value at a place of [0, 1]; a list is divided into equal parts.</summary>
    public string At(double place) => _range is { } range
        ? Text(range, range.IsLogarithmic ? range.From * Math.Pow(range.To / range.From, place) : range.From + (place * (range.To - range.From)))
        : _values[Math.Min(_values.Count - 1, (int)(place * _values.Count))];

    /// <summary>Evenly spaced values: all of a list, or so many of a range with both its ends.</summary>
    public IReadOnlyList<string> Levels(int count) => _range is null
        ? _values
        : [.. Enumerable.Range(0, count).Select(i => At(count == 1 ? 0.5 : (double)i / (count - 1))).Distinct()];

    // Three digits: more would promise a precision that no tuning has.
    private static string Text(SweepRange range, double value)
    {
        var number = range.Whole ? Math.Round(value) : double.Parse(value.ToString("G3", CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);
        return Math.Clamp(number, range.From, range.To).ToString(CultureInfo.InvariantCulture);
    }

    private static SweepRange? Range(string text) =>
        text.Split("..") is [var from, var to]
        && double.TryParse(from, NumberStyles.Float, CultureInfo.InvariantCulture, out var low)
        && double.TryParse(to, NumberStyles.Float, CultureInfo.InvariantCulture, out var high)
        && double.IsFinite(low) && double.IsFinite(high)
            ? new SweepRange { From = low, To = high }
            : null;
}
