using System.Diagnostics;
using System.Runtime.InteropServices;
using DistillSharp.Doctor.Checks;
using Microsoft.ML.OnnxRuntime;

namespace DistillSharp.Doctor;

/// <summary>The one list of checks. Of findings as grave as each other, those of earlier checks come first.</summary>
public static class DoctorCatalog
{
    /// <summary>Every check, what explains most first.</summary>
    public static IReadOnlyList<IDoctorCheck> Checks { get; } =
    [
        new NetworkCheck(),
        new ClassListCheck(),
        new TeacherModeCheck(),
        new TeacherAccuracyCheck(),
        new TeacherOutputCheck(),
        new SameNetworkCheck(),
        new ObjectiveCheck(),
        new InputRangeCheck(),
        new NormalisationCheck(),
        new TermSizeCheck(),
        new LearningRateCheck(),
        new SmoothedTeacherCheck(),
        new UnderFitCheck(),
        new MemoryCheck(),
        new TimeCheck(),
    ];

    /// <summary>Does every check that can be done, and says which have to wait.</summary>
    public static DoctorReport Examine(DoctorCase subject) => Examine(subject, Checks, postpone: true);

    /// <summary>Does the checks that had to wait for these networks.</summary>
    public static DoctorReport Examine(DoctorCase subject, CheckNeed need) => Examine(subject, [.. Checks.Where(check => check.Need == need)], postpone: false);

    private static DoctorReport Examine(DoctorCase subject, IReadOnlyList<IDoctorCheck> checks, bool postpone)
    {
        var watch = Stopwatch.StartNew();
        checks = [.. checks.Where(check => subject.HasClasses || !check.NeedsClasses)];
        var findings = checks.SelectMany(check => Examine(subject, check)).ToList();
        if (postpone)
        {
            findings.AddRange(Postponed(subject, checks));
        }

        // What breaks one check breaks others at the same place.
        return new DoctorReport([.. findings.DistinctBy(finding => finding.What).OrderByDescending(finding => finding.Severity)], watch.Elapsed.TotalSeconds);
    }

    /// <summary>What recipes and files can be wrong about; anything else is a fault of this library.</summary>
    internal static bool IsExpected(Exception error) =>
        error is ArgumentException or InvalidOperationException or InvalidDataException or NotSupportedException or IOException or KeyNotFoundException or HttpRequestException or OnnxRuntimeException or ExternalException;

    // A recipe that breaks a check is a finding, too.
    private static IReadOnlyList<DoctorFinding> Examine(DoctorCase subject, IDoctorCheck check)
    {
        try
        {
            return [.. check.Examine(subject)];
        }
        catch (Exception error) when (IsExpected(error))
        {
            return [new DoctorFinding(FindingSeverity.Fault, check.Name, subject.Recipe.HasTeacher ? "teacher" : "student", error.Message, "The run would stop at the same place")];
        }
    }

    private static IEnumerable<DoctorFinding> Postponed(DoctorCase subject, IReadOnlyList<IDoctorCheck> checks)
    {
        var untrained = subject.Arms.Where(arm => arm.Teacher is not null).SelectMany(arm => subject.Networks(subject.Find(arm.Teacher!))).Where(arm => !subject.IsTrained(arm)).ToList();
        if (untrained.Count > 0)
        {
            yield return Wait(checks, CheckNeed.TrainedTeacher, subject.PathOf(untrained[0]), $"{string.Join(" and ", untrained.Select(arm => arm.Name).Distinct())} {(untrained.Count == 1 ? "is" : "are")} trained by this recipe", "before the first student that learns from it");
        }

        if (subject.HasClasses && Waits(subject))
        {
            yield return Wait(checks, CheckNeed.TrainedStudent, "student", "the plain student takes longer than a few seconds to train", "when it has trained it");
        }
    }

    // What cannot be built has its finding already.
    private static bool Waits(DoctorCase subject)
    {
        try
        {
            return UnderFitCheck.Waits(subject);
        }
        catch (Exception error) when (IsExpected(error))
        {
            return false;
        }
    }

    private static DoctorFinding Wait(IReadOnlyList<IDoctorCheck> checks, CheckNeed need, string where, string reason, string when) => new(
        FindingSeverity.Note, "postponed", where, $"{string.Join(", ", checks.Where(check => check.Need == need).Select(check => check.Name))}: postponed, since {reason}; `distill run` does them {when}", "")
    {
        IsPostponed = true,
    };
}
