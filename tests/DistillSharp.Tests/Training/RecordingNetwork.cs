using DistillSharp.Data;
using DistillSharp.Models;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DistillSharp.Tests.Training;

/// <summary>A linear classifier that remembers its weights after each optimizer step, and may act on it.</summary>
internal sealed class RecordingNetwork : Network
{
    private readonly Linear fc;
    private readonly Action<int>? _afterStep;

    public RecordingNetwork(int inputs, int classes, Action<int>? afterStep = null)
        : base("recording")
    {
        fc = nn.Linear(inputs, classes);
        _afterStep = afterStep;
        RegisterComponents();
    }

    public List<float[]> Weights { get; } = [];

    public override IReadOnlyList<FeaturePoint> FeaturePoints { get; } = [new("logits", "fc")];

    public float[] Current
    {
        get
        {
            using var detached = fc.weight!.detach();
            return detached.data<float>().ToArray();
        }
    }

    public override Tensor Logits(Batch batch) => fc.call(batch.Input);

    public override void ApplyConstraints()
    {
        Weights.Add(Current);
        _afterStep?.Invoke(Weights.Count);
    }
}
