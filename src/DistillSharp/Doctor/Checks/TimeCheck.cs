using System.Globalization;
using DistillSharp.Recipes;
using DistillSharp.Runs;
using DistillSharp.Training;

namespace DistillSharp.Doctor.Checks;

/// <summary>
/// Expected time of an epoch and of the whole run: measured steps times the steps of all arms, seeds and tuning trials, one job after
/// another.
/// </summary>
internal sealed class TimeCheck : IDoctorCheck
{
    public string Name => "time";

    public CheckNeed Need => CheckNeed.Nothing;

    public bool NeedsClasses => false;

    public IEnumerable<DoctorFinding> Examine(DoctorCase subject)
    {
        var numbers = new Dictionary<string, double>();
        var parts = new List<string>();
        var total = 0.0;
        foreach (var arm in subject.Arms.Where(arm => arm.IsTrained))
        {
            // Baselines cost what the plain student costs.
            var measured = subject.QuickArms.FirstOrDefault(quick => quick.Name == arm.Name) ?? subject.QuickArms.FirstOrDefault(quick => quick.Name == ArmNames.Plain);
            if (measured is null || subject.Training(measured) is not { Failure: null } training)
            {
                continue;
            }

            var epoch = EpochSeconds(subject, arm, training);
            // What is there already is not trained again.
            var jobs = subject.IsTrained(arm) ? 0 : arm.Seeds.Count;
            var whole = (jobs * JobSeconds(subject, arm, arm.Plan, training)) + (jobs == 0 ? 0 : arm.Candidates.Sum(candidate => JobSeconds(subject, arm, candidate.Plan, training)));
            if (jobs > 0)
            {
                numbers[arm.Name + ".epoch_seconds"] = epoch;
                parts.Add($"{arm.Name} {Duration(epoch)}");
                total += whole;
            }
        }

        if (parts.Count > 0)
        {
            numbers["total_seconds"] = total;
            yield return new DoctorFinding(FindingSeverity.Note, Name, "training", $"an epoch takes about: {string.Join(", ", parts)}; all arms, seeds and trials one after another about {Duration(total)}", "") { Numbers = numbers };
        }
    }

    private static double EpochSeconds(DoctorCase subject, ArmPlan arm, QuickTraining training) =>
        JobSeconds(subject, arm, arm.Plan, training) / Math.Max(1, arm.Plan.Epochs);

    private static double JobSeconds(DoctorCase subject, ArmPlan arm, ObjectivePlan plan, QuickTraining training) =>
        plan.Stages.Zip(training.Stages.Concat(Enumerable.Repeat(training.Stages[^1], plan.Stages.Count)), (stage, measured) => StageSeconds(subject, arm, stage, measured, training.TeacherShare)).Sum();

    private static double StageSeconds(DoctorCase subject, ArmPlan arm, StagePlan stage, QuickStage measured, double teacherShare)
    {
        var source = subject.Source(arm, stage);
        var steps = Math.Ceiling(source.BatchCount / (double)stage.Training.Accumulate);
        var teacher = steps * measured.SecondsPerStep * teacherShare;
        var own = steps * measured.SecondsPerStep * (1 - teacherShare);
        return (own * stage.Training.Epochs) + (teacher * (stage.CachesTeacher(source.IsAugmented) ? 1 : stage.Training.Epochs));
    }

    /// <summary>"0.3 s", "4 min", "2.5 h".</summary>
    internal static string Duration(double seconds) => seconds switch
    {
        < 0.95 => string.Create(CultureInfo.InvariantCulture, $"{seconds:0.00} s"),
        < 100 => string.Create(CultureInfo.InvariantCulture, $"{seconds:0} s"),
        < 6000 => string.Create(CultureInfo.InvariantCulture, $"{seconds / 60:0} min"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{seconds / 3600:0.0} h"),
    };
}
