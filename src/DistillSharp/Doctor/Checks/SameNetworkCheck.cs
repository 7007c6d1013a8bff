using System.Globalization;
using DistillSharp.Config;
using DistillSharp.Recipes;
using DistillSharp.Signals;
using TorchSharp;
using static TorchSharp.torch;

namespace DistillSharp.Doctor.Checks;

/// <summary>A student that starts as its teacher: the same file, or the same outputs. One that learns to bear rounding to integers may.</summary>
internal sealed class SameNetworkCheck : IDoctorCheck
{
    private const int Compared = 32;

    // Below what two engines differ by for one network.
    private const double Tolerance = 1e-5;

    public string Name => "same_network";

    public CheckNeed Need => CheckNeed.TrainedTeacher;

    public bool NeedsClasses => false;

    public IEnumerable<DoctorFinding> Examine(DoctorCase subject) =>
        subject.Learners.Where(arm => arm is { Weights: not null, IsOfIntegers: false } && !subject.Find(arm.Teacher!).IsStored).DistinctBy(arm => arm.Teacher).Select(arm => Examine(subject, arm)).OfType<DoctorFinding>();

    private DoctorFinding? Examine(DoctorCase subject, ArmPlan arm)
    {
        var teacher = subject.Find(arm.Teacher!);
        if (teacher.Weights is { } file && FileHash.Sha256(file) == FileHash.Sha256(arm.Weights!))
        {
            return Same($"student and teacher start from the same file {Path.GetFileName(file)}", 0);
        }

        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        using var student = subject.Create(arm);
        student.eval();
        using var reader = new SignalReader(student, []);
        using var source = subject.TeacherOf(teacher).Open([]);
        using var batch = subject.SomeSamples(arm, arm.Plan.Stages[0], true, Compared);
        using var moved = batch.To(subject.Device);
        var (own, other) = (reader.Read(moved).Logits.Value, source.Read(moved).Logits.Value);
        if (!own.shape.SequenceEqual(other.shape))
        {
            return null;
        }

        var difference = (own - other).abs().max().ToDouble();
        return difference <= Tolerance * (1 + other.abs().max().ToDouble())
            ? Same(string.Create(CultureInfo.InvariantCulture, $"the student gives what the teacher gives before it is trained: their logits differ by {difference:G2} at most"), difference)
            : null;
    }

    private DoctorFinding Same(string what, double difference) =>
        new(FindingSeverity.Fault, Name, "student.weights", what, "There is nothing to learn: give the student other weights or none, or the teacher its own")
        {
            Numbers = new Dictionary<string, double> { ["largest_difference"] = difference },
        };
}
