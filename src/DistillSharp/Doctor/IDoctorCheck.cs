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

    /// <summary>Looks for its faults.</summary>
    IEnumerable<DoctorFinding> Examine(DoctorCase subject);
}
