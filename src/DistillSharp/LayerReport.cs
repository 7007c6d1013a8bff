using DistillSharp.Data;
using DistillSharp.Models;
using DistillSharp.Recipes;
using DistillSharp.Signals;
using DistillSharp.Teachers.Store;

namespace DistillSharp;

/// <summary>The feature points of a recipe's two networks with the shapes they have for its data.</summary>
/// <param name="Student">The student's, from the input to the output.</param>
/// <param name="Teacher">The teacher's, of several with their names before them; empty where the recipe has none.</param>
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
        IEnumerable<LayerShape> teacher = recipe.Teacher is { } one ? Shapes(one, data, batch)
            : recipe.Teachers?.Members.SelectMany(member => Shapes(member.Value, data, batch).Select(layer => layer with { Name = $"{member.Key}.{layer.Name}" })) ?? [];
        return new LayerReport(Shapes(recipe.Student, data.Info, batch), [.. teacher]);
    }

    private static List<LayerShape> Shapes(TeacherSection teacher, RunData data, Batch batch)
    {
        if (teacher.Model is { } model)
        {
            return Shapes(model, data.Info, batch);
        }

        if (teacher.Source is not { } file)
        {
            return [.. StoreManifest.Load(teacher.Store!.Path).Features.Select(feature => new LayerShape(feature.Key, [.. feature.Value.Select(axis => (long)axis)]))];
        }

        using var source = file.Open(data.Info, data.Normalisation);
        var names = source.Features(batch);
        using ISignalSource opened = source.Open(names);
        var shapes = opened.Probe(batch).Features;
        return [.. names.Where(name => shapes[name] is { Count: > 1 } shape && shape[0] == batch.Count).Select(name => new LayerShape(name, [.. shapes[name].Skip(1)]))];
    }

    private static List<LayerShape> Shapes(ModelSpec model, DatasetInfo info, Batch batch)
    {
        using var network = model.Create(info);
        using var reader = new SignalReader(network, network.FeaturePoints.Select(point => point.Name));
        var shapes = reader.Probe(batch).Features;
        return [.. network.FeaturePoints.Select(point => new LayerShape(point.Name, [.. shapes[point.Name].Skip(1)]))];
    }
}
