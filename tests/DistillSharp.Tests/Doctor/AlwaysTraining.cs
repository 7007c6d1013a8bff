using DistillSharp.Data;
using DistillSharp.Models;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DistillSharp.Tests.Doctor;

/// <summary>A linear classifier whose dropout works in evaluation mode, too, as in a file that was exported in training mode.</summary>
internal sealed class AlwaysTraining : SingleInputNetwork
{
    private readonly Linear fc;

    public AlwaysTraining(DatasetInfo data)
        : base("always_training")
    {
        fc = nn.Linear(InputShapes.Size(data), data.Classes.Count);
        RegisterComponents();
    }

    public override IReadOnlyList<FeaturePoint> FeaturePoints => [];

    public override Tensor forward(Tensor input) => fc.call(nn.functional.dropout(input.flatten(1), 0.5, training: true));

    public override GraphValue Describe(IGraphBuilder graph, GraphValue input) => throw new NotSupportedException("no description");
}
