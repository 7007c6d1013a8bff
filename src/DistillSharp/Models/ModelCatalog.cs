using DistillSharp.Config;
using DistillSharp.Data;

namespace DistillSharp.Models;

/// <summary>One model that recipes can name.</summary>
/// <param name="Name">Recipe name.</param>
/// <param name="Summary">One line for <c>distill list models</c>.</param>
/// <param name="Paper">Where it comes from.</param>
/// <param name="OptionsType">Record of its options.</param>
/// <param name="FeatureNames">Feature points of a network built with these options, known without building it.</param>
/// <param name="Create">Builds the network for a dataset from its options.</param>
public sealed record ModelEntry(
    string Name,
    string Summary,
    string Paper,
    Type OptionsType,
    Func<object, IReadOnlyList<string>> FeatureNames,
    Func<object, DatasetInfo, Network> Create);

/// <summary>A model chosen in a recipe: its catalog entry and its checked options.</summary>
public sealed record ModelSpec(ModelEntry Entry, object Options)
{
    /// <summary>Builds the network; its initial weights come from torch's global generator.</summary>
    public Network Create(DatasetInfo data) => Entry.Create(Options, data);
}

/// <summary>The list of models. Names are unique; plugins add theirs through <see cref="Add"/>.</summary>
public sealed class ModelCatalog
{
    private readonly OrderedDictionary<string, ModelEntry> _entries = [];

    /// <summary>Every model in the order it was added.</summary>
    public IReadOnlyCollection<ModelEntry> Entries => _entries.Values;

    /// <summary>Adds a model.</summary>
    /// <exception cref="ArgumentException">The name is taken.</exception>
    public ModelCatalog Add(ModelEntry entry)
    {
        if (!_entries.TryAdd(entry.Name, entry))
        {
            throw new ArgumentException($"a model named `{entry.Name}` exists already");
        }

        return this;
    }

    /// <summary>Reads <c>{model: name, option: …}</c>; null with errors where that fails.</summary>
    /// <param name="node">The map.</param>
    /// <param name="binder">Reads the options and collects faults.</param>
    /// <param name="ignored">Keys of the same map that somebody else reads.</param>
    public ModelSpec? Read(ConfigNode node, ConfigBinder binder, params string[] ignored)
    {
        if (node.Get("model") is not { Scalar: { } name } nameNode)
        {
            binder.Errors.Add(node.PathOf("model"), $"missing; name a model. Known: {string.Join(", ", _entries.Keys)}", node.Line);
            return null;
        }

        if (!_entries.TryGetValue(name, out var entry))
        {
            binder.Errors.Add(nameNode, $"unknown model; {NearestName.Hint(name, _entries.Keys)}");
            return null;
        }

        return new ModelSpec(entry, binder.Bind(entry.OptionsType, node, ["model", .. ignored]));
    }
}
