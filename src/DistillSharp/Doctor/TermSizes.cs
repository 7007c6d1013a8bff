using DistillSharp.Config;
using DistillSharp.Recipes;
using DistillSharp.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace DistillSharp.Doctor;

/// <summary>Size of one part of a loss at the start of training.</summary>
/// <param name="Name">Part.</param>
/// <param name="Weight">Its weight.</param>
/// <param name="Value">Its unweighted mean.</param>
/// <param name="GradientNorm">Norm of the weighted mean's gradient with respect to the student's parameters.</param>
internal sealed record TermSize(string Name, double Weight, double Value, double GradientNorm)
{
    /// <summary>Sizes of each stage's parts on one batch, projectors pre-trained on a few batches where a method wants that.</summary>
    public static IReadOnlyList<(StagePlan Stage, IReadOnlyList<TermSize> Parts)> Of(DoctorCase subject, ArmPlan arm)
    {
        using var student = subject.Create(arm);
        var teacher = arm.Teacher is { } name ? subject.TeacherOf(subject.Find(name)) : null;
        var seed = arm.Seeds[0];
        var sizes = new List<(StagePlan, IReadOnlyList<TermSize>)>();
        for (var index = 0; index < arm.Plan.Stages.Count; index++)
        {
            // One epoch, so that nothing is computed ahead for the whole training split.
            var stage = arm.Plan.Stages[index];
            var once = stage with { Training = stage.Training with { Epochs = 1 } };
            var source = new LimitedSource(subject.Source(arm, once), 4);
            using var batch = source.Epoch(0).First();
            using var moved = batch.To(subject.Device);
            random.manual_seed(DerivedSeed.Of(seed, "companions", index));
            using var task = arm.Plan.Scheme.Entry.CreateTask(arm.Plan.Scheme.Options, new TaskContext(student, arm.Model!, teacher, once, moved, source));
            task.Prepare(new Preparation(source, subject.Device, seed, index, _ => { }, default));
            task.Train(true);
            sizes.Add((stage, Measure(task, moved, new Progress(0, stage.Training.Epochs), seed)));
        }

        return sizes;
    }

    private static List<TermSize> Measure(TrainingTask task, Data.Batch batch, Progress progress, int seed)
    {
        using var scope = NewDisposeScope();
        random.manual_seed(DerivedSeed.Of(seed, "step"));
        var sizes = new List<TermSize>();
        foreach (var part in task.Compute(batch, progress).Where(part => part.Term.Count > 0))
        {
            // A gradient that was never computed is not zero but absent.
            Clear(task);
            var mean = part.Term.Sum / part.Term.Count;
            if (part.Weight != 0 && mean.requires_grad)
            {
                (mean * part.Weight).backward(retain_graph: true);
            }

            var squares = task.Student.parameters().Select(parameter => parameter.grad).OfType<Tensor>().Sum(gradient => gradient.square().sum().ToDouble());
            sizes.Add(new TermSize(part.Name, part.Weight, mean.ToDouble(), Math.Sqrt(squares)));
        }

        Clear(task);
        return sizes;
    }

    private static void Clear(TrainingTask task)
    {
        foreach (var (_, parameter) in task.TrainedParameters)
        {
            parameter.grad = null;
        }
    }
}
