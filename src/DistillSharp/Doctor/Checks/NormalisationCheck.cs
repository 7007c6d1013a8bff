using System.Globalization;
using System.Text.Json;
using DistillSharp.Data;
using DistillSharp.Export;
using DistillSharp.Recipes;

namespace DistillSharp.Doctor.Checks;

/// <summary>Mean and deviation that a teacher's weights were trained with, which their file names, against those that it is given here.</summary>
internal sealed class NormalisationCheck : IDoctorCheck
{
    // A tenth of a deviation is nothing to a network; what it was trained on differs by as much from image to image.
    private const double Tolerance = 0.1;

    public string Name => "normalisation";

    public CheckNeed Need => CheckNeed.Nothing;

    public IEnumerable<DoctorFinding> Examine(DoctorCase subject) => subject.TrainedTeachers.Select(arm => Examine(subject, arm)).OfType<DoctorFinding>();

    private DoctorFinding? Examine(DoctorCase subject, ArmPlan arm)
    {
        var texts = TeacherFile.Metadata(arm);
        if (!texts.TryGetValue(Provenance.Mean, out var mean) || !texts.TryGetValue(Provenance.Deviation, out var deviation)
            || JsonSerializer.Deserialize<float[]>(mean) is not { } means || JsonSerializer.Deserialize<float[]>(deviation) is not { } deviations)
        {
            return null;
        }

        var used = subject.Normalisation ?? Normalisation.None(Math.Max(1, means.Length));
        var trained = means.Length == 0 ? Normalisation.None(used.Mean.Count) : new Normalisation(means, deviations);
        var differs = trained.Mean.Count != used.Mean.Count || Enumerable.Range(0, used.Mean.Count).Any(i =>
            Math.Abs(trained.Mean[i] - used.Mean[i]) > Tolerance * trained.Deviation[i] || Math.Abs(Math.Log(trained.Deviation[i] / used.Deviation[i])) > Tolerance);
        return differs ? new DoctorFinding(
            FindingSeverity.Warning, Name, subject.PathOf(arm), $"its file says that it was trained with mean {List(trained.Mean)} and deviation {List(trained.Deviation)}, and it is given mean {List(used.Mean)} and deviation {List(used.Deviation)}",
            means.Length == 0 ? "Set `data.normalise: false`" : $"Set `data.mean: {List(trained.Mean)}` and `data.standard_deviation: {List(trained.Deviation)}`") : null;
    }

    private static string List(IReadOnlyList<float> values) => $"[{string.Join(", ", values.Select(value => value.ToString("G4", CultureInfo.InvariantCulture)))}]";
}
