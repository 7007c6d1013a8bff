using DistillSharp.Data;
using DistillSharp.Models;
using DistillSharp.Recipes;
using DistillSharp.Signals;

namespace DistillSharp;

/// <summary>The feature points of a recipe's two networks with the shapes they have for its data.</summary>
/// <param name="Student">The student's, from the input to the output.</param>
/// <param name="Teacher">The teacher's; empty where the recipe has none.</param>
public sealed record LayerReport(IReadOnlyList<LayerShape> Student, IReadOnlyList<LayerShape> Teacher)
{
    /// <summary>A counterpart in the teacher for every point of the student.</summary>
    public IReadOnlyList<(LayerShape Student, LayerShape Teacher)> Pairs => FeaturePairing.Propose(Student, Teacher);

    /// <summary>Runs one sample of the recipe's data through untrained networks.</summary>
    /// <param name="recipe">A checked recipe.</param>
    /// <param name="dataFolder">Folder that is searched for datasets first.</param>
    public static LayerReport Of(Recipe recipe, string? dataFolder)
    {
        TorchRuntime.Configure(recipe.Threads);
        var data = RunData.Load(recipe, dataFolder);
        using var batch = data.Validation.Epoch(0).First();
        return new LayerReport(Shapes(recipe.Student, data.Info, batch), recipe.Teacher is { } teacher ? Shapes(teacher.Model, data.Info, batch) : []);
    }

    private static List<LayerShape> Shapes(ModelSpec model, DatasetInfo info, Batch batch)
    {
        using var network = model.Create(info);
        using var reader = new SignalReader(network, network.FeaturePoints.Select(point => point.Name));
        var shapes = reader.Probe(batch).Features;
        return [.. network.FeaturePoints.Select(point => new LayerShape(point.Name, [.. shapes[point.Name].Skip(1)]))];
    }
}
