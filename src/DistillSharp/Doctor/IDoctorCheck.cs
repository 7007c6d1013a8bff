namespace DistillSharp.Doctor;

/// <summary>What a check has to wait for.</summary>
public enum CheckNeed
{
    /// <summary>Nothing: untrained networks and data will do.</summary>
    Nothing,

    /// <summary>What the students learn from, trained.</summary>
    TrainedTeacher,

    /// <summary>A student trained on hard labels alone.</summary>
    TrainedStudent,
}

/// <summary>One check of the doctor. It changes nothing and gives the same findings each time.</summary>
public interface IDoctorCheck
{
    /// <summary>Name in reports.</summary>
    string Name { get; }

    /// <summary>What it has to wait for.</summary>
    CheckNeed Need { get; }

    /// <summary>True where it makes sense of samples with one class each, false where sequences will do as well.</summary>
    bool NeedsClasses => true;

    /// <summary>Looks for its faults.</summary>
    IEnumerable<DoctorFinding> Examine(DoctorCase subject);
}
