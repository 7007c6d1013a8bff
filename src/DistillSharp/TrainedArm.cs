using DistillSharp.Config;
using DistillSharp.Data;
using DistillSharp.Evaluation;
using DistillSharp.Export.Onnx;
using DistillSharp.Models;
using DistillSharp.Recipes;
using DistillSharp.Runs;

namespace DistillSharp;

/// <summary>A network that a run has trained, with its data.</summary>
public sealed class TrainedArm : IDisposable
{
    private readonly Recipe _recipe;
    private readonly RunDirectory _directory;
    private readonly RunData _data;
    private readonly ArmPlan _plan;

    private TrainedArm(Recipe recipe, RunDirectory directory, RunData data, ArmPlan plan, int seed, Network network) =>
        (_recipe, _directory, _data, _plan, Seed, Network) = (recipe, directory, data, plan, seed, network);

    /// <summary>Arm name.</summary>
    public string Arm => _plan.Name;

    /// <summary>True where what the run measured and exported of the arm is a file of eight-bit integers.</summary>
    internal bool IsOfIntegers => _plan.IsOfIntegers;

    /// <summary>The ONNX file that the run wrote and measured of it, whatever was made of it afterwards.</summary>
    internal string OnnxFile => Path.ChangeExtension(_directory.WeightsFile(Arm, Seed), IsOfIntegers ? ".int8.onnx" : ".onnx");

    /// <summary>Seed.</summary>
    public int Seed { get; }

    /// <summary>The network in evaluation mode.</summary>
    public Network Network { get; }

    /// <summary>Loads the kept weights of an arm.</summary>
    /// <param name="recipe">The run's recipe.</param>
    /// <param name="directory">The run.</param>
    /// <param name="arm">Arm name; the exported arm where null.</param>
    /// <param name="seed">Seed; where null that of the network that the run exported, where that is of this arm, else the arm's first.</param>
    /// <param name="dataFolder">Folder that is searched for datasets first.</param>
    /// <exception cref="ArgumentException">There is no such arm or seed.</exception>
    public static TrainedArm Load(Recipe recipe, RunDirectory directory, string? arm, int? seed, string? dataFolder)
    {
        TorchRuntime.Configure(recipe.Threads);
        var arms = Arms.Of(recipe);
        var name = arm ?? Arms.Exported(recipe);
        var plan = arms.FirstOrDefault(each => each.Name == name)
            ?? throw new ArgumentException($"the run has no arm `{name}`; {NearestName.Hint(name, arms.Select(each => each.Name))}");
        if (plan.Ensemble is { } ensemble)
        {
            throw new ArgumentException($"{name} is several networks; take one of them: {string.Join(", ", ensemble.Members.Values)}");
        }

        if (plan.Source is { } source)
        {
            throw new ArgumentException($"{name} is {source.Noun} that this run did not train: {source.Location}");
        }

        var number = seed ?? (name == Arms.Exported(recipe) && StudentQuantiser.Exported(directory) is { } exported && exported.Arm == name ? exported.Seed : plan.Seeds[0]);
        var weights = directory.WeightsFile(name, number);
        if (!File.Exists(weights))
        {
            throw new ArgumentException($"{name}/seed-{number} has no weights yet ({weights}); its seeds are {string.Join(", ", plan.Seeds)}");
        }

        var data = RunData.Load(recipe, dataFolder);
        var network = new ArmNetworks(arms, directory, data, TorchSharp.torch.CPU, recipe.Threads).LoadNetwork(plan, number);
        return new TrainedArm(recipe, directory, data, plan, number, network);
    }

    /// <summary>The run's data.</summary>
    internal RunData Data => _data;

    /// <summary>The run.</summary>
    internal RunDirectory Directory => _directory;

    /// <summary>The run's teacher; null where it has none.</summary>
    internal ArmPlan? Teacher => Arms.Of(_recipe).FirstOrDefault(arm => arm.Name == ArmNames.Teacher);

    private ArmNetworks Networks => new(Arms.Of(_recipe), _directory, _data, TorchSharp.torch.CPU, _recipe.Threads);

    /// <summary>Metrics on the test split, or on the validation split, of what the run measured: the network, or its file of eight-bit integers.</summary>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    public IReadOnlyDictionary<string, double> Evaluate(bool validation)
    {
        if (!IsOfIntegers)
        {
            return _data.Evaluate(Network, validation);
        }

        if (!File.Exists(OnnxFile))
        {
            throw new FileNotFoundException($"there is no file {OnnxFile}, the network of eight-bit integers that the run measured", OnnxFile);
        }

        using var session = new OnnxSession(OnnxFile, _recipe.Threads);
        var split = Evaluator.Logits(session, validation ? _data.Validation : _data.Test);
        return ClassificationMetrics.Compute(split.Logits, split.Labels, split.Classes).Metrics;
    }

    /// <summary>Metrics on the test split of a teacher that is a file, which is given its own kind of samples and answers in the data's classes.</summary>
    internal Dictionary<string, double> EvaluateSource(ArmPlan teacher) =>
        new ArmMeasurement(_recipe, _directory, _data, Networks, TorchSharp.torch.CPU, _recipe.Threads).OnTest(teacher, Seed);

    /// <summary>Writes the network as ONNX and checks it.</summary>
    /// <exception cref="ParityException">The file would differ from the network.</exception>
    public ParityResult ExportOnnx(string path) => new StudentWriter(_recipe, _directory, _data, Networks).WriteOnnx(_plan, Seed, Network, path, []);

    /// <inheritdoc/>
    public void Dispose() => Network.Dispose();
}
