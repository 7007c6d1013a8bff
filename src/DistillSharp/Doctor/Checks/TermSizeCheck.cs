using System.Globalization;
using DistillSharp.Recipes;
using DistillSharp.Training;

namespace DistillSharp.Doctor.Checks;

/// <summary>Size and gradient of each part of the loss at the start: a part a hundred times another drowns it.</summary>
internal sealed class TermSizeCheck : IDoctorCheck
{
    private const double TooUnequal = 100;

    public string Name => "term_sizes";

    public CheckNeed Need => CheckNeed.TrainedTeacher;

    public bool NeedsClasses => false;

    public IEnumerable<DoctorFinding> Examine(DoctorCase subject) => subject.Learners
        .SelectMany(arm => TermSize.Of(subject, arm).SelectMany(stage => Examine(subject.PathOf(arm), arm, stage.Stage, stage.Parts)));

    private IEnumerable<DoctorFinding> Examine(string where, ArmPlan arm, StagePlan stage, IReadOnlyList<TermSize> parts)
    {
        if (parts.Count == 0)
        {
            yield break;
        }

        var numbers = parts.SelectMany(part => new[] { ($"{part.Name}.value", part.Value), ($"{part.Name}.gradient_norm", part.GradientNorm) }).ToDictionary();
        var inStage = arm.Plan.Stages.Count > 1 ? $" in stage {stage.Name}" : "";
        yield return new DoctorFinding(
            FindingSeverity.Note, Name, where,
            $"at the start{inStage}: {string.Join(", ", parts.Select(part => $"{part.Name} {Number(part.Value)} × {Number(part.Weight)}, gradient {Number(part.GradientNorm)}"))}", "")
        {
            Numbers = numbers,
        };
        var heard = parts.Where(part => part.GradientNorm > 0).ToList();
        if (heard.Count < 2)
        {
            yield break;
        }

        // Hard labels are the measure where they are there: their weight is what users know.
        var measure = heard.FirstOrDefault(part => part.Name == OfflineTask.HardLabelPart) ?? heard.OrderBy(part => part.GradientNorm).ElementAt(heard.Count / 2);
        foreach (var part in heard.Where(part => part != measure && Math.Max(part.GradientNorm, measure.GradientNorm) >= TooUnequal * Math.Min(part.GradientNorm, measure.GradientNorm)))
        {
            var larger = part.GradientNorm > measure.GradientNorm;
            var ratio = larger ? part.GradientNorm / measure.GradientNorm : measure.GradientNorm / part.GradientNorm;
            var suggestion = part.Weight * measure.GradientNorm / part.GradientNorm;
            yield return new DoctorFinding(
                FindingSeverity.Warning, Name, $"{where}.terms", $"the gradient of {part.Name} is {ratio.ToString("0", CultureInfo.InvariantCulture)} times {(larger ? "as large" : "as small")} as that of {measure.Name}{inStage}, so that {(larger ? measure.Name : part.Name)} is hardly heard",
                $"Give {part.Name} a weight of about {Number(suggestion)} in place of {Number(part.Weight)}, which makes the two equal")
            {
                Numbers = new Dictionary<string, double>(numbers) { ["suggested_weight"] = suggestion },
            };
        }
    }

    private static string Number(double value) => value.ToString("G2", CultureInfo.InvariantCulture);
}
