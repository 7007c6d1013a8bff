using DistillSharp.Config;
using DistillSharp.Data;

namespace DistillSharp.Recipes;

/// <summary>The paths in a recipe that start at its folder.</summary>
internal static class RelativePaths
{
    private static readonly string[] Sections = ["teacher", "teachers", "student", "plugins"];
    private static readonly string[] Keys = ["weights", "onnx", "onnx_stream", "torchscript", "dictionary", "store", "path"];

    /// <summary>The recipe as it must read in another folder.</summary>
    public static ConfigNode Moved(ConfigNode root, string from, string to) => from == to ? root
        : ConfigNode.Map(root.Path, new OrderedDictionary<string, ConfigNode>(root.Entries!.Select(entry =>
            KeyValuePair.Create(entry.Key, Sections.Contains(entry.Key) ? Moved(entry.Value, entry.Key, from, to) : entry.Value))), root.Line);

    private static ConfigNode Moved(ConfigNode node, string key, string from, string to) =>
        node.Entries is { } entries ? ConfigNode.Map(node.Path, new OrderedDictionary<string, ConfigNode>(entries.Select(entry => KeyValuePair.Create(entry.Key, Moved(entry.Value, entry.Key, from, to)))), node.Line)
        : node.Items is { } items && key == "plugins" ? ConfigNode.List(node.Path, [.. items.Select(item => Moved(item, "path", from, to))], node.Line)
        : node.Scalar is { } path && Keys.Contains(key) ? ConfigNode.Text(node.Path, Moved(path, from, to), node.Line)
        : node;

    private static string Moved(string path, string from, string to) =>
        Path.IsPathRooted(path) || IsFetched(path, from) ? path : Path.GetRelativePath(Path.GetFullPath(to), Path.GetFullPath(Path.Combine(from, path))).Replace('\\', '/');

    // `name/file` of what `distill data get` brings is found from any folder.
    private static bool IsFetched(string path, string from) =>
        path.Split('/') is [var name, var file] && DatasetFetcher.Known(name) is { } known && known.FileNames.Contains(file) && !File.Exists(Path.Combine(from, path));
}
