using DistillSharp.Config;

namespace DistillSharp.Data;

/// <summary>Training and test samples as they come, before validation is split off.</summary>
public sealed record DatasetPair
{
    /// <summary>Training and test samples of one shape, with the same classes.</summary>
    /// <exception cref="InvalidDataException">Shapes or classes differ.</exception>
    public DatasetPair(Dataset train, Dataset test)
    {
        if (!train.Info.InputShape.SequenceEqual(test.Info.InputShape))
        {
            throw new InvalidDataException(
                $"{train.Info.Name}: training samples have shape [{string.Join(", ", train.Info.InputShape)}], test samples [{string.Join(", ", test.Info.InputShape)}]; they must be the same");
        }

        if (!train.Info.Classes.SequenceEqual(test.Info.Classes))
        {
            throw new InvalidDataException(
                $"{train.Info.Name}: training samples have {train.Info.Classes.Count} classes and test samples {test.Info.Classes.Count}; names and order must be the same");
        }

        (Train, Test) = (train, test);
    }

    /// <summary>Training samples.</summary>
    public Dataset Train { get; }

    /// <summary>Test samples.</summary>
    public Dataset Test { get; }

    /// <summary>What was noticed on reading, such as files that were left out.</summary>
    public IReadOnlyList<string> Remarks { get; init; } = [];
}

/// <summary>One dataset, or kind of file, that recipes can name.</summary>
/// <param name="Name">Recipe name.</param>
/// <param name="Summary">One line for <c>distill list datasets</c>.</param>
/// <param name="Source">Who made it, its licence, where it comes from.</param>
/// <param name="OptionsType">Record of its options.</param>
/// <param name="Describe">Shape and classes where they are known without reading anything; else null.</param>
/// <param name="Load">Reads it.</param>
public sealed record DatasetEntry(
    string Name,
    string Summary,
    string Source,
    Type OptionsType,
    Func<object, DatasetInfo?> Describe,
    Func<object, DataLocator, DatasetPair> Load)
{
    /// <summary>What must have been fetched for it (<see cref="DatasetFetcher"/>); null where nothing must.</summary>
    public string? Needs { get; init; }

    /// <summary>Reads every file and says what is wrong with each that cannot be read; null where <see cref="Load"/> reads all there is.</summary>
    public Func<object, DataLocator, IReadOnlyList<string>>? Faults { get; init; }

    /// <summary>Reads and splits samples that are no table of tensors and classes, in the place of <see cref="Load"/>; null where they are one.</summary>
    public Func<object, DataLocator, SplitRequest, IDomainData>? LoadDomain { get; init; }
}

/// <summary>A dataset chosen in a recipe.</summary>
public sealed record DatasetSpec(DatasetEntry Entry, object Options);

/// <summary>The list of datasets. Plugins add theirs through <see cref="Add"/>.</summary>
public sealed class DatasetCatalog
{
    private readonly OrderedDictionary<string, DatasetEntry> _entries = [];

    /// <summary>Every dataset in the order it was added.</summary>
    public IReadOnlyCollection<DatasetEntry> Entries => _entries.Values;

    /// <summary>A fresh catalog with every dataset of this library.</summary>
    public static DatasetCatalog Default() => new DatasetCatalog()
        .Add(Digits.Entry)
        .Add(IdxDatasets.Mnist)
        .Add(IdxDatasets.FashionMnist)
        .Add(IdxDatasets.OwnIdx)
        .Add(CsvDataset.Entry)
        .Add(NpyDataset.Entry);

    /// <summary>Adds a dataset.</summary>
    /// <exception cref="ArgumentException">The name is taken.</exception>
    public DatasetCatalog Add(DatasetEntry entry) =>
        _entries.TryAdd(entry.Name, entry) ? this : throw new ArgumentException($"a dataset named `{entry.Name}` exists already");

    /// <summary>The dataset of that name, or null.</summary>
    public DatasetEntry? Find(string name) => _entries.GetValueOrDefault(name);

    /// <summary>Reads <c>{dataset: name, option: …}</c>; null with errors where that fails.</summary>
    /// <param name="node">The map.</param>
    /// <param name="binder">Reads the options and collects faults.</param>
    /// <param name="ignored">Keys of the same map that somebody else reads.</param>
    public DatasetSpec? Read(ConfigNode node, ConfigBinder binder, params string[] ignored)
    {
        if (node.Get("dataset") is not { Scalar: { } name } nameNode)
        {
            binder.Errors.Add(node.PathOf("dataset"), $"missing; name a dataset. Known: {string.Join(", ", _entries.Keys)}", node.Line);
            return null;
        }

        if (!_entries.TryGetValue(name, out var entry))
        {
            binder.Errors.Add(nameNode, $"unknown dataset; {NearestName.Hint(name, _entries.Keys)}");
            return null;
        }

        return new DatasetSpec(entry, binder.Bind(entry.OptionsType, node, ["dataset", .. ignored]));
    }
}
