using System.Globalization;
using DistillSharp.Export.Onnx;
using DistillSharp.Recipes;
using DistillSharp.Signals;
using DistillSharp.Teachers;
using TorchSharp;
using static TorchSharp.torch;

namespace DistillSharp.Doctor.Checks;

/// <summary>A teacher in evaluation mode says the same of a sample each time and in any company; one in training mode does not.</summary>
internal sealed class TeacherModeCheck : IDoctorCheck
{
    private const int Compared = 16;
    private const double Tolerance = 1e-3;

    public string Name => "teacher_mode";

    public CheckNeed Need => CheckNeed.TrainedTeacher;

    public IEnumerable<DoctorFinding> Examine(DoctorCase subject) =>
        subject.TrainedTeachers.Where(arm => arm is { Ensemble: null, IsStored: false }).Select(arm => Examine(subject, arm)).OfType<DoctorFinding>();

    private DoctorFinding? Examine(DoctorCase subject, ArmPlan arm)
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        using var source = subject.TeacherOf(arm).Open([]);
        using var batch = subject.Samples(true, Compared).Epoch(0).First();
        using var moved = batch.To(subject.Device);
        var first = source.Read(moved).Logits.Value;
        var allowed = Tolerance * (1 + first.abs().max().ToDouble());
        var again = Difference(first, source.Read(moved));
        if (again > allowed)
        {
            return InTraining(subject, arm, "says something else of the same samples each time", "its dropout is active", again);
        }

        var half = batch.Count / 2;
        using var alone = Data.Batch.Of(moved.Input.narrow(0, 0, half), null, batch.SampleIds[..half]);
        var company = half == 0 ? 0 : Difference(first.narrow(0, 0, half), source.Read(alone));
        return company <= allowed ? null
            : RoundsByBatch(arm) ? new DoctorFinding(
                FindingSeverity.Warning, Name, subject.PathOf(arm),
                string.Create(CultureInfo.InvariantCulture, $"{arm.Name} says something else of a sample when others are in the batch (logits differ by {company:G2}): it is quantised dynamically, by the range of a whole batch"),
                "Quantise it statically, or give the float file")
            {
                Numbers = new Dictionary<string, double> { ["difference"] = company },
            }
            : InTraining(subject, arm, "says something else of a sample when others are in the batch", "its batch-norm layers use the batch's statistics", company);
    }

    private static bool RoundsByBatch(ArmPlan arm) =>
        arm.Source is OnnxTeacherOptions { Onnx: var file } && OnnxGraph.Read(file).Nodes.Any(node => node.Type == "DynamicQuantizeLinear");

    private static double Difference(Tensor first, ModelSignals second) => (first - second.Logits.Value).abs().max().ToDouble();

    private DoctorFinding InTraining(DoctorCase subject, ArmPlan arm, string what, string reason, double difference) => new(
        FindingSeverity.Fault, Name, subject.PathOf(arm), string.Create(CultureInfo.InvariantCulture, $"{arm.Name} {what} (logits differ by {difference:G2}): {reason}"),
        "It is in training mode: export it again after `model.eval()`")
    {
        Numbers = new Dictionary<string, double> { ["difference"] = difference },
    };
}
