using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace DistillSharp.Config;

/// <summary>Reads and writes YAML as <see cref="ConfigNode"/>s and applies <c>key.path=value</c> overrides.</summary>
public static class YamlConfig
{
    // YAML's aliases can make a small file endlessly deep or wide.
    private const int DeepestNode = 64;
    private const int MostNodes = 100_000;

    private static readonly string Bounds = $"must be at most {DeepestNode} levels deep with at most {MostNodes} values, aliases written out";

    /// <summary>Parses one YAML document; null (with an error) where it is not a map.</summary>
    public static ConfigNode? Parse(string text, ConfigErrors errors)
    {
        var stream = new YamlStream();
        try
        {
            stream.Load(new StringReader(text));
        }
        catch (YamlException error)
        {
            errors.Add("", $"not valid YAML: {error.InnerException?.Message ?? error.Message}", (int)error.Start.Line);
            return null;
        }

        if (stream.Documents.Count == 0 || stream.Documents[0].RootNode is not YamlMappingNode root)
        {
            errors.Add("", "the file must hold a map of keys such as `data:` and `student:`", 1);
            return null;
        }

        if (Unbounded(root) is { } node)
        {
            errors.Add("", Bounds, (int)node.Start.Line);
            return null;
        }

        return Convert(root, "", null);
    }

    /// <summary>
    /// Returns <paramref name="root"/> with <c>a.b[0].c=value</c> set; the value is itself YAML. <c>null</c> takes back a key that is there.
    /// </summary>
    public static ConfigNode Override(ConfigNode root, string assignment, ConfigErrors errors) => Override(root, assignment, errors, ConfigNode.OverrideLine);

    /// <summary>The same for an assignment that a line of the file gives: faults are reported there.</summary>
    internal static ConfigNode Override(ConfigNode root, string assignment, ConfigErrors errors, int line)
    {
        var split = assignment.IndexOf('=', StringComparison.Ordinal);
        if (split <= 0)
        {
            errors.Add("--set", $"`{assignment}` must have the form key.path=value, such as training.epochs=5");
            return root;
        }

        var keys = assignment[..split].Trim().Replace("[", ".", StringComparison.Ordinal).Replace("]", "", StringComparison.Ordinal).Split('.');
        var stream = new YamlStream();
        try
        {
            stream.Load(new StringReader(assignment[(split + 1)..]));
        }
        catch (YamlException error)
        {
            errors.Add("--set", $"`{assignment}`: the value is not valid YAML: {error.InnerException?.Message ?? error.Message}");
            return root;
        }

        var value = stream.Documents.Count == 0 ? new YamlScalarNode("") : stream.Documents[0].RootNode;
        if (Unbounded(value) is not null)
        {
            errors.Add("--set", $"the value of {string.Join('.', keys)} {Bounds}");
            return root;
        }

        return Set(root, keys, value, line, errors);
    }

    /// <summary>Returns <paramref name="root"/> with a text set at a path of keys and of list indices; keys may hold points here.</summary>
    internal static ConfigNode Set(ConfigNode root, string[] keys, string value, ConfigErrors errors) => Set(root, keys, new YamlScalarNode(value), 0, errors);

    /// <summary>Writes a node as YAML.</summary>
    public static string Write(ConfigNode root)
    {
        var writer = new StringWriter { NewLine = "\n" };
        new YamlStream(new YamlDocument(ToYaml(root))).Save(writer, assignAnchors: false);
        var text = writer.ToString();
        return text.EndsWith("...\n", StringComparison.Ordinal) ? text[..^4] : text;
    }

    // The node at which there is too much; null where there is not.
    private static YamlNode? Unbounded(YamlNode root)
    {
        var open = new Stack<(YamlNode Node, int Depth)>([(root, 0)]);
        for (var count = 0; open.TryPop(out var next); count++)
        {
            if (next.Depth > DeepestNode || count > MostNodes)
            {
                return next.Node;
            }

            IEnumerable<YamlNode> children = next.Node switch
            {
                YamlSequenceNode sequence => sequence.Children,
                YamlMappingNode mapping => mapping.Children.Select(pair => pair.Value),
                _ => [],
            };
            foreach (var child in children)
            {
                open.Push((child, next.Depth + 1));
            }
        }

        return null;
    }

    private static ConfigNode Set(ConfigNode node, ReadOnlySpan<string> keys, YamlNode value, int line, ConfigErrors errors)
    {
        if (keys.Length == 0)
        {
            return Convert(value, node.Path, line);
        }

        if (node.Items is { } items && int.TryParse(keys[0], out var index))
        {
            if (index < 0 || index >= items.Count)
            {
                errors.Add($"{node.Path}[{index}]", $"there are {items.Count} items", line);
                return node;
            }

            var changed = items.ToArray();
            changed[index] = Set(items[index], keys[1..], value, line, errors);
            return ConfigNode.List(node.Path, changed, node.Line);
        }

        if (node.Items is { } list)
        {
            errors.Add($"{node.Path}.{keys[0]}", list.Count == 0 ? "the list is empty" : $"a list: give the item's index, such as {node.Path}[0]", line);
            return node;
        }

        var entries = new OrderedDictionary<string, ConfigNode>();
        foreach (var (key, entry) in node.Entries ?? new Dictionary<string, ConfigNode>())
        {
            entries[key] = entry;
        }

        var isThere = entries.TryGetValue(keys[0], out var existing);
        var child = Set(existing ?? ConfigNode.Map(node.PathOf(keys[0]), new Dictionary<string, ConfigNode>(), line), keys[1..], value, line, errors);
        // Where there is nothing to take back, null is a value like any other: who reads the key knows whether it exists.
        if (isThere && keys.Length == 1 && child.IsNull)
        {
            entries.Remove(keys[0]);
        }
        else
        {
            entries[keys[0]] = child;
        }

        return ConfigNode.Map(node.Path, entries, node.Line);
    }

    // Nodes have their own lines of the file unless another is given for all of them.
    private static ConfigNode Convert(YamlNode node, string path, int? given)
    {
        var line = given ?? (int)node.Start.Line;
        switch (node)
        {
            case YamlSequenceNode sequence:
                return ConfigNode.List(path, [.. sequence.Children.Select((item, i) => Convert(item, $"{path}[{i}]", given))], line);
            case YamlMappingNode mapping:
                var entries = new OrderedDictionary<string, ConfigNode>();
                foreach (var (key, value) in mapping.Children)
                {
                    var name = (key as YamlScalarNode)?.Value ?? key.ToString();
                    entries[name] = Convert(value, path.Length == 0 ? name : path + "." + name, given);
                }

                return ConfigNode.Map(path, entries, line);
            default:
                return ConfigNode.Text(path, (node as YamlScalarNode)?.Value ?? "", line);
        }
    }

    private static YamlNode ToYaml(ConfigNode node)
    {
        if (node.Items is { } items)
        {
            return new YamlSequenceNode(items.Select(ToYaml)) { Style = items.All(item => item.Scalar is not null) ? YamlDotNet.Core.Events.SequenceStyle.Flow : YamlDotNet.Core.Events.SequenceStyle.Block };
        }

        return node.Entries is { } entries
            ? new YamlMappingNode(entries.Select(entry => new KeyValuePair<YamlNode, YamlNode>(new YamlScalarNode(entry.Key), ToYaml(entry.Value))))
            : new YamlScalarNode(node.Scalar ?? "");
    }
}
