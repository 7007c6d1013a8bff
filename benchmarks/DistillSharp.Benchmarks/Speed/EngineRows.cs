
namespace DistillSharp.Benchmarks.Speed;

/// <summary>Rows about what a run gains over the bare loop: by its teacher's engine, its optimizer, its dropout.</summary>
internal static class EngineRows
{
    private const double DropoutTarget = 1.15;

    public static IReadOnlyDictionary<string, Func<string, (SpeedRow Row, string Detail)>> All { get; } =
        new Dictionary<string, Func<string, (SpeedRow, string)>>
        {
            ["resnet-engine-auto"] = StepRows.Measure,
            ["mlp-adamw"] = StepRows.Measure,
            ["dropout"] = Dropout,
        };

    /// <summary>Our step of an MLP that drops half of its hidden units, over the step without.</summary>
    private static (SpeedRow Row, string Detail) Dropout(string name)
    {
        const int Blocks = 15;
        const int Steps = 30;
        const int WarmUp = 3;
        using var without = Workload.Mlp(Steps + WarmUp, taught: false);
        using var with = Workload.Mlp(Steps + WarmUp, taught: false, new WorkloadOptions(Dropout: 0.5));
        var (plain, dropping) = (without.Source(WarmUp), with.Source(WarmUp));
        without.TrainOurs(plain);
        with.TrainOurs(dropping);
        var (undropped, dropped) = (new List<double>(), new List<double>());
        for (var block = 0; block < Blocks; block++)
        {
            if (block % 2 == 0)
            {
                undropped.Add(SpeedRows.Timed(without.TrainOurs, plain));
                dropped.Add(SpeedRows.Timed(with.TrainOurs, dropping));
            }
            else
            {
                dropped.Add(SpeedRows.Timed(with.TrainOurs, dropping));
                undropped.Add(SpeedRows.Timed(without.TrainOurs, plain));
            }
        }

        var row = RatioStatistics.Row(name, [.. dropped.Zip(undropped, (a, b) => a / b)], DropoutTarget);
        return (row, SpeedRows.Invariant($"{RatioStatistics.Median(dropped) * 1e3:0.00} ms a step against {RatioStatistics.Median(undropped) * 1e3:0.00} ms without"));
    }
}
