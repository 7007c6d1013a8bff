using DistillSharp.Training;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DistillSharp.Tests.Training;

public class OptimizerTests
{
    private const int Steps = 6;
    private const double Rate = 0.03;

    private static readonly Dictionary<string, TrainingOptions> Named = new()
    {
        ["sgd"] = new() { Optimizer = OptimizerKind.Sgd, Momentum = 0, Nesterov = false, WeightDecay = 0 },
        ["sgd with weight decay"] = new() { Optimizer = OptimizerKind.Sgd, Momentum = 0, WeightDecay = 0.1 },
        ["momentum"] = new() { Optimizer = OptimizerKind.Sgd, Momentum = 0.9, Nesterov = false, WeightDecay = 0.1 },
        ["nesterov"] = new() { Optimizer = OptimizerKind.Sgd, Momentum = 0.8, Nesterov = true, WeightDecay = 0.1 },
        ["adam"] = new() { Optimizer = OptimizerKind.Adam, WeightDecay = 0.1, Beta1 = 0.8, Beta2 = 0.95, Epsilon = 1e-4 },
        ["adamw"] = new() { Optimizer = OptimizerKind.Adamw, WeightDecay = 0.1 },
        ["adamw without weight decay"] = new() { Optimizer = OptimizerKind.Adamw, WeightDecay = 0 },
        ["momentum with weight decay of all"] = new() { Optimizer = OptimizerKind.Sgd, Momentum = 0.9, Nesterov = false, WeightDecay = 0.1, DecayAll = true },
        ["adamw with weight decay of all"] = new() { Optimizer = OptimizerKind.Adamw, WeightDecay = 0.1, DecayAll = true },
    };

