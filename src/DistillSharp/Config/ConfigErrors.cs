namespace DistillSharp.Config;

/// <summary>One fault of a configuration: where, what stands there, and what would be right.</summary>
/// <param name="Path">Dotted path from the root, such as <c>objective.terms[0].temperature</c>.</param>
/// <param name="Value">The offending text, or null where a key is missing.</param>
/// <param name="Message">What is wrong and what would be right.</param>
/// <param name="Line">1-based line of the file, 0 where there is none.</param>
public sealed record ConfigError(string Path, string? Value, string Message, int Line)
{
    /// <summary>True where an override (<c>--set</c>, or an option that is short for one) gives what is wrong, and not the file.</summary>
    public bool IsOverride { get; init; }

    /// <inheritdoc/>
    public override string ToString() =>
        (IsOverride ? "--set " : Line > 0 ? $"line {Line}: " : "") + Path + (Value is null ? "" : $" = {Value}") + (Path.Length > 0 ? ": " : "") + Message;
}

/// <summary>Collects every fault of a configuration, so that all are reported at once.</summary>
public sealed class ConfigErrors
{
    private readonly List<ConfigError> _all = [];

    /// <summary>The faults in the order they were found.</summary>
    public IReadOnlyList<ConfigError> All => _all;

    /// <summary>True when anything was reported.</summary>
    public bool Any => _all.Count > 0;

    /// <summary>Reports a fault of <paramref name="node"/>.</summary>
    public void Add(ConfigNode node, string message) => Add(node.Path, node.Display, message, node.Line);

    /// <summary>Reports a fault at a path that has no node, such as a missing key.</summary>
    /// <param name="path">Dotted path from the root.</param>
    /// <param name="message">What is wrong and what would be right.</param>
    /// <param name="line">The line of what it is about, as nodes have it.</param>
    public void Add(string path, string message, int line = 0) => Add(path, null, message, line);

    /// <summary>Throws a <see cref="ConfigException"/> that holds every fault, if there is one.</summary>
    public void ThrowIfAny()
    {
        if (Any)
        {
            throw new ConfigException(_all);
        }
    }

    private void Add(string path, string? value, string message, int line) =>
        _all.Add(new ConfigError(path, value, message, Math.Max(0, line)) { IsOverride = line == ConfigNode.OverrideLine });
}

/// <summary>A configuration with one or more faults.</summary>
public sealed class ConfigException(IReadOnlyList<ConfigError> errors)
    : Exception(string.Join(Environment.NewLine, errors.Distinct().Select(error => error.ToString())))
{
    /// <summary>Every fault found, each once: keys that several sections inherit are read more than once.</summary>
    public IReadOnlyList<ConfigError> Errors { get; } = [.. errors.Distinct()];
}
