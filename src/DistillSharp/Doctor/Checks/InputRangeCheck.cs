using System.Globalization;
using TorchSharp;
using static TorchSharp.torch;

namespace DistillSharp.Doctor.Checks;

/// <summary>What networks are given after normalisation: finite, of moderate size, and not all the same.</summary>
internal sealed class InputRangeCheck : IDoctorCheck
{
    private const int Looked = 256;
    private const double LargestMean = 3;
    private const double LargestDeviation = 10;
    private const double LeastDeviation = 0.02;

    public string Name => "input_range";

    public CheckNeed Need => CheckNeed.Nothing;

    public IEnumerable<DoctorFinding> Examine(DoctorCase subject)
    {
        using var scope = NewDisposeScope();
        var batches = subject.Samples(false, Looked).Epoch(0).ToList();
        var values = cat(batches.Select(batch => batch.Input).ToList(), 0);
        batches.ForEach(batch => batch.Dispose());
        if (!values.isfinite().all().item<bool>())
        {
            yield return new DoctorFinding(FindingSeverity.Fault, Name, "data", "inputs hold NaN or infinite values", "Clean the data, or leave such samples out");
            yield break;
        }

        var (mean, deviation) = (values.mean().ToDouble(), values.std(false).ToDouble());
        var (low, high) = (values.min().ToDouble(), values.max().ToDouble());
        var faulty = Math.Abs(mean) > LargestMean || deviation > LargestDeviation || deviation < LeastDeviation;
        if (faulty)
        {
            yield return new DoctorFinding(
                FindingSeverity.Warning, Name, "data", string.Create(CultureInfo.InvariantCulture, $"networks are given inputs of {low:G3} to {high:G3}, mean {mean:G3}, deviation {deviation:G3}; they learn best near mean 0 and deviation 1"),
                subject.Recipe.Data.Mean.Count > 0
                    ? $"`data.mean` and `data.standard_deviation` are for pixels of 0 to 1; the training split's own are {Normalise(subject)}"
                    : "Set `data.normalise: true`, or give `data.mean` and `data.standard_deviation`")
            {
                Numbers = new Dictionary<string, double> { ["mean"] = mean, ["deviation"] = deviation, ["min"] = low, ["max"] = high },
            };
        }
    }

    private static string Normalise(DoctorCase subject)
    {
        var own = subject.Statistics();
        return $"mean [{string.Join(", ", own.Mean.Select(Text))}], deviation [{string.Join(", ", own.Deviation.Select(Text))}]";
    }

    private static string Text(float value) => value.ToString("G4", CultureInfo.InvariantCulture);
}