    public static TheoryData<string> Kinds => [.. Named.Keys];

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Step_EachKind_EqualsNaiveLoopsAndTakesTheGradients(string kind)
    {
        using var scope = NewDisposeScope();
        var options = Named[kind];
        var parameters = Parameters();
        using var optimizer = new Optimizer(parameters, options);
        var expected = parameters.Select(entry => new NaiveParameter(Numbers(entry.Parameter), Decay(entry.Parameter, options))).ToList();
        for (var step = 0; step < Steps; step++)
        {
            for (var i = 0; i < parameters.Count; i++)
            {
                var gradient = Gradient(parameters[i].Parameter, step);
                parameters[i].Parameter.grad = gradient.clone();
                expected[i].Step(Numbers(gradient), options, Rate);
            }

            optimizer.Step(Rate);
            Assert.All(parameters, entry => Assert.Null(entry.Parameter.grad));
        }

        for (var i = 0; i < parameters.Count; i++)
        {
            Assert.All(Numbers(parameters[i].Parameter).Zip(expected[i].Values), pair => Assert.Equal(pair.Second, pair.First, 1e-7));
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Step_EachKind_EqualsTorchSharpsOptimizer(string kind)
    {
        using var scope = NewDisposeScope();
        var options = Named[kind];
        var parameters = Parameters();
        var others = Parameters();
        using var optimizer = new Optimizer(parameters, options);
        var theirs = others.Select(entry => Theirs(entry.Parameter, options)).ToList();
        for (var step = 0; step < Steps; step++)
        {
            for (var i = 0; i < parameters.Count; i++)
            {
                parameters[i].Parameter.grad = Gradient(parameters[i].Parameter, step);
                others[i].Parameter.grad = Gradient(others[i].Parameter, step);
                theirs[i].step();
            }

            optimizer.Step(Rate);
        }

        for (var i = 0; i < parameters.Count; i++)
        {
            Assert.All(Numbers(others[i].Parameter).Zip(Numbers(parameters[i].Parameter)), pair => Assert.Equal(pair.First, pair.Second, 1e-7));
        }

        theirs.ForEach(each => each.Dispose());
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Step_ParameterWithoutGradient_IsLeftOutWithItsState(string kind)
    {
        using var scope = NewDisposeScope();
        var (parameters, others) = (Parameters(), Parameters());
        List<(string Name, Parameter Parameter)> kept = [.. others.Where(entry => entry.Name != "filter")];
        List<(string Name, Parameter Parameter)> left = [.. others.Where(entry => entry.Name == "filter")];
        using var optimizer = new Optimizer(parameters, Named[kind]);
        using var always = new Optimizer(kept, Named[kind]);
        using var sometimes = new Optimizer(left, Named[kind]);
        Run(parameters, optimizer, 0, 2);
        Run([.. parameters.Where(entry => entry.Name != "filter")], optimizer, 2, 3);
        Run(parameters, optimizer, 3, Steps);
        Run(kept, always, 0, Steps);
        Run(left, sometimes, 0, 2);
        Run(left, sometimes, 3, Steps);

        Assert.All(parameters.Zip(others), pair => Assert.Equal(Numbers(pair.Second.Parameter), Numbers(pair.First.Parameter)));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Step_NoGradientAtAll_ChangesNothing(string kind)
    {
        using var scope = NewDisposeScope();
        var parameters = Parameters();
        using var optimizer = new Optimizer(parameters, Named[kind]);
        Run(parameters, optimizer, 0, 2);
        var before = parameters.Select(entry => Numbers(entry.Parameter)).ToList();
        var state = optimizer.State.Select(entry => entry.Value.clone()).ToList();
        optimizer.Step(Rate);

        Assert.All(parameters.Zip(before), pair => Assert.Equal(pair.Second, Numbers(pair.First.Parameter)));
        Assert.All(optimizer.State.Zip(state), pair => Assert.True(pair.First.Value.equal(pair.Second).all().item<bool>()));
        Assert.Equal(0, optimizer.ClipNorm(1));
    }

    [Fact]
    public void State_ParameterOnAnotherDevice_IsThereToo()
    {
        using var scope = NewDisposeScope();
        var parameter = new Parameter(zeros([2, 3], device: new Device(TorchSharp.DeviceType.META)));
        using var optimizer = new Optimizer([("weight", parameter)], Named["adam"]);

        Assert.Equal(3, optimizer.State.Count());
        Assert.All(optimizer.State, entry => Assert.Equal(TorchSharp.DeviceType.META, entry.Value.device_type));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Load_StateOfAnother_GoesOnToTheSameBits(string kind)
    {
        using var scope = NewDisposeScope();
        var options = Named[kind];
        var (whole, halves) = (Parameters(), Parameters());
        using var uninterrupted = new Optimizer(whole, options);
        var first = new Optimizer(halves, options);
        Run(whole, uninterrupted, 0, Steps);
        Run(halves, first, 0, 3);
        var state = first.State.ToDictionary(entry => entry.Name, entry => entry.Value.clone());
        first.Dispose();
        using var second = new Optimizer(halves, options);
        second.Load(state);
        Run(halves, second, 3, Steps);

        Assert.All(whole.Zip(halves), pair => Assert.Equal(Numbers(pair.First.Parameter), Numbers(pair.Second.Parameter)));
    }

    [Fact]
    public void Load_StateThatDoesNotFit_NamesTheTensor()
    {
        using var scope = NewDisposeScope();
        using var optimizer = new Optimizer(Parameters(), new TrainingOptions());
        var state = optimizer.State.ToDictionary(entry => entry.Name, entry => entry.Value.clone());
        state["momentum.bias"] = zeros(7);

        Assert.Contains("momentum.bias", Assert.Throws<ArgumentException>(() => optimizer.Load(state)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1.0)]
    [InlineData(100.0)]
    public void ClipNorm_AllGradientsTogether_ScaledOnlyWhereTooLong(double largest)
    {
        using var scope = NewDisposeScope();
        var parameters = Parameters();
        using var optimizer = new Optimizer(parameters, new TrainingOptions());
        foreach (var (_, parameter) in parameters)
        {
            parameter.grad = Gradient(parameter, 1);
        }

        var before = parameters.SelectMany(entry => Numbers(entry.Parameter.grad!)).ToArray();
        var norm = Math.Sqrt(before.Sum(value => value * value));

        Assert.Equal(norm, optimizer.ClipNorm(largest), 1e-10);
        var factor = norm > largest ? largest / (norm + 1e-6) : 1;
        var after = parameters.SelectMany(entry => Numbers(entry.Parameter.grad!)).ToArray();
        Assert.All(before.Zip(after), pair => Assert.Equal(pair.First * factor, pair.Second, 1e-10));
    }

    private static void Run(List<(string Name, Parameter Parameter)> parameters, Optimizer optimizer, int from, int to)
    {
        for (var step = from; step < to; step++)
        {
            foreach (var (_, parameter) in parameters)
            {
                parameter.grad = Gradient(parameter, step);
            }

            optimizer.Step(Rate);
        }
    }

    private static double[] Numbers(Tensor values) => values.detach().data<double>().ToArray();

    private static List<(string Name, Parameter Parameter)> Parameters() =>
    [
        ("weight", new Parameter((arange(12, ScalarType.Float64).reshape(3, 4) / 10) - 0.5)),
        ("bias", new Parameter((arange(3, ScalarType.Float64) / 7) + 0.2)),
        ("filter", new Parameter(((arange(16, ScalarType.Float64).reshape(2, 2, 2, 2) / 5) - 1).cos())),
    ];

    private static Tensor Gradient(Tensor parameter, int step) =>
        ((arange(parameter.numel(), ScalarType.Float64) * 1.7) + (step * 0.9) + parameter.dim()).sin().reshape(parameter.shape);

    private static double Decay(Tensor parameter, TrainingOptions options) => options.DecayAll || parameter.dim() >= 2 ? options.WeightDecay : 0;

    private static optim.Optimizer Theirs(Parameter parameter, TrainingOptions options)
    {
        var decay = Decay(parameter, options);
        return options.Optimizer switch
        {
            OptimizerKind.Sgd => optim.SGD([parameter], Rate, options.Momentum, 0, decay, options.Nesterov && options.Momentum > 0),
            OptimizerKind.Adam => optim.Adam([parameter], Rate, options.Beta1, options.Beta2, options.Epsilon, decay),
            _ => optim.AdamW([parameter], Rate, options.Beta1, options.Beta2, options.Epsilon, decay),
        };
    }

    /// <summary>The papers' formulas, one number at a time.</summary>
    private sealed class NaiveParameter(double[] values, double weightDecay)
    {
        private readonly double[] _first = new double[values.Length];
        private readonly double[] _second = new double[values.Length];
        private int _steps;

        public double[] Values => values;

        public void Step(double[] gradient, TrainingOptions options, double rate)
        {
            _steps++;
            for (var i = 0; i < values.Length; i++)
            {
                var g = options.Optimizer == OptimizerKind.Adamw ? gradient[i] : gradient[i] + (weightDecay * values[i]);
                if (options.Optimizer == OptimizerKind.Sgd)
                {
                    _first[i] = (options.Momentum * _first[i]) + g;
                    values[i] -= rate * (options.Nesterov ? g + (options.Momentum * _first[i]) : _first[i]);
                    continue;
                }

                values[i] -= options.Optimizer == OptimizerKind.Adamw ? rate * weightDecay * values[i] : 0;
                _first[i] = (options.Beta1 * _first[i]) + ((1 - options.Beta1) * g);
                _second[i] = (options.Beta2 * _second[i]) + ((1 - options.Beta2) * g * g);
                var mean = _first[i] / (1 - Math.Pow(options.Beta1, _steps));
                var deviation = Math.Sqrt(_second[i] / (1 - Math.Pow(options.Beta2, _steps)));
                values[i] -= rate * mean / (deviation + options.Epsilon);
            }
        }
    }
}
