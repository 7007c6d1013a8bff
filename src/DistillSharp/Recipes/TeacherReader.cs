using DistillSharp.Config;
using DistillSharp.Data;
using DistillSharp.Teachers;
using DistillSharp.Teachers.Store;
using DistillSharp.Training;

namespace DistillSharp.Recipes;

/// <summary>Reads <c>teacher:</c>, or <c>teachers:</c> with its combiner.</summary>
/// <param name="root">The recipe.</param>
/// <param name="folder">Where relative paths start.</param>
/// <param name="catalogs">Models that can be named.</param>
/// <param name="binder">Reads keys and collects faults.</param>
/// <param name="data">Shape and classes of the data, where they are known without reading it.</param>
internal sealed class TeacherReader(ConfigNode root, string folder, Catalogs catalogs, ConfigBinder binder, DatasetInfo? data)
{
    private const string StoreKey = "store";

    private readonly string[] _own = [.. ConfigBinder.OptionsOf(typeof(TeacherKeys)).Keys, "training", StoreKey];

    public TeacherSection? One() => root.Get("teacher") is { } node ? Read(node) : null;

    public TeachersSection? Several()
    {
        if (root.Get("teachers") is not { } node)
        {
            return null;
        }

        if (root.Get("teacher") is { } one)
        {
            binder.Errors.Add(one, "give either `teacher` or `teachers`: with several the one that teaches is what their combiner makes of them");
        }

        if (node.Entries is null)
        {
            binder.Errors.Add(node, "must be a map of names, each with the keys of a teacher, such as `{wide: {model: mlp, widths: [64]}, deep: {model: mlp, widths: [32, 32]}}`");
            return null;
        }

        string[] options = [.. ConfigBinder.OptionsOf(typeof(CombinerOptions)).Keys, StoreKey];
        var members = new OrderedDictionary<string, TeacherSection>();
        var named = node.Entries.Where(entry => !options.Contains(entry.Key)).ToList();
        foreach (var (name, member) in named)
        {
            if (member.Entries is null)
            {
                binder.Errors.Add(member, $"must be the map of a teacher, such as `{{model: mlp, widths: [64]}}`; keys beside the teachers: {string.Join(", ", options)}");
            }
            else if (!Names.IsKey(name))
            {
                binder.Errors.Add(member, Names.KeyRule);
            }
            else if (Read(member) is { } read)
            {
                members[name] = read;
            }
        }

        if (named.Count < 2)
        {
            binder.Errors.Add(node, "must name at least two teachers; a single one is `teacher:`");
        }

        return new TeachersSection(members, binder.Bind<CombinerOptions>(node, [.. named.Select(entry => entry.Key), StoreKey])) { Store = Store(node) };
    }

    /// <summary>The full path of a weights file, checked as far as can be without reading it.</summary>
    public string? Weights(ConfigNode node, string? path)
    {
        if (path is null)
        {
            return null;
        }

        var full = Path.GetFullPath(Path.Combine(folder, path));
        if (Path.GetExtension(full) is not ".safetensors")
        {
            binder.Errors.Add(node.Get("weights")!, "must be a .safetensors file; a PyTorch .pt/.pth file is a pickle, which can run code: in Python, safetensors.torch.save_file(torch.load(\"x.pt\", weights_only=True), \"x.safetensors\")");
        }
        else if (!File.Exists(full))
        {
            binder.Errors.Add(node.Get("weights")!, $"there is no file {full}");
        }

        return full;
    }

    private TeacherSection? Read(ConfigNode node)
    {
        if (TeacherKinds.All.FirstOrDefault(kind => node.Get(kind.Key) is not null) is { } kind)
        {
            return ReadSource(node, kind);
        }

        if (node.Entries is { Count: 1 } && node.Get(StoreKey) is { } store)
        {
            return ReadStored(store);
        }

        if (node.Get("weights") is not null && AdaptingKeys(node) is { Count: > 0 })
        {
            return ReadNetwork(node);
        }

        var model = catalogs.Models.Read(node, binder, _own);
        var keys = binder.Bind<TeacherKeys>(node, [.. node.Entries?.Keys.Where(key => !ConfigBinder.OptionsOf(typeof(TeacherKeys)).ContainsKey(key)) ?? []]);
        var weights = Weights(node, keys.Weights);
        var training = binder.Bind<TrainingOptions>(NodeMerge.Merge("training", [root.Get("training"), node.Get("training")]));
        return model is null ? null : new TeacherSection(model, weights, training, keys.Seed, keys.PerSeed, keys.AllSamples) { Engine = keys.Engine, Store = Store(node) };
    }

    private StoreOptions? Store(ConfigNode teacher)
    {
        if (teacher.Get(StoreKey) is not { } node)
        {
            return null;
        }

        var options = node.Scalar is { } path ? new StoreOptions { Path = path } : binder.Bind<StoreOptions>(node);
        if (teacher.Get("per_seed")?.Scalar == "true")
        {
            binder.Errors.Add(node, "holds the outputs of one teacher, and per_seed trains one for every seed; leave one of the two out");
        }

        return options with { Path = Path.GetFullPath(Path.Combine(folder, options.Path)) };
    }

