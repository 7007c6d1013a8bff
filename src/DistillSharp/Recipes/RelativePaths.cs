using System.Reflection;
using DistillSharp.Config;
using DistillSharp.Data;
using DistillSharp.Training;

namespace DistillSharp.Recipes;

/// <summary>The paths in a recipe that start at its folder: those of teachers, weights, stores and plugins, and those of data where something is there.</summary>
internal static class RelativePaths
{
    private static readonly string[] Sections = ["teacher", "teachers", "student", "plugins"];
    private static readonly string[] Keys = ["weights", "onnx", "onnx_stream", "torchscript", "dictionary", "store", "path"];

    /// <summary>The recipe with the full paths of data that is found from its folder; other paths stay, and start at the current folder.</summary>
    /// <param name="root">The recipe.</param>
    /// <param name="folder">Its folder.</param>
    /// <param name="options">The options of a dataset by its name; null for an unknown one.</param>
    /// <param name="twice">Receives paths with something else of that name in the current folder, which is not taken.</param>
    public static ConfigNode Located(ConfigNode root, string folder, Func<string, Type?> options, ICollection<string> twice) => OfData(root, options, path =>
    {
        if (!IsThere(path, folder))
        {
            return path;
        }

        var found = Path.GetFullPath(Path.Combine(folder, path));
        if (Path.Exists(path) && Path.GetFullPath(path) != found)
        {
            twice.Add(path);
        }

        return found;
    });

    /// <summary>The recipe as it must read in another folder.</summary>
    /// <param name="root">The recipe.</param>
    /// <param name="from">Its folder.</param>
    /// <param name="to">The other folder.</param>
    /// <param name="options">The options of a dataset by its name; null for an unknown one.</param>
    public static ConfigNode Moved(ConfigNode root, string from, string to, Func<string, Type?> options) => from == to ? root
        : OfData(
            Each(root, (key, node) => Sections.Contains(key) ? Moved(node, key, from, to) : node), options,
            path => IsThere(path, from) ? Between(path, from, to) : path);

    private static ConfigNode Moved(ConfigNode node, string key, string from, string to) =>
        node.Items is { } items && key == "plugins" ? ConfigNode.List(node.Path, [.. items.Select(item => Moved(item, "path", from, to))], node.Line)
        : node.Scalar is { } path && Keys.Contains(key) ? ConfigNode.Text(node.Path, Path.IsPathRooted(path) || IsFetched(path, from) ? path : Between(path, from, to), node.Line)
        : Each(node, (name, entry) => Moved(entry, name, from, to));

    private static string Between(string path, string from, string to) =>
        Path.GetRelativePath(Path.GetFullPath(to), Path.GetFullPath(Path.Combine(from, path))).Replace('\\', '/');

    // `name/file` of what `distill data get` brings is found from any folder.
    private static bool IsFetched(string path, string from) =>
        path.Split('/') is [var name, var file] && DatasetFetcher.Known(name) is { } known && known.FileNames.Contains(file) && !File.Exists(Path.Combine(from, path));

    private static bool IsThere(string path, string folder) => path.Length > 0 && !Path.IsPathRooted(path) && Path.Exists(Path.Combine(folder, path));

    // The options that say so, wherever a recipe has some.
    private static ConfigNode OfData(ConfigNode root, Func<string, Type?> options, Func<string, string> change)
    {
        Type? OptionsOf(ConfigNode node) => node.Get("dataset")?.Scalar is { } name ? options(name) : null;
        ConfigNode Objective(ConfigNode node) => At(node, "targets", targets => Changed(targets, typeof(TeacherTargetsOptions), change));
        root = At(root, "data", node => Changed(
            At(node, "unlabelled", more => Changed(more, OptionsOf(more) ?? typeof(UnlabelledOptions), change)), OptionsOf(node), change));
        root = At(root, "evaluation", node => At(node, "language_model", model => Changed(model, typeof(LanguageModelSection), change)));
        root = At(root, "objective", Objective);
        return At(root, "objectives", node => Each(node, (_, objective) => Objective(objective)));
    }

    private static ConfigNode Changed(ConfigNode node, Type? type, Func<string, string> change)
    {
        var options = type is null ? new Dictionary<string, PropertyInfo>() : ConfigBinder.OptionsOf(type);
        return Each(node, (key, entry) => options.TryGetValue(key, out var property) && property.GetCustomAttribute<OptionAttribute>()!.DataPath ? Texts(entry, change) : entry);
    }

    private static ConfigNode Texts(ConfigNode node, Func<string, string> change) =>
        node.Items is { } items ? ConfigNode.List(node.Path, [.. items.Select(item => Texts(item, change))], node.Line)
        : node.Scalar is { } text && !node.IsNull ? ConfigNode.Text(node.Path, change(text), node.Line)
        : Each(node, (_, entry) => Texts(entry, change));

    private static ConfigNode At(ConfigNode node, string key, Func<ConfigNode, ConfigNode> change) => Each(node, (name, entry) => name == key ? change(entry) : entry);

    private static ConfigNode Each(ConfigNode node, Func<string, ConfigNode, ConfigNode> change) => node.Entries is not { } entries ? node
        : ConfigNode.Map(node.Path, new OrderedDictionary<string, ConfigNode>(entries.Select(entry => KeyValuePair.Create(entry.Key, change(entry.Key, entry.Value)))), node.Line);
}
