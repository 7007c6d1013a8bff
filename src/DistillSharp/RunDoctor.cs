using DistillSharp.Doctor;
using DistillSharp.Recipes;
using DistillSharp.RunLog;
using DistillSharp.Runs;

namespace DistillSharp;

/// <summary>
/// The doctor within a run: before it, before each arm that learns from a trained one, and after the plain student. Each visit is made
/// once in a run directory, whoever resumes it.
/// </summary>
internal sealed class RunDoctor(Recipe recipe, RunDirectory directory, RunData data, Action<RunEvent> write, TimeProvider clock)
{
    /// <summary>What can be found before anything is trained.</summary>
    /// <exception cref="DoctorFaultException">The run would be worthless.</exception>
    public void BeforeRun() => Visit("before", null, DoctorCatalog.Examine);

    /// <summary>What an arm learns from, where this run trained it.</summary>
    /// <exception cref="DoctorFaultException">Nothing can be learned from it.</exception>
    public void BeforeArm(ArmPlan arm)
    {
        if (arm.Teacher is not null && arm.IsTrained)
        {
            Visit($"before {arm.Name}", arm, subject => subject.TrainedHere(arm) ? DoctorCatalog.Examine(subject, CheckNeed.TrainedTeacher) : null);
        }
    }

    /// <summary>What the plain student shows of the student's capacity.</summary>
    public void AfterArm(ArmPlan arm)
    {
        if (arm.Name == ArmNames.Plain)
        {
            Visit($"after {arm.Name}", null, subject => DoctorCatalog.Examine(subject, CheckNeed.TrainedStudent));
        }
    }

    private void Visit(string name, ArmPlan? only, Func<DoctorCase, DoctorReport?> examine)
    {
        var visits = File.Exists(directory.DoctorFile) ? RunJson.Load<Dictionary<string, IReadOnlyList<DoctorFinding>>>(directory.DoctorFile) : [];
        if (visits.ContainsKey(name))
        {
            return;
        }

        using var subject = RecipeDoctor.Case(recipe, data, directory, only);
        var report = examine(subject) ?? new DoctorReport([], 0);
        foreach (var finding in report.Findings.Where(finding => !finding.IsPostponed))
        {
            write(new NoteLogged(finding.Severity == FindingSeverity.Note ? "info" : "warning", $"doctor: {finding}") { Time = clock.GetUtcNow() });
        }

        // A visit that found a fault is made again when the run is resumed.
        if (report.HasFault)
        {
            throw new DoctorFaultException([.. report.Findings.Where(finding => finding.Severity == FindingSeverity.Fault)]);
        }

        visits[name] = [.. report.Findings.Select(finding => finding with { Numbers = finding.Numbers.Where(entry => double.IsFinite(entry.Value)).ToDictionary() })];
        RunJson.Save(directory.DoctorFile, visits);
    }
}
