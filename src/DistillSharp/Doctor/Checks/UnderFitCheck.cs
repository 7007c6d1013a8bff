using System.Globalization;
using DistillSharp.Config;
using DistillSharp.Evaluation;
using DistillSharp.Methods;
using DistillSharp.Models;
using DistillSharp.RunLog;
using DistillSharp.Runs;
using DistillSharp.Teachers;
using DistillSharp.Training;

namespace DistillSharp.Doctor.Checks;

/// <summary>
/// A plain student that is as bad on what it was trained on as on the rest lacks capacity or training. Soft targets of a high
/// temperature then cost accuracy: it cannot even fit the labels.
/// </summary>
internal sealed class UnderFitCheck : IDoctorCheck
{
    private const int Judged = 2048;
    private const double LowAccuracy = 0.9;
    private const double LargestGap = 0.03;
    private const double HighTemperature = 2;

    // A plain student that is trained in a few seconds is trained here; others are judged when the run has trained them.
    private const double MostSteps = 3000;
    private const double MostMultiplyAdds = 60e9;

    public string Name => "under_fit";

    public CheckNeed Need => CheckNeed.TrainedStudent;

    public IEnumerable<DoctorFinding> Examine(DoctorCase subject)
    {
        var soft = subject.Recipe.Objectives.Where(objective => objective.Value.Stages.SelectMany(stage => stage.Terms).Any(IsHot)).Select(objective => objective.Key).ToList();
        if (soft.Count == 0 || subject.Arms.FirstOrDefault(arm => arm.Name == ArmNames.Plain) is not { } plain || !(subject.IsTrained(plain) || (!subject.InRun && IsQuick(subject))))
        {
            yield break;
        }

        using var trained = subject.IsTrained(plain) ? subject.Load(plain, false) : Train(subject, plain);
        using var signals = trained.Open([]);
        var (training, validation) = (Accuracy(subject, signals, false), Accuracy(subject, signals, true));
        var numbers = new Dictionary<string, double> { ["training_top1"] = training, ["validation_top1"] = validation };
        var figures = string.Create(CultureInfo.InvariantCulture, $"the plain student is right on {training:P1} of training samples and {validation:P1} of validation samples");
        if (training < LowAccuracy && training - validation < LargestGap)
        {
            yield return new DoctorFinding(
                FindingSeverity.Warning, Name, "student", $"{figures}: it under-fits, and soft targets of a high temperature ({string.Join(", ", soft)}) are likely to cost accuracy",
                "Lower the temperature to 1 or 2, give hard labels more weight, train longer, or take a larger student")
            {
                Numbers = numbers,
            };
        }
        else
        {
            yield return new DoctorFinding(FindingSeverity.Note, Name, "student", figures, "") { Numbers = numbers };
        }
    }

    /// <summary>True where the check is left to the run.</summary>
    internal static bool Waits(DoctorCase subject) => subject.Arms.Any(arm => arm.Name == ArmNames.Plain && !subject.IsTrained(arm)) && (subject.InRun || !IsQuick(subject));

    private static bool IsHot(MethodPlan term) =>
        ConfigBinder.OptionsOf(term.Options.GetType()).TryGetValue("temperature", out var option) && option.GetValue(term.Options) switch
        {
            ValueSchedule schedule => Math.Max(schedule.From, schedule.To),
            double number => number,
            _ => 0,
        } >= HighTemperature;

    private static bool IsQuick(DoctorCase subject)
    {
        var plain = subject.Arms.First(arm => arm.Name == ArmNames.Plain);
        using var network = subject.Create(plain);
        var stage = plain.Plan.Stages[0];
        var source = subject.Source(plain, stage);
        return (double)stage.Training.Epochs * source.BatchCount <= MostSteps
            && 3.0 * stage.Training.Epochs * source.SampleCount * subject.MultiplyAdds(network) <= MostMultiplyAdds;
    }

    private static LiveTeacher Train(DoctorCase subject, Recipes.ArmPlan plain)
    {
        var student = subject.Create(plain);
        var plan = plain.Plan with { Stages = [.. plain.Plan.Stages.Select(stage => stage with { Training = stage.Training with { Select = Selection.Last, EvaluateEvery = stage.Training.Epochs } })] };
        var job = new TrainingJob(
            plain.Name, plain.Seeds[0], plan, student, stage => subject.Source(plain, stage), (stage, probe, source) => new OfflineTask(student, null, stage, probe, source),
            (Network _) => new Dictionary<string, double> { ["top1"] = 0 }, null);
        try
        {
            new Trainer(new SilentSink(), TimeProvider.System).Run(job);
        }
        catch (TrainingDivergedException)
        {
            // The learning rate is another check's.
            student.Dispose();
            throw new InvalidOperationException("the plain student's loss is no finite number before its training ends; lower learning_rate");
        }

        return new LiveTeacher(student, owned: true);
    }

    private static double Accuracy(DoctorCase subject, Signals.ISignalSource signals, bool validation)
    {
        var split = Evaluator.Logits(signals, subject.Samples(validation, Judged), subject.Device);
        return ClassificationMetrics.Compute(split.Logits, split.Labels, split.Classes).Metrics["top1"];
    }
}