    // The store says itself what it holds.
    private TeacherSection? ReadStored(ConfigNode node)
    {
        foreach (var (key, value) in node.Entries ?? new Dictionary<string, ConfigNode>())
        {
            if (key != "path")
            {
                binder.Errors.Add(value.Path, "is for filling a store; a store that is the teacher itself says what it holds, so give its path alone", value.Line);
            }
        }

        if ((node.Scalar ?? node.Get("path")?.Scalar) is not { } path)
        {
            binder.Errors.Add(node.PathOf("path"), "missing; folder of the store", node.Line);
            return null;
        }

        path = Path.GetFullPath(Path.Combine(folder, path));
        try
        {
            var manifest = StoreManifest.Load(path);
            var options = new StoreOptions { Path = path, Views = manifest.Views > 1 ? manifest.Views : null, Temperature = manifest.Temperature, TopK = manifest.TopK, Samples = manifest.Samples, Features = [.. manifest.Features.Keys] };
            return new TeacherSection(null, null, new TrainingOptions(), null, false, false) { Store = options };
        }
        catch (Exception error) when (error is InvalidDataException or IOException or UnauthorizedAccessException)
        {
            binder.Errors.Add(node, error.Message);
            return null;
        }
    }

    // Keys of a teacher from elsewhere that are none of the model's own.
    private List<string> AdaptingKeys(ConfigNode node)
    {
        var model = node.Get("model")?.Scalar is { } name && catalogs.Models.Find(name) is { } entry ? ConfigBinder.OptionsOf(entry.OptionsType).Keys : [];
        return [.. ConfigBinder.OptionsOf(typeof(TeacherSourceOptions)).Keys.Where(key => node.Get(key) is not null && !model.Contains(key))];
    }

    private TeacherSection? ReadNetwork(ConfigNode node)
    {
        var before = binder.Errors.All.Count;
        var adapting = AdaptingKeys(node);
        var own = ConfigBinder.OptionsOf(typeof(NetworkTeacherOptions)).Keys.Except(ConfigBinder.OptionsOf(typeof(TeacherSourceOptions)).Keys).Concat(adapting).ToList();
        var model = catalogs.Models.Read(node, binder, [.. own, StoreKey]);
        string[] others = [.. (node.Entries ?? new Dictionary<string, ConfigNode>()).Keys.Where(key => !own.Contains(key))];
        var options = binder.Bind<NetworkTeacherOptions>(node, others);
        _ = Weights(node, options.Weights);
        return binder.Errors.All.Count > before ? null : Checked(node, options with { Model = model }, TeacherKinds.Network.Key);
    }

    private TeacherSection? ReadSource(ConfigNode node, TeacherKind kind)
    {
        var before = binder.Errors.All.Count;
        var options = (TeacherSourceOptions)binder.Bind(kind.OptionsType, node, StoreKey);
        return binder.Errors.All.Count > before ? null : Checked(node, options, kind.Key);
    }

    private TeacherSection? Checked(ConfigNode node, TeacherSourceOptions options, string key)
    {
        options = options.In(folder);
        try
        {
            options.CheckSource();
            if (data is not null)
            {
                options.MapTo(data.Classes);
            }

            return new TeacherSection(null, null, new TrainingOptions(), null, false, false) { Source = options, Store = Store(node) };
        }
        catch (Exception error) when (error is InvalidDataException or IOException or UnauthorizedAccessException or ArgumentException)
        {
            binder.Errors.Add(node.Get(key)!, error is FileNotFoundException or DirectoryNotFoundException ? $"there is no file {options.Location}{DataLocator.HowToGet(options.Location)}" : error.Message);
            return null;
        }
    }
}

/// <summary>Keys of <c>teacher:</c> beside its model's own.</summary>
public sealed record TeacherKeys
{
    /// <summary>Weights.</summary>
    [Option("safetensors file with trained weights; the teacher is trained here where it is not given")]
    public string? Weights { get; init; }

    /// <summary>Seed.</summary>
    [Option("the teacher's seed; the first of `seeds` by default", Min = 0)]
    public int? Seed { get; init; }

    /// <summary>One teacher a seed.</summary>
    [Option("train a teacher for every seed instead of one for all")]
    public bool PerSeed { get; init; }

    /// <summary>Train the teacher on every training sample.</summary>
    [Option("train the teacher on the whole training split even where data.train_samples limits the students")]
    public bool AllSamples { get; init; }

    /// <summary>What runs its forward passes.</summary>
    [Option("what runs the teacher while students learn: torch, onnxruntime (an export of it in ONNX Runtime), or auto (whichever is faster here, measured once a run, where the teacher takes long enough to matter)")]
    public TeacherEngine Engine { get; init; } = TeacherEngine.Auto;
}
