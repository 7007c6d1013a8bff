using System.Globalization;

namespace DistillSharp.Doctor.Checks;

/// <summary>What a trained teacher of sequences reaches on the validation split: students of one that has learned nothing learn nothing.</summary>
internal sealed class TeacherOutputCheck : IDoctorCheck
{
    // Below these a reader makes nothing of what it writes.
    private static readonly Dictionary<string, double> Least = new() { ["bleu"] = 5, ["character_accuracy"] = 0.5 };

    public string Name => "teacher_outputs";

    public CheckNeed Need => CheckNeed.TrainedTeacher;

    public bool NeedsClasses => false;

    public IEnumerable<DoctorFinding> Examine(DoctorCase subject)
    {
        if (subject.HasClasses || !Least.TryGetValue(subject.SelectionMetric, out var least))
        {
            yield break;
        }

        foreach (var arm in subject.TrainedTeachers.Where(arm => arm is { Ensemble: null, Model: not null }))
        {
            if (subject.TeacherOf(arm).Network is not { } network)
            {
                continue;
            }

            var reached = subject.Validate(network)[subject.SelectionMetric];
            var what = string.Create(CultureInfo.InvariantCulture, $"{arm.Name} reaches {subject.SelectionMetric} {reached:0.##} on the validation split");
            yield return reached >= least
                ? new DoctorFinding(FindingSeverity.Note, Name, subject.PathOf(arm), what, "") { Numbers = Numbers(subject, reached) }
                : new DoctorFinding(
                    FindingSeverity.Warning, Name, subject.PathOf(arm), string.Create(CultureInfo.InvariantCulture, $"{what}, below {least:0.##}: what it writes is hardly worth learning"),
                    arm.IsTeacher ? "Train it longer or on more data (`teacher.training.epochs`), or give it weights that have learned" : $"Train it longer or on more data (`{subject.PathOf(arm)}.training.epochs`)")
                {
                    Numbers = Numbers(subject, reached),
                };
        }
    }

    private static Dictionary<string, double> Numbers(DoctorCase subject, double reached) => new() { [subject.SelectionMetric] = reached };
}
