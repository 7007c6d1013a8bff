using DistillSharp.Recipes;

namespace DistillSharp.Doctor.Checks;

/// <summary>Every network can be built, every file read, every teacher opened.</summary>
internal sealed class NetworkCheck : IDoctorCheck
{
    public string Name => "networks";

    public CheckNeed Need => CheckNeed.Nothing;

    public bool NeedsClasses => false;

    public IEnumerable<DoctorFinding> Examine(DoctorCase subject) => subject.Arms.Select(arm => Examine(subject, arm)).OfType<DoctorFinding>().DistinctBy(finding => finding.What);

    private DoctorFinding? Examine(DoctorCase subject, ArmPlan arm)
    {
        try
        {
            if (arm.IsTrained)
            {
                subject.Create(arm).Dispose();
            }
            else
            {
                subject.TeacherOf(arm).Open([]).Dispose();
            }

            return null;
        }
        catch (Exception error) when (DoctorCatalog.IsExpected(error))
        {
            return new DoctorFinding(FindingSeverity.Fault, Name, subject.PathOf(arm), error.Message, "The run would stop at the same place");
        }
    }
}
