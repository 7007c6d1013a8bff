using System.Diagnostics;
using DistillSharp.Data;
using DistillSharp.Models;
using DistillSharp.Recipes;
using DistillSharp.RunLog;
using DistillSharp.Signals;
using DistillSharp.Teachers;
using DistillSharp.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace DistillSharp.Doctor;

/// <summary>What a few steps of each stage showed.</summary>
/// <param name="Name">Stage.</param>
/// <param name="Losses">Weighted total of each step.</param>
/// <param name="SecondsPerStep">Median wall-clock seconds of a step.</param>
/// <param name="CompanionBytes">Projectors and memories.</param>
/// <param name="Features">Every requested feature with its shape.</param>
internal sealed record QuickStage(string Name, IReadOnlyList<double> Losses, double SecondsPerStep, long CompanionBytes, IReadOnlyList<string> Features);

/// <summary>
/// A few steps of an arm's training by the trainer itself, at the learning rate that it has after warm-up, of which as much is kept
/// as fits.
/// </summary>
/// <param name="Stages">Stages that began.</param>
/// <param name="Failure">What ended it early; null for nothing.</param>
/// <param name="Movement">How far the trained weights moved in a step, as a share of their norm.</param>
/// <param name="TeacherShare">Share of the time that the teacher took.</param>
/// <param name="Steps">Steps of each stage.</param>
internal sealed record QuickTraining(IReadOnlyList<QuickStage> Stages, Exception? Failure, double Movement, double TeacherShare, int Steps)
{
    // Sixteen steps tell whether a loss explodes. Large networks get as many as some billions of multiply-adds pay for.
    private const int MostSteps = 16;
    private const int LeastSteps = 3;
    private const double Budget = 400e9;

    // Tokens or frames that a sequence is taken to have where batches count sequences.
    private const double Positions = 64;

    /// <summary>Trains a new student of the arm's first seed; nothing of it is kept.</summary>
    public static QuickTraining Run(DoctorCase subject, ArmPlan arm)
    {
        using var student = subject.Create(arm);
        var teacher = arm.Teacher is { } name && arm.Plan.Stages.Any(stage => stage.NeedsTeacher) ? subject.TeacherOf(subject.Find(name)) : null;
        var steps = StepsOf(subject, arm, student, teacher);
        var plan = arm.Plan with { Stages = [.. arm.Plan.Stages.Select(Short)] };
        var recorder = new Recorder();
        var before = Copy(student);
        var job = new TrainingJob(
            arm.Name, arm.Seeds[0], plan, student,
            stage => new LimitedSource(subject.Source(arm, stage), steps * stage.Training.Accumulate),
            (stage, probe, source) =>
            {
                var task = plan.Scheme.Entry.CreateTask(plan.Scheme.Options, new TaskContext(student, arm.Model!, teacher, stage, probe, source));
                recorder.Begin(stage.Name, Bytes(task.Companions), Features(stage, student, teacher, probe));
                return task;
            },
            _ => new Dictionary<string, double> { ["top1"] = 0 },
            null);
        try
        {
            var outcome = new Trainer(recorder, TimeProvider.System).Run(job).State;
            return new QuickTraining(recorder.Stages(), null, Moved(student, before) / Math.Max(1, outcome.Step), outcome.TeacherSeconds / Math.Max(1e-9, outcome.Seconds), steps);
        }
        catch (Exception error) when (error is TrainingDivergedException || DoctorCatalog.IsExpected(error))
        {
            return new QuickTraining(recorder.Stages(), error, double.NaN, double.NaN, steps);
        }
        finally
        {
            before.ForEach(tensor => tensor.Dispose());
        }
    }

    /// <summary>A stage of one epoch at its highest learning rate; a warm-up takes half of it.</summary>
    private static StagePlan Short(StagePlan stage) => stage with
    {
        Training = stage.Training with
        {
            Epochs = 1,
            Schedule = LearningRateShape.Constant,
            WarmUpEpochs = stage.Training.WarmUpEpochs > 0 ? 0.5 : 0,
            CheckpointSteps = 0,
            Select = Selection.Last,
        },
    };

    private static int StepsOf(DoctorCase subject, ArmPlan arm, Network student, Teacher? teacher)
    {
        // Forward and backward count three times a forward pass. Of a network of sequences the multiply-adds of one position are known.
        var sample = (3 * subject.MultiplyAdds(student)) + (teacher?.Network is { } network ? subject.MultiplyAdds(network) : 0);
        var step = arm.Plan.Stages.Max(stage => Samples(stage.Training) * stage.Training.Accumulate) * sample;
        return (int)Math.Clamp(Budget / step, LeastSteps, MostSteps);

        double Samples(TrainingOptions training) => subject.HasClasses ? training.BatchSize : training.BatchTokens > 0 ? training.BatchTokens : Positions * training.BatchSize;
    }

    private static List<Tensor> Copy(Network network) => [.. network.parameters().Select(parameter => parameter.detach().clone().DetachFromDisposeScope())];

    private static double Moved(Network network, List<Tensor> before)
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        var (moved, size) = (0.0, 0.0);
        foreach (var (now, then) in network.parameters().Zip(before))
        {
            moved += (now - then).square().sum().ToDouble();
            size += then.square().sum().ToDouble();
        }

        return Math.Sqrt(moved / Math.Max(1e-30, size));
    }

    private static long Bytes(nn.Module module) => module.state_dict().Values.Sum(tensor => tensor.numel() * tensor.element_size());

    private static List<string> Features(StagePlan stage, Network student, Teacher? teacher, Batch probe)
    {
        using var own = new SignalReader(student, stage.Terms.SelectMany(term => term.StudentFeatures));
        using var other = stage.NeedsTeacher ? teacher?.Open(stage.Terms.SelectMany(term => term.TeacherFeatures)) : null;
        return [.. Shapes("student", own.Probe(probe)), .. other is null ? [] : Shapes("teacher", other.Probe(probe))];
    }

    private static IEnumerable<string> Shapes(string side, SignalShapes shapes) => shapes.Features.Select(feature => $"{side} {feature.Key} [{string.Join(" × ", feature.Value.Skip(1))}]");

    private sealed class Recorder : IRunEventSink
    {
        private readonly List<(string Name, List<double> Losses, List<double> Times, long Bytes, List<string> Features)> _stages = [];

        public void Begin(string name, long bytes, List<string> features) => _stages.Add((name, [], [Now], bytes, features));

        public void Write(RunEvent runEvent)
        {
            if (runEvent is StepLogged step)
            {
                _stages[^1].Losses.Add(step.Loss);
                _stages[^1].Times.Add(Now);
            }
        }

        public IReadOnlyList<QuickStage> Stages() => [.. _stages.Select(stage => new QuickStage(stage.Name, stage.Losses, Median(stage.Times), stage.Bytes, stage.Features))];

        private static double Now => Stopwatch.GetTimestamp() / (double)Stopwatch.Frequency;

        // The first step also pays for what is done once.
        private static double Median(List<double> times)
        {
            var steps = times.Zip(times.Skip(1), (from, to) => to - from).Skip(times.Count > 3 ? 1 : 0).Order().ToList();
            return steps.Count == 0 ? double.NaN : steps[steps.Count / 2];
        }
    }
}
