namespace DistillSharp.Config;

/// <summary>
/// Describes one key of an options record: its meaning (for <c>--help</c> and docs) and the range that its value must lie in.
/// The key is the property's name in snake_case; the default is the property's initial value.
/// </summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class OptionAttribute(string meaning) : Attribute
{
    /// <summary>One line: what the value means, with its unit.</summary>
    public string Meaning { get; } = meaning;

    /// <summary>Smallest allowed number.</summary>
    public double Min { get; init; } = double.NegativeInfinity;

    /// <summary>Largest allowed number.</summary>
    public double Max { get; init; } = double.PositiveInfinity;

    /// <summary>True where <see cref="Min"/> itself is not allowed.</summary>
    public bool AboveMin { get; init; }

    /// <summary>Allowed texts; null where anything goes.</summary>
    public string[]? OneOf { get; init; }

    /// <summary>True where the key must be given.</summary>
    public bool Required { get; init; }

    /// <summary>True where the text names a file or folder of data: a relative path starts at the recipe's folder, and at the current one where nothing is there.</summary>
    public bool DataPath { get; init; }
}
