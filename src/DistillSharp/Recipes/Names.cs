using System.Text.RegularExpressions;

namespace DistillSharp.Recipes;

/// <summary>What names may look like that become folders, keys of numbers or parts of checkpoints.</summary>
internal static partial class Names
{
    /// <summary>Rule of <see cref="IsFileName"/>, in words.</summary>
    public const string Rule = "letters, digits, `_`, `-` and `.`, beginning with a letter or digit";

    /// <summary>Rule of <see cref="IsKey"/>, in words.</summary>
    public const string KeyRule = "must be letters, digits, `_` and `-`";

    /// <summary>True where the name can be a folder on every system, inside the run directory.</summary>
    public static bool IsFileName(string name) => FileName().IsMatch(name);

    /// <summary>True where the name can be a key of numbers and of a module.</summary>
    public static bool IsKey(string name) => Key().IsMatch(name);

    [GeneratedRegex(@"^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}\z")]
    private static partial Regex FileName();

    [GeneratedRegex(@"^[A-Za-z0-9_-]{1,100}\z")]
    private static partial Regex Key();
}
