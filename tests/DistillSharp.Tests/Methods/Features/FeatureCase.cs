using DistillSharp.Config;
using DistillSharp.Data;
using DistillSharp.Losses;
using DistillSharp.Methods;
using DistillSharp.Models;
using DistillSharp.Signals;
using static TorchSharp.torch;

namespace DistillSharp.Tests.Methods.Features;

/// <summary>One feature method with random features of given shapes.</summary>
internal sealed class FeatureCase
{
    private readonly Dictionary<string, Signal> _student = [];
    private readonly Dictionary<string, Signal> _teacher = [];

    /// <summary>Builds the method and one batch of features in float32.</summary>
    public FeatureCase(MethodEntry entry, object options, long[][] student, long[][] teacher, Network? teacherNetwork = null, Network? studentNetwork = null)
    {
        // Channels here are few, as MemoryFormats looks for in a run.
        TorchRuntime.ConvolveAsProducts();
        manual_seed(7);
        var context = Context(student, teacher) with { TeacherNetwork = teacherNetwork, StudentNetwork = studentNetwork };
        Method = entry.Create(options, context);
        for (var i = 0; i < student.Length; i++)
        {
            _student[$"s{i}"] = new Signal(randn(student[i]).requires_grad_(true));
            _teacher[$"t{i}"] = new Signal(randn(teacher[i]).requires_grad_(true));
        }
    }

    /// <summary>The method.</summary>
    public Method Method { get; }

    /// <summary>The student's features.</summary>
    public IEnumerable<Tensor> Student => _student.Values.Select(signal => signal.Value);

    /// <summary>The teacher's features; they ask for a gradient that must never come.</summary>
    public IEnumerable<Tensor> Teacher => _teacher.Values.Select(signal => signal.Value);

    /// <summary>The teacher's signals.</summary>
    public ModelSignals TeacherSignals => new(new Signal(zeros(4, 5)), _teacher);

    /// <summary>A context with features s0, s1 … and t0, t1 ….</summary>
    public static MethodContext Context(long[][] student, long[][] teacher) => new(
        new SignalShapes([student[0][0], 5], student.Select((shape, i) => (Name: $"s{i}", shape)).ToDictionary(pair => pair.Name, pair => (IReadOnlyList<long>)pair.shape)),
        new SignalShapes([teacher[0][0], 5], teacher.Select((shape, i) => (Name: $"t{i}", shape)).ToDictionary(pair => pair.Name, pair => (IReadOnlyList<long>)pair.shape)),
        [.. student.Select((_, i) => $"s{i}")],
        [.. teacher.Select((_, i) => $"t{i}")],
        5,
        100,
        CPU);

    /// <summary>The options record of an entry read from YAML-like key and value pairs.</summary>
    public static object Options(MethodEntry entry, params (string Key, object Value)[] values)
    {
        var options = Activator.CreateInstance(entry.OptionsType)!;
        foreach (var (key, value) in values)
        {
            ConfigBinder.OptionsOf(entry.OptionsType)[key].SetValue(options, value);
        }

        return options;
    }

    /// <summary>Gives every feature of the student a mask.</summary>
    public void MaskFeatures(Tensor mask)
    {
        foreach (var name in _student.Keys.ToList())
        {
            _student[name] = _student[name] with { Mask = mask };
        }
    }

    /// <summary>The mean loss of the batch.</summary>
    public Tensor Loss() => Term().Mean;

    /// <summary>The loss of the batch as sum and count.</summary>
    public LossTerm Term()
    {
        var logits = new Signal(zeros(4, 5));
        var count = _student["s0"].Value.shape[0];
        var batch = Batch.Of(zeros(count, 1), zeros([count], ScalarType.Int64), [.. Enumerable.Range(0, (int)count).Select(i => (long)i)]);
        return Method.Compute(new MethodInput(new ModelSignals(logits, _student), new ModelSignals(logits, _teacher), batch, Progress.Start));
    }

    /// <summary>Asserts that the gradient reaches the student's features and every parameter that is trained with the student, and not the teacher's features.</summary>
    public void CheckGradients()
    {
        var loss = Loss();
        Assert.True(double.IsFinite(loss.item<float>()));
        loss.backward();
        Assert.All(Student, feature => Assert.True(HasGradient(feature), $"a student feature got no gradient but {feature.grad?.abs().sum().item<float>()}"));
        Assert.All(Teacher, feature => Assert.True(feature.grad is null, "a teacher feature got a gradient"));
        var before = Method is IPretrainedMethod pretrained ? pretrained.PretrainedModule.parameters().ToHashSet(ReferenceEqualityComparer.Instance) : [];
        // A copy of the teacher's classifier is not trained.
        Assert.All(Method.named_parameters().Where(entry => entry.parameter.requires_grad), parameter => Assert.True(
            HasGradient(parameter.parameter) != before.Contains(parameter.parameter), $"{parameter.name} got {(before.Contains(parameter.parameter) ? "a" : "no")} gradient"));
    }

    private static bool HasGradient(Tensor tensor) => tensor.grad is { } gradient && gradient.abs().sum().item<float>() > 0;
}
