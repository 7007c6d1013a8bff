using DistillSharp.Training;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DistillSharp.Benchmarks.Speed;

/// <summary>A step of our optimizer, which takes the gradients away, over a step and <c>zero_grad</c> of TorchSharp's: 200 tensors of 64×64.</summary>
internal static class OptimizerRows
{
    private const int Count = 200;
    private const int Side = 64;
    private const int Blocks = 15;
    private const int Steps = 20;
    private const double Rate = 0.01;
    private const double WeightDecay = 5e-4;
    private const double Momentum = 0.9;

    public static IReadOnlyDictionary<string, Func<string, (SpeedRow Row, string Detail)>> All { get; } =
        new Dictionary<string, Func<string, (SpeedRow, string)>>
        {
            ["optimizer-sgd"] = name => Measure(name, OptimizerKind.Sgd, largest: 0, target: 1 / 3.0),
            ["optimizer-adamw"] = name => Measure(name, OptimizerKind.Adamw, largest: 1e-6, target: 1 / 5.0),
        };

    private static (SpeedRow Row, string Detail) Measure(string name, OptimizerKind kind, double largest, double target)
    {
        using var scope = NewDisposeScope();
        random.manual_seed(1);
        var start = Enumerable.Range(0, Count).Select(_ => randn(Side, Side)).ToList();
        var gradients = Enumerable.Range(0, Count).Select(_ => randn(Side, Side)).ToArray();
        var (ours, theirs) = (Parameters(start), Parameters(start));
        var training = new TrainingOptions { Optimizer = kind, LearningRate = Rate, Momentum = Momentum, Nesterov = true, WeightDecay = WeightDecay };
        using var fused = new Optimizer([.. ours.Select((parameter, i) => ($"student.{i}", parameter))], training);
        using OptimizerHelper own = kind == OptimizerKind.Sgd
            ? optim.SGD(theirs, Rate, Momentum, nesterov: true, weight_decay: WeightDecay)
            : optim.AdamW(theirs, Rate, 0.9, 0.999, 1e-8, WeightDecay);
        void StepOurs() => fused.Step(Rate);
        void StepTheirs()
        {
            own.step();
            own.zero_grad();
        }

        var difference = double.NaN;
        var ratios = new List<double>();
        var (fast, slow) = (new List<double>(), new List<double>());
        for (var block = 0; block <= Blocks; block++)
        {
            var (a, b) = block % 2 == 0
                ? (Seconds(StepOurs, ours, gradients), Seconds(StepTheirs, theirs, gradients))
                : Swap(Seconds(StepTheirs, theirs, gradients), Seconds(StepOurs, ours, gradients));
            // The first block compiles and allocates. Later, parameters have gone far and carry their rounding with them.
            if (block == 0)
            {
                difference = ours.Zip(theirs, (one, other) => (one - other).abs().max().ToDouble()).Max();
            }
            else
            {
                fast.Add(a);
                slow.Add(b);
                ratios.Add(a / b);
            }
        }

        if (!(difference <= largest))
        {
            throw new InvalidOperationException($"{name}: after {Steps} steps the parameters differ by {difference}; {largest} is allowed");
        }

        return (RatioStatistics.Row(name, ratios, target), SpeedRows.Invariant(
            $"{RatioStatistics.Median(fast) * 1e3:0.000} ms against {RatioStatistics.Median(slow) * 1e3:0.000} ms: {1 / RatioStatistics.Median(ratios):0.0} times as fast; parameters differ by {difference:G2} after {Steps} steps"));
    }

    private static (double First, double Second) Swap(double second, double first) => (first, second);

    private static List<Parameter> Parameters(List<Tensor> start) => [.. start.Select(value => new Parameter(value.clone()))];

    private static double Seconds(Action step, List<Parameter> parameters, Tensor[] gradients)
    {
        var seconds = 0.0;
        for (var i = 0; i < Steps; i++)
        {
            for (var k = 0; k < gradients.Length; k++)
            {
                using var gradient = gradients[(k + i) % gradients.Length].clone();
                parameters[k].grad = gradient;
            }

            var started = SpeedClock.Now;
            step();
            seconds += SpeedClock.Now - started;
        }

        return seconds / Steps;
    }
}
