#region plugin
using DistillSharp.Config;
using DistillSharp.Data;
using DistillSharp.Losses;
using DistillSharp.Methods;
using DistillSharp.Models;
using DistillSharp.Recipes;
using TorchSharp;

namespace DistillSharp.TestPlugin;

public sealed class ExamplePlugin : IDistillPlugin
{
    public void Register(Catalogs catalogs)
    {
        catalogs.Models.Add(new ModelEntry(
            "wide_tanh", "One hidden layer of tanh units.", "an example", typeof(WideTanhOptions),
            _ => ["hidden", "logits"], (options, data) => new WideTanh((WideTanhOptions)options, data)));
        catalogs.Methods.Add(new MethodEntry(
            "absolute_logits", "mean absolute difference of the logits", "an example", typeof(AbsoluteLogitsOptions),
            MethodTraits.ZeroAtTeacher, (options, _) => new AbsoluteLogits((AbsoluteLogitsOptions)options)));
    }
}

public sealed record WideTanhOptions
{
    [Option("units of the hidden layer", Min = 1)]
    public int Units { get; init; } = 64;
}

public sealed class WideTanh : LayeredNetwork
{
    public WideTanh(WideTanhOptions options, DatasetInfo data)
        : base("wide_tanh")
    {
        var inputs = data.InputShape.Aggregate(1L, (product, axis) => product * axis);
        Append("flatten", torch.nn.Flatten());
        Append("fc1", torch.nn.Linear(inputs, options.Units));
        Append("tanh", torch.nn.Tanh());
        Append("fc", torch.nn.Linear(options.Units, data.Classes.Count));
    }

    public override IReadOnlyList<FeaturePoint> FeaturePoints { get; } = [new("hidden", "tanh"), new("logits", "fc")];
}

public sealed record AbsoluteLogitsOptions
{
    [Option("factor of the logits", Min = 0, AboveMin = true)]
    public double Scale { get; init; } = 1;
}

public sealed class AbsoluteLogits(AbsoluteLogitsOptions options) : Method("absolute_logits")
{
    public override LossTerm Compute(MethodInput input)
    {
        var difference = (input.Student.Logits.Value - input.Teacher.Logits.Value) * options.Scale;
        return new LossTerm(difference.abs().mean([1]).sum(), input.Batch.Count);
    }
}
#endregion
