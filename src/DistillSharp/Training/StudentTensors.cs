using static TorchSharp.torch;

namespace DistillSharp.Training;

/// <summary>The tensors of a checkpoint by name: <c>student.</c>, <c>companions.</c>, <c>optimizer.</c>, <c>average.</c>.</summary>
internal static class StudentTensors
{
    private const string StudentPrefix = "student.";
    private const string CompanionPrefix = "companions.";
    private const string OptimizerPrefix = "optimizer.";
    private const string AveragePrefix = "average.";

    /// <summary>Parameters and buffers of student and companions.</summary>
    public static Dictionary<string, Tensor> OfNetworks(TrainingTask task) =>
        Prefixed(StudentPrefix, ModuleTensors(task.Student)).Concat(Prefixed(CompanionPrefix, ModuleTensors(task.Companions))).ToDictionary();

    /// <summary>Everything that training goes on from.</summary>
    public static Dictionary<string, Tensor> Collect(TrainingTask task, Optimizer optimizer, WeightAverage? average) =>
        OfNetworks(task).Concat(Prefixed(OptimizerPrefix, optimizer.State)).Concat(Prefixed(AveragePrefix, average?.State ?? [])).ToDictionary();

    /// <summary>Puts a checkpoint's tensors back where <see cref="Collect"/> found them.</summary>
    public static void Restore(IReadOnlyDictionary<string, Tensor> saved, TrainingTask task, Optimizer optimizer, WeightAverage? average)
    {
        RestoreNetworks(saved, task);
        optimizer.Load(Below(saved, OptimizerPrefix));
        average?.Load(Below(saved, AveragePrefix));
    }

    /// <summary>Puts student and companions back.</summary>
    public static void RestoreNetworks(IReadOnlyDictionary<string, Tensor> saved, TrainingTask task)
    {
        Copy(Below(saved, StudentPrefix), ModuleTensors(task.Student), "student");
        Copy(Below(saved, CompanionPrefix), ModuleTensors(task.Companions), "companions");
    }

    /// <summary>Parameters and buffers of a module by their dotted names.</summary>
    public static IEnumerable<(string Name, Tensor Value)> ModuleTensors(nn.Module module) =>
        module.named_parameters().Select(entry => (entry.name, (Tensor)entry.parameter))
            .Concat(module.named_buffers().Select(entry => (entry.name, entry.buffer)));

    private static Dictionary<string, Tensor> Prefixed(string prefix, IEnumerable<(string Name, Tensor Value)> tensors) =>
        tensors.ToDictionary(entry => prefix + entry.Name, entry => entry.Value);

    private static Dictionary<string, Tensor> Below(IReadOnlyDictionary<string, Tensor> all, string prefix) =>
        all.Where(entry => entry.Key.StartsWith(prefix, StringComparison.Ordinal)).ToDictionary(entry => entry.Key[prefix.Length..], entry => entry.Value);

    private static void Copy(Dictionary<string, Tensor> saved, IEnumerable<(string Name, Tensor Value)> targets, string what)
    {
        using var noGradient = no_grad();
        foreach (var (name, target) in targets)
        {
            if (!saved.TryGetValue(name, out var value) || !value.shape.SequenceEqual(target.shape))
            {
                throw new InvalidDataException($"the checkpoint does not fit the recipe: {what} tensor {name} is missing or has another shape");
            }

            target.copy_(value);
        }
    }
}
