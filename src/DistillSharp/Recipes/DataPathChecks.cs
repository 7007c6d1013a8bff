using System.Reflection;
using DistillSharp.Config;
using DistillSharp.Data;
using DistillSharp.Speech.Activity;
using DistillSharp.Speech.Corpora;
using DistillSharp.Vision;
using DistillSharp.Vision.Images;

namespace DistillSharp.Recipes;

/// <summary>Files and folders of data that a recipe names and that are not there: a remark each, as a run that is done needs them no more.</summary>
internal sealed class DataPathChecks(ConfigNode root, List<string> warnings)
{
    /// <summary>Looks for what the dataset and the language model are read from.</summary>
    public void Check(DatasetSpec? dataset)
    {
        // Folders of images are looked for in the data folders too; their datasets say themselves where.
        if (dataset is { Options: not (ImageOptions or TinyImageNetOptions or CifarOptions) })
        {
            Check(root.Get("data")!, dataset.Entry.OptionsType, dataset.Options is SpeechOptions or ActivityOptions);
        }

        if (root.Get("evaluation")?.Get("language_model") is { } model)
        {
            Check(model, typeof(LanguageModelSection), isManifest: false);
        }
    }

    private void Check(ConfigNode node, Type options, bool isManifest)
    {
        foreach (var (key, property) in ConfigBinder.OptionsOf(options))
        {
            if (property.GetCustomAttribute<OptionAttribute>()!.DataPath && node.Get(key) is { } given)
            {
                Texts(given).ToList().ForEach(named => Check(named.Path, named.Scalar!, isManifest));
            }
        }
    }

    private void Check(string key, string path, bool isManifest)
    {
        // Manifests may be name/file of what lies in the data folders.
        string[] elsewhere = isManifest && !Path.IsPathRooted(path) && path.Split('/', 2) is [var name, var file]
            ? [.. new DataLocator(null).Folders(name).Select(folder => Path.Combine(folder, file))]
            : [];
        if (!Path.Exists(path) && !Array.Exists(elsewhere, Path.Exists))
        {
            warnings.Add($"there is no file or folder `{path}`, which `{key}` names; a run needs it{(elsewhere.Length > 0 ? ", or the --data-dir that has it" : "")}");
        }
    }

    private static IEnumerable<ConfigNode> Texts(ConfigNode node)
    {
        if (node.Scalar is not null)
        {
            return node.IsNull ? [] : [node];
        }

        IEnumerable<ConfigNode> parts = node.Items ?? node.Entries?.Values ?? [];
        return parts.SelectMany(Texts);
    }
}
