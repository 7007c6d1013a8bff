using System.Globalization;
using DistillSharp.Evaluation;
using DistillSharp.Recipes;

namespace DistillSharp.Doctor.Checks;

/// <summary>
/// A teacher trained with smoothed labels has learned that all wrong classes are alike, and has little to teach (Müller, Kornblith,
/// Hinton, NeurIPS 2019). The statistic is the entropy of what it gives to the wrong classes of a training sample, as a share of the
/// largest possible: 1 where all are alike.
/// </summary>
internal sealed class SmoothedTeacherCheck : IDoctorCheck
{
    /// <summary>Median above which a teacher counts as smoothed (docs/doctor.md has the figures behind it).</summary>
    private const double Alike = 0.85;
    private const int LeastClasses = 4;
    private const int LeastSamples = 32;

    public string Name => "smoothed_teacher";

    public CheckNeed Need => CheckNeed.TrainedTeacher;

    public IEnumerable<DoctorFinding> Examine(DoctorCase subject) =>
        subject.TrainedTeachers.Where(arm => arm.Ensemble is null && !arm.IsStored).Select(arm => Examine(subject, arm)).OfType<DoctorFinding>();

    private DoctorFinding? Examine(DoctorCase subject, ArmPlan arm)
    {
        if (subject.TeacherOf(arm).CoveredClasses is not null || subject.Info.Classes.Count < LeastClasses || Measure(subject.Logits(arm, validation: false)) is not { } measured)
        {
            return null;
        }

        var smoothed = measured.Entropy >= Alike;
        return new DoctorFinding(
            smoothed ? FindingSeverity.Warning : FindingSeverity.Note, Name, subject.PathOf(arm),
            string.Create(CultureInfo.InvariantCulture, $"what {arm.Name} gives to wrong classes has {measured.Entropy:P0} of the largest entropy{(smoothed ? $", as after label smoothing of about {measured.Smoothing:0.00}: it hardly tells wrong classes apart" : "")}"),
            smoothed ? "Soft targets of such a teacher carry little beside the label: train it without label smoothing, or learn from its features" : "")
        {
            Numbers = new Dictionary<string, double> { ["entropy"] = measured.Entropy, ["smoothing"] = measured.Smoothing },
        };
    }

    /// <summary>Medians over samples that are classified right with a probability of at least a half; null where they are few.</summary>
    internal static (double Entropy, double Smoothing)? Measure(SplitLogits split)
    {
        var (entropies, smoothing) = (new List<double>(), new List<double>());
        for (var i = 0; i < split.Labels.Length; i++)
        {
            if (split.Labels[i] < 0)
            {
                continue;
            }

            var row = split.Logits.AsSpan(i * split.Classes, split.Classes);
            var largest = double.NegativeInfinity;
            for (var c = 0; c < row.Length; c++)
            {
                largest = c == split.Labels[i] ? largest : Math.Max(largest, row[c]);
            }

            var (sum, weighted) = (0.0, 0.0);
            for (var c = 0; c < row.Length; c++)
            {
                var share = c == split.Labels[i] ? 0 : Math.Exp(row[c] - largest);
                sum += share;
                weighted += share * (row[c] - largest);
            }

            // 1 − p of the label, and H = log Σ − Σ q·z over the wrong classes.
            var wrong = sum / (sum + Math.Exp(row[split.Labels[i]] - largest));
            if (wrong <= 0.5)
            {
                entropies.Add((Math.Log(sum) - (weighted / sum)) / Math.Log(split.Classes - 1));
                smoothing.Add(wrong * split.Classes / (split.Classes - 1));
            }
        }

        return entropies.Count < LeastSamples ? null : (Median(entropies), Median(smoothing));
    }

    private static double Median(List<double> values)
    {
        values.Sort();
        return values[values.Count / 2];
    }
}
