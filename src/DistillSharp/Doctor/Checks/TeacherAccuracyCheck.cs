using System.Globalization;
using DistillSharp.Evaluation;
using DistillSharp.Recipes;
using MathNet.Numerics.Distributions;

namespace DistillSharp.Doctor.Checks;

/// <summary>
/// The teacher on validation samples. Near chance is a fault, where the samples are enough to tell; there, and where less than half of
/// what can be got is got, permuted classes, other inputs and wrong running statistics are tried as explanations.
/// </summary>
internal sealed class TeacherAccuracyCheck : IDoctorCheck
{
    private const double Level = 1 - Statistics.Confidence;

    public string Name => "teacher_accuracy";

    public CheckNeed Need => CheckNeed.TrainedTeacher;

    public IEnumerable<DoctorFinding> Examine(DoctorCase subject) => subject.TrainedTeachers.SelectMany(arm => Examine(subject, arm));

    private IEnumerable<DoctorFinding> Examine(DoctorCase subject, ArmPlan arm)
    {
        var covered = subject.TeacherOf(arm, validation: true).CoveredClasses ?? [.. Enumerable.Range(0, subject.Info.Classes.Count)];
        var all = subject.Logits(arm, validation: true);
        if (all.Classes != covered.Count)
        {
            yield return new DoctorFinding(
                FindingSeverity.Fault, Name, subject.PathOf(arm), $"the teacher has {all.Classes} outputs and the data {subject.Info.Classes.Count} classes", "Take a teacher of these classes, or name its outputs (`classes`), so that they can be matched");
            yield break;
        }

        // Of what a teacher has no output for it cannot be judged.
        var known = Enumerable.Range(0, all.Labels.Length).Where(i => covered.Contains(all.Labels[i])).ToList();
        if (known.Count == 0)
        {
            yield break;
        }

        var split = new SplitLogits(
            [.. known.SelectMany(i => all.Logits.AsSpan(i * all.Classes, all.Classes).ToArray())], [.. known.Select(i => covered.ToList().IndexOf(all.Labels[i]))], all.Classes);
        var measured = ClassificationMetrics.Compute(split.Logits, split.Labels, split.Classes);
        var (accuracy, count) = (measured.Metrics["top1"], split.Labels.Length);
        var chance = split.Labels.GroupBy(label => label).Max(group => group.Count()) / (double)count;
        var right = Enumerable.Range(0, count).Count(i => measured.Predictions[i] == split.Labels[i]);
        var (nearChance, tooFew) = Judge(right, count, chance);
        var low = accuracy < (1 + chance) / 2;
        var permuted = ClassPermutation.Explains(measured.Predictions, split.Labels, split.Classes, [.. covered.Select(i => subject.Info.Classes[i])]);
        var explanation = permuted ?? ((nearChance || low) && !arm.IsStored ? OtherInputs.Explain(subject, arm, covered, accuracy) : null);
        var severity = nearChance ? FindingSeverity.Fault : explanation is not null || (tooFew && right < count) ? FindingSeverity.Warning : FindingSeverity.Note;
        var against = nearChance ? $", which is near chance ({chance:P1})" : tooFew ? $", too few to tell from chance ({chance:P1})" : "";
        var what = string.Create(CultureInfo.InvariantCulture, $"{arm.Name} is right on {accuracy:P1} of {count} validation samples{against}");
        var remedy = explanation?.Remedy ?? (tooFew ? "Hold out more samples (`data.validation`)" : Remedy(arm));
        yield return new DoctorFinding(severity, Name, subject.PathOf(arm), explanation is null ? what : $"{what}; {explanation.Value.What}", severity == FindingSeverity.Note ? "" : remedy)
        {
            Numbers = new Dictionary<string, double> { ["top1"] = accuracy, ["chance"] = chance, ["samples"] = count },
        };
    }

    /// <summary>
    /// Exact one-sided binomial test against guessing the most frequent class. Samples are too few where not even all of them right would
    /// tell; where they are enough, a teacher that is right on all of them is not near chance.
    /// </summary>
    internal static (bool NearChance, bool TooFew) Judge(int right, int count, double chance)
    {
        var tooFew = ByChance(count, count, chance) > Level;
        return (!tooFew && ByChance(right, count, chance) > Level, tooFew);
    }

    // Probability that guessing is right on at least so many.
    private static double ByChance(int right, int count, double chance) => 1 - Binomial.CDF(chance, count, right - 1);

    private static string Remedy(ArmPlan arm) => arm.IsTrained
        ? "It was trained by this recipe: look at its curve, and give it another learning rate or more epochs"
        : "Look for another order of classes, other preprocessing (range, mean and deviation, channel order, size), or a file that was saved in training mode or before training";
}
