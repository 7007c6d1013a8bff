using System.Globalization;
using DistillSharp.Methods;
using DistillSharp.Models;
using DistillSharp.Recipes;
using DistillSharp.Training;
using static TorchSharp.torch;

namespace DistillSharp.Doctor.Checks;

/// <summary>What the largest arm takes, part by part, against what there is.</summary>
internal sealed class MemoryCheck : IDoctorCheck
{
    private const double Safe = 0.8;
    private const int Looked = 8;

    // The runtime, libtorch and ONNX Runtime with nothing loaded.
    private const double Process = 250;

    public string Name => "memory";

    public CheckNeed Need => CheckNeed.Nothing;

    public bool NeedsClasses => false;

    public IEnumerable<DoctorFinding> Examine(DoctorCase subject)
    {
        var largest = subject.QuickArms.Where(arm => !subject.IsTrained(arm)).Select(arm => (Arm: arm, Parts: Parts(subject, arm))).MaxBy(entry => entry.Parts?.Values.Sum() ?? 0);
        if (largest.Parts is not { } parts)
        {
            yield break;
        }

        var total = parts.Values.Sum();
        var tight = total > Safe * subject.AvailableMegabytes;
        var listed = string.Join(", ", parts.OrderByDescending(part => part.Value).Where(part => part.Value >= 0.5).Select(part => string.Create(CultureInfo.InvariantCulture, $"{part.Key.Replace('_', ' ')} {part.Value:0}")));
        yield return new DoctorFinding(
            tight ? FindingSeverity.Warning : FindingSeverity.Note, Name, subject.PathOf(largest.Arm),
            string.Create(CultureInfo.InvariantCulture, $"{largest.Arm.Name} takes about {total:0} MB of {subject.AvailableMegabytes:0} ({listed})"),
            tight ? Remedy(parts) : "")
        {
            Numbers = new Dictionary<string, double>(parts) { ["total_mb"] = total, ["available_mb"] = subject.AvailableMegabytes },
        };
    }

    private static string Remedy(Dictionary<string, double> parts) => parts.MaxBy(part => part.Value).Key switch
    {
        "cached_teacher_outputs" => "Set `training.cache_teacher: false`, or keep them in a store on disk (`teacher.store`)",
        "memories_and_projectors" => "Make the method's memory or projectors smaller (`embedding_width`), or use fewer training samples",
        "data" => "Use fewer training samples (`data.train_samples`), or store pixels as bytes",
        _ => "Make `training.batch_size` smaller and `training.accumulate` larger",
    };

    private static Dictionary<string, double>? Parts(DoctorCase subject, ArmPlan arm)
    {
        var training = subject.Training(arm);
        if (training.Failure is not null)
        {
            return null;
        }

        using var student = subject.Create(arm);
        var teacher = arm.Teacher is { } name && arm.Plan.Stages.Any(stage => stage.NeedsTeacher) ? subject.TeacherOf(subject.Find(name)).Network : null;
        var own = Megabytes(student);
        var states = arm.Plan.Stages.Max(stage => stage.Training.Optimizer == OptimizerKind.Sgd ? 1 : 2);
        return new Dictionary<string, double>
        {
            ["process"] = Process,
            ["data"] = subject.DataMegabytes,
            ["networks_and_optimizer"] = (own * (2 + states)) + (teacher is null ? 0 : Megabytes(teacher)),
            ["memories_and_projectors"] = training.Stages.Max(stage => stage.CompanionBytes) / 1e6,
            ["cached_teacher_outputs"] = arm.Plan.Stages.Max(stage => Cached(subject, arm, stage)),
            ["activations"] = arm.Plan.Stages.Max(stage => Activations(subject, arm, stage, student, teacher)),
        };
    }

    private static double Cached(DoctorCase subject, ArmPlan arm, StagePlan stage)
    {
        var source = subject.Source(arm, stage);
        return stage.CachesTeacher(source.IsAugmented) ? source.SampleCount * (double)subject.Info.Classes.Count * sizeof(float) / 1e6 : 0;
    }

    // The student's are kept for its gradient, and the gradient of one is there beside them; of the teacher's two live at a time.
    private static double Activations(DoctorCase subject, ArmPlan arm, StagePlan stage, Network student, Network? teacher)
    {
        // A few samples tell; the rest is proportion. A batch of sequences is looked at whole.
        using var batch = subject.SomeSamples(arm, stage, false, Looked);
        using var moved = batch.To(subject.Device);
        var share = subject.HasClasses ? Math.Min(stage.Training.BatchSize, subject.Source(arm, stage).SampleCount) / (double)batch.Count : 1;
        var (sum, largest) = Outputs(student, moved);
        var scores = stage.Terms.Any(term => term.Entry.Traits.HasFlag(MethodTraits.UsesSampleIds)) ? 4.0 * share * batch.Count * subject.Source(arm, stage).SampleCount * sizeof(float) / 1e6 : 0;
        return (share * (sum + largest + (teacher is null ? 0 : 2 * Outputs(teacher, moved).Largest))) + scores;
    }

    private static (double Sum, double Largest) Outputs(Network network, Data.Batch batch)
    {
        var (sum, largest) = (0.0, 0.0);
        var hooks = network.modules().OfType<nn.Module<Tensor, Tensor>>().Where(module => !module.children().Any()).Select(module => module.register_forward_hook((_, _, output) =>
        {
            var size = output.numel() * output.element_size() / 1e6;
            sum += size;
            largest = Math.Max(largest, size);
            return output;
        })).ToList();
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        network.eval();
        try
        {
            network.Logits(batch);
        }
        finally
        {
            hooks.ForEach(hook => hook.remove());
        }

        return (sum, largest);
    }

    private static double Megabytes(Network network) => network.state_dict().Values.Sum(tensor => tensor.numel() * tensor.element_size()) / 1e6;
}
