namespace DistillSharp.Config;

/// <summary>A value of a configuration file that knows its path and line: a scalar, a list or a map.</summary>
public sealed class ConfigNode
{
    /// <summary>The line of what an override gives, which stands in no file.</summary>
    public const int OverrideLine = -1;

    private ConfigNode(string path, int line, string? scalar, IReadOnlyList<ConfigNode>? items, IReadOnlyDictionary<string, ConfigNode>? entries)
    {
        Path = path;
        Line = line;
        Scalar = scalar;
        Items = items;
        Entries = entries;
    }

    /// <summary>Dotted path from the root; empty at the root.</summary>
    public string Path { get; }

    /// <summary>1-based line of the file, 0 where there is none, <see cref="OverrideLine"/> where an override gives it.</summary>
    public int Line { get; }

    /// <summary>The text of a scalar, else null.</summary>
    public string? Scalar { get; }

    /// <summary>True for YAML's null, by which an override takes back what a recipe gives.</summary>
    public bool IsNull => Scalar is "null" or "~";

    /// <summary>The items of a list, else null.</summary>
    public IReadOnlyList<ConfigNode>? Items { get; }

    /// <summary>The entries of a map in file order, else null.</summary>
    public IReadOnlyDictionary<string, ConfigNode>? Entries { get; }

    /// <summary>The value as an error message shows it.</summary>
    public string Display => Scalar ?? (Items is not null ? "[list]" : "{map}");

    /// <summary>A scalar node.</summary>
    public static ConfigNode Text(string path, string value, int line = 0) => new(path, line, value, null, null);

    /// <summary>A list node.</summary>
    public static ConfigNode List(string path, IReadOnlyList<ConfigNode> items, int line = 0) => new(path, line, null, items, null);

    /// <summary>A map node.</summary>
    public static ConfigNode Map(string path, IReadOnlyDictionary<string, ConfigNode> entries, int line = 0) => new(path, line, null, null, entries);

    /// <summary>The path of <paramref name="key"/> below this node.</summary>
    public string PathOf(string key) => Path.Length == 0 ? key : Path + "." + key;

    /// <summary>The entry under <paramref name="key"/>, or null.</summary>
    public ConfigNode? Get(string key) => Entries is not null && Entries.TryGetValue(key, out var node) ? node : null;
}
