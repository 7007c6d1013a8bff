using DistillSharp.Config;
using DistillSharp.Data;
using DistillSharp.Methods;
using DistillSharp.Signals;
using static TorchSharp.torch;

namespace DistillSharp.Tests.Methods.Logits;

/// <summary>Random logits of both sides, and methods from the catalog on them.</summary>
internal sealed class LogitCase
{
    public LogitCase(long[] shape, long[]? labels = null, double[]? mask = null)
    {
        manual_seed(5);
        var rows = shape.AsSpan()[..^1].ToArray();
        Student = randn(shape, ScalarType.Float64).requires_grad_(true);
        Teacher = randn(shape, ScalarType.Float64).requires_grad_(true);
        Mask = mask is null ? null : tensor(mask, rows);
        Batch = Batch.Of(zeros(shape[0]), labels is null ? null : tensor(labels, rows), [.. Enumerable.Range(0, (int)shape[0]).Select(i => (long)i)]);
        Context = new MethodContext(
            new SignalShapes(shape, new Dictionary<string, IReadOnlyList<long>>()), new SignalShapes(shape, new Dictionary<string, IReadOnlyList<long>>()),
            [], [], (int)shape[^1], 100, CPU);
    }

    public Tensor Student { get; }

    public Tensor Teacher { get; }

    public Tensor? Mask { get; }

    public Batch Batch { get; }

    public MethodContext Context { get; }

    public MethodInput Input => new(Signals(Student), Signals(Teacher), Batch, Progress.Start);

    public static Method Create(string name, LogitCase test, params (string Key, object Value)[] options)
    {
        var entry = MethodCatalog.Default().Find(name)!;
        var record = Activator.CreateInstance(entry.OptionsType)!;
        foreach (var (key, value) in options)
        {
            ConfigBinder.OptionsOf(entry.OptionsType)[key].SetValue(record, value);
        }

        return entry.Create(record, test.Context);
    }

    private ModelSignals Signals(Tensor logits) => new(new Signal(logits) { Mask = Mask }, new Dictionary<string, Signal>());
}
