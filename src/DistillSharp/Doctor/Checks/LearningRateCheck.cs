using System.Globalization;
using DistillSharp.Recipes;
using DistillSharp.Training;

namespace DistillSharp.Doctor.Checks;

/// <summary>A few steps at the highest learning rate: the loss must not explode, the weights must get somewhere over the whole training.</summary>
internal sealed class LearningRateCheck : IDoctorCheck
{
    // Momentum overshoots at first; what is three times the loss at the start does not come back by itself.
    private const double Explosion = 3;

    // Weights that move by less than a hundredth of their norm in the whole training, all steps in one direction, have learned nothing.
    private const double LeastTravel = 0.01;

    public string Name => "learning_rate";

    public CheckNeed Need => CheckNeed.Nothing;

    public bool NeedsClasses => false;

    public IEnumerable<DoctorFinding> Examine(DoctorCase subject) => subject.QuickArms
        .Where(arm => !subject.IsTrained(arm) && subject.HasTrainedTeacher(arm))
        .Select(arm => Examine(subject, arm, subject.Training(arm))).OfType<DoctorFinding>();

    private DoctorFinding? Examine(DoctorCase subject, ArmPlan arm, QuickTraining training)
    {
        var where = arm.IsTeacher ? subject.PathOf(arm) + ".training.learning_rate" : "training.learning_rate";
        var options = arm.Plan.Stages[Math.Max(0, training.Stages.Count - 1)].Training;
        if (training.Failure is TrainingDivergedException diverged)
        {
            return Exploded(where, arm, options, $"is no finite number after {diverged.Step} steps", FindingSeverity.Fault, []);
        }

        if (training.Failure is not null)
        {
            return null;
        }

        foreach (var stage in training.Stages.Where(stage => stage.Losses.Count > 1))
        {
            var (first, last) = (stage.Losses[0], stage.Losses.Skip(1).TakeLast(3).Average());
            if (first > 0 && last > Explosion * first)
            {
                return Exploded(
                    where, arm, options, $"grows from {Number(first)} to {Number(last)} in {stage.Losses.Count} steps", FindingSeverity.Warning,
                    new() { ["first_loss"] = first, ["last_loss"] = last });
            }
        }

        var steps = arm.Plan.Stages.Sum(stage => stage.Training.Epochs * Math.Ceiling(subject.Source(arm, stage).BatchCount / (double)stage.Training.Accumulate));
        var travel = training.Movement * steps;
        return travel >= LeastTravel ? null : new DoctorFinding(
            FindingSeverity.Warning, Name, where, $"the weights of {arm.Name} hardly move: by {Number(training.Movement)} of their norm a step, {Number(travel)} in all {steps:0} steps",
            $"Raise learning_rate ({Number(options.LearningRate)}), such as to {Number(Suggested(options))}")
        {
            Numbers = new Dictionary<string, double> { ["movement"] = training.Movement, ["travel"] = travel },
        };
    }

    private DoctorFinding Exploded(string where, ArmPlan arm, TrainingOptions options, string how, FindingSeverity severity, Dictionary<string, double> numbers) => new(
        severity, Name, where, $"the loss of {arm.Name} {how}",
        $"Lower learning_rate ({Number(options.LearningRate)}), such as to {Number(Math.Min(options.LearningRate / 10, Suggested(options)))}; or clip gradients (`clip_norm: 1`), or warm up")
    {
        Numbers = numbers,
    };

    private static double Suggested(TrainingOptions options) => options.Optimizer == OptimizerKind.Sgd ? new TrainingOptions().LearningRate : 0.001;

    private static string Number(double value) => value.ToString("G3", CultureInfo.InvariantCulture);
}
