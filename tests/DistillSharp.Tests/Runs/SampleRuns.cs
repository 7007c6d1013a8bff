using DistillSharp.RunLog;
using DistillSharp.Runs;

namespace DistillSharp.Tests.Runs;

/// <summary>Made-up results of a run on ten classes, with figures like those of a small digits run.</summary>
internal static class SampleRuns
{
    public static readonly string[] Classes = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"];

    public static int[] Labels(int count = 400) => [.. Enumerable.Range(0, count).Select(i => i % 10)];

    /// <summary>A job whose predictions are wrong where a seeded draw says so.</summary>
    public static JobResult Job(string arm, int seed, double accuracy, int[] labels)
    {
        var random = new Random((seed * 7919) + arm.Length);
        int[] predictions = [.. labels.Select((label, i) => random.NextDouble() < accuracy ? label : (label + 1 + random.Next(9)) % 10)];
        var top1 = predictions.Zip(labels).Count(pair => pair.First == pair.Second) / (double)labels.Length;
        return new JobResult
        {
            Arm = arm,
            Seed = seed,
            Epochs = 30,
            Steps = 600,
            SelectedEpoch = 27,
            Predictions = predictions,
            PerClass = [.. Enumerable.Range(0, 10).Select(c => labels.Select((label, i) => (label, i)).Where(item => item.label == c).Average(item => predictions[item.i] == c ? 1.0 : 0))],
            WeightsSha256 = new string('a', 64),
            Validation = { ["top1"] = top1 - 0.004, ["nll"] = 1.1 - top1 },
            Metrics =
            {
                ["top1"] = top1, ["top5"] = 0.99, ["errors"] = Math.Round((1 - top1) * labels.Length), ["nll"] = 1.05 - top1, ["ece"] = 0.031 - (seed * 0.001),
                ["nll_calibrated"] = 1.02 - top1, ["ece_calibrated"] = 0.012, ["calibration_temperature"] = 1.4,
                ["parameters"] = arm == "teacher" ? 235146 : 2410, ["macs"] = arm == "teacher" ? 234000 : 2340, ["bytes"] = arm == "teacher" ? 942000 : 11200,
                ["latency_ms"] = arm == "teacher" ? 0.061 : 0.0092, ["cpu_seconds"] = 4.2 + seed, ["teacher_cpu_seconds"] = arm is "soft_target" ? 0.8 : 0, ["peak_mb"] = 412,
            },
        };
    }

    public static List<JobResult> Jobs(int[] labels, params int[] seeds)
    {
        var jobs = new List<JobResult>();
        foreach (var seed in seeds)
        {
            jobs.Add(Job("teacher", seed, 0.98, labels));
            jobs.Add(Job("plain", seed, 0.87, labels));
            jobs.Add(Job("label_smoothing", seed, 0.88, labels));
            var distilled = Job("soft_target", seed, 0.93, labels);
            distilled.Metrics["agreement"] = 0.94;
            jobs.Add(distilled);
        }

        return jobs;
    }

    /// <summary>Events of a run with two loss terms in the distilled arm.</summary>
    public static List<RunEvent> Events(int epochs, params int[] seeds)
    {
        var events = new List<RunEvent>();
        foreach (var (arm, limit) in new[] { ("teacher", 0.98), ("plain", 0.87), ("label_smoothing", 0.88), ("soft_target", 0.93) })
        {
            foreach (var seed in seeds)
            {
                var random = new Random((seed * 31) + arm.Length);
                for (var epoch = 1; epoch <= epochs; epoch++)
                {
                    var top1 = limit - (0.8 * Math.Exp(-epoch / 4.0)) + (0.01 * random.NextDouble());
                    var parts = new Dictionary<string, double> { ["hard_labels"] = 1.2 * (1 - top1) * Math.Exp(-epoch / 30.0) };
                    if (arm == "soft_target")
                    {
                        parts["soft_target"] = 6 * (1 - top1);
                    }

                    events.Add(new EpochEnded(arm, seed, "main", epoch, epochs, epoch * 20, parts.Values.Sum(), parts, new Dictionary<string, double> { ["top1"] = top1, ["nll"] = 1.1 - top1 }, 0.1, 0.4));
                }
            }
        }

        return events;
    }
}
