using DistillSharp.Training;

namespace DistillSharp.Doctor.Checks;

/// <summary>Every objective is built and trained for a few steps: its methods fit networks and data, every feature fires once.</summary>
internal sealed class ObjectiveCheck : IDoctorCheck
{
    public string Name => "objective";

    public CheckNeed Need => CheckNeed.Nothing;

    public bool NeedsClasses => false;

    public IEnumerable<DoctorFinding> Examine(DoctorCase subject)
    {
        foreach (var arm in subject.QuickArms.Where(arm => !arm.IsTeacher || !subject.IsTrained(arm)))
        {
            var training = subject.Training(arm);
            if (training.Failure is not null and not TrainingDivergedException)
            {
                yield return new DoctorFinding(FindingSeverity.Fault, Name, subject.PathOf(arm), training.Failure.Message, $"{arm.Name} cannot be trained like this; `distill layers` shows which features fit together");
                continue;
            }

            foreach (var stage in training.Stages.Where(stage => stage.Features.Count > 0))
            {
                yield return new DoctorFinding(
                    FindingSeverity.Note, Name, subject.PathOf(arm),
                    $"every feature fires once{(training.Stages.Count > 1 ? $" in stage {stage.Name}" : "")}: {string.Join(", ", stage.Features)}", "");
            }
        }
    }
}
