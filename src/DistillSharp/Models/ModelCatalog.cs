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
    Func<object, DatasetInfo, Network> Create)
{
    /// <summary>Why a network with these options cannot be built for samples of a shape, known without building it; null where samples of any shape will do.</summary>
    public Func<object, DatasetInfo, ShapeFault?>? FaultOf { get; init; }
}

/// <summary>Why a network cannot be built for samples of a shape.</summary>
/// <param name="Message">What is wrong and what would be right.</param>
/// <param name="Option">The option of the model that would have to be another; null where the model would.</param>
public sealed record ShapeFault(string Message, string? Option = null)
{
    /// <summary>Refuses to build a network where there is a fault.</summary>
    /// <exception cref="ArgumentException">There is one.</exception>
    public static void ThrowIfAny(ShapeFault? fault)
    {
        if (fault is not null)
        {
            throw new ArgumentException(fault.Message);
        }
    }
}

/// <summary>A model chosen in a recipe: its catalog entry and its checked options.</summary>
public sealed record ModelSpec(ModelEntry Entry, object Options)
{
    /// <summary>Builds the network; its initial weights come from torch's global generator.</summary>
    public Network Create(DatasetInfo data) => Entry.Create(Options, data);

    /// <summary>Why the network cannot be built for samples of that shape, as far as that is known without building it; else null.</summary>
    public ShapeFault? FaultOf(DatasetInfo data) => Entry.FaultOf?.Invoke(Options, data);
}

/// <summary>The options of a model whose name says everything: none.</summary>
public sealed record NamedModelOptions;

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

    /// <summary>The model of that name, or null.</summary>
    public ModelEntry? Find(string name) => _entries.GetValueOrDefault(name);

    /// <summary>A fresh catalog with every model of this library.</summary>
    public static ModelCatalog Default()
    {
        var catalog = new ModelCatalog()
            .Add(new ModelEntry(
                "mlp",
                "Fully connected layers with ReLU, optional dropout and max-norm.",
                "Hinton et al., Distilling the Knowledge in a Neural Network, 2015 (section 3: 784-800-800-10)",
                typeof(MlpOptions),
                options => NamesOf(((MlpOptions)options).FeaturePoints()),
                (options, data) => new Mlp((MlpOptions)options, data)))
            .Add(new ModelEntry(
                "small_cnn",
                "3×3 convolutions with batch normalisation, halved after every second one.",
                "Simonyan and Zisserman, Very Deep Convolutional Networks, ICLR 2015 (the pattern, small)",
                typeof(SmallCnnOptions),
                options => NamesOf(((SmallCnnOptions)options).FeaturePoints()),
                (options, data) => new SmallCnn((SmallCnnOptions)options, data))
            {
                FaultOf = (options, data) => ((SmallCnnOptions)options).FaultOf(data),
            })
            .Add(new ModelEntry(
                "cifar_resnet",
                "Residual network of three stages for small images, of any depth 6n+2.",
                CifarResNet.Paper,
                typeof(CifarResNetOptions),
                options => NamesOf(((CifarResNetOptions)options).FeaturePoints()),
                (options, data) => new CifarResNet((CifarResNetOptions)options, data)));
        foreach (var depth in CifarResNet.NamedDepths)
        {
            catalog.Add(Named($"resnet{depth}", new CifarResNetOptions { Depth = depth }));
        }

        return catalog
            .Add(Named("resnet8x4", new CifarResNetOptions { Depth = 8, WidthMultiplier = 4 }))
            .Add(Named("resnet32x4", new CifarResNetOptions { Depth = 32, WidthMultiplier = 4 }));
    }

    private static ModelEntry Named(string name, CifarResNetOptions options) => new(
        name,
        $"Residual network of {options.Depth} layers for small images" + (options.WidthMultiplier == 1 ? "." : $", {options.WidthMultiplier} times as wide."),
        options.WidthMultiplier == 1 ? CifarResNet.Paper : "Tian et al., Contrastive Representation Distillation, ICLR 2020 (wide variant of the ResNet)",
        typeof(NamedModelOptions),
        _ => NamesOf(options.FeaturePoints()),
        (_, data) => new CifarResNet(options, data));

    private static string[] NamesOf(IEnumerable<FeaturePoint> points) => [.. points.Select(point => point.Name)];

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
