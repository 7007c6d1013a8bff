using System.Text.Json.Serialization;

namespace DistillSharp.Doctor;

/// <summary>How grave a finding is.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<FindingSeverity>))]
public enum FindingSeverity
{
    /// <summary>Worth knowing; nothing is wrong.</summary>
    Note,

    /// <summary>Likely to cost accuracy, time or memory. A run goes on.</summary>
    Warning,

    /// <summary>The run would be worthless. It stops here unless it is told not to ask.</summary>
    Fault,
}

/// <summary>One thing that the doctor found.</summary>
/// <param name="Severity">How grave it is.</param>
/// <param name="Check">Name of the check, as in <see cref="DoctorCatalog"/>.</param>
/// <param name="Where">Path of the recipe's key that it is about.</param>
/// <param name="What">What was found, in one sentence.</param>
/// <param name="Remedy">What to do about it; empty for a note.</param>
public sealed record DoctorFinding(FindingSeverity Severity, string Check, string Where, string What, string Remedy)
{
    /// <summary>The figures behind it, by name; shares are 0…1, times in seconds, memory in megabytes.</summary>
    public IReadOnlyDictionary<string, double> Numbers { get; init; } = new Dictionary<string, double>();

    /// <summary>True where the check has to wait for a network that the run has yet to train.</summary>
    public bool IsPostponed { get; init; }

    /// <summary>Where, what and what to do, in one line.</summary>
    public override string ToString() => Remedy.Length == 0 ? $"{Where}: {What}" : $"{Where}: {What.TrimEnd('.')}. {Remedy}";
}

/// <summary>What the doctor found, worst first.</summary>
/// <param name="Findings">Faults, warnings, notes; equals in the order of <see cref="DoctorCatalog"/>.</param>
/// <param name="Seconds">How long it took.</param>
public sealed record DoctorReport(IReadOnlyList<DoctorFinding> Findings, double Seconds)
{
    /// <summary>True where the run would be worthless.</summary>
    public bool HasFault => Findings.Any(finding => finding.Severity == FindingSeverity.Fault);
}

/// <summary>The doctor found a fault that would make the run worthless.</summary>
/// <param name="faults">The faults, worst first.</param>
public sealed class DoctorFaultException(IReadOnlyList<DoctorFinding> faults)
    : Exception($"the doctor found what would make the run worthless (`--skip-doctor` runs all the same): {string.Join("; ", faults)}")
{
    /// <summary>The faults, worst first.</summary>
    public IReadOnlyList<DoctorFinding> Faults { get; } = faults;
}
