using DistillSharp.Config;
using DistillSharp.Data;
using DistillSharp.Losses;
using DistillSharp.Methods;
using DistillSharp.Models;
using DistillSharp.Signals;
using static TorchSharp.torch;

namespace DistillSharp.Tests.Conformance;

/// <summary>
/// Any method of the catalog on a batch of eight random samples whose shapes are those of real networks: two small convolutional
/// networks for images, made-up Transformers for sequences.
/// </summary>
internal sealed class MethodCase
{
    public const int Samples = 8;
    private const int Classes = 5;
    private const int Length = 6;

    private static readonly string[] TokenMethods = ["token_soft_target", "token_jsd", "ctc_frame", "ctc_guided"];
    private static readonly string[] HiddenStateMethods = ["hidden_states", "attention_relations"];

    private readonly MethodContext _context;

    /// <param name="name">The method's recipe name.</param>
    /// <param name="same">Both sides have the same shapes and the same values, and there are no projectors.</param>
    public MethodCase(string name, bool same = false)
    {
        Entry = MethodCatalog.Default().Find(name)!;
        manual_seed(3);
        Options = OptionsOf(Entry, same);
        if (Entry.Traits.HasFlag(MethodTraits.UsesFeatures) && IsSequence(name))
        {
            _context = Transformers(name, same);
        }
        else if (Entry.Traits.HasFlag(MethodTraits.UsesFeatures))
        {
            _context = Networks(same);
        }
        else
        {
            Student = Logits(TokenMethods.Contains(name) ? [Samples, Length, Classes] : [Samples, Classes]);
            Teacher = same ? Student : Logits(Student.Logits.Value.shape);
            _context = Context(Student, Teacher, [], []);
        }

        Method = Create();
    }

    public MethodEntry Entry { get; }

    public object Options { get; }

    public Method Method { get; }

    public ModelSignals Student { get; private set; } = null!;

    public ModelSignals Teacher { get; private set; } = null!;

    /// <summary>Signals whose gradient is asked for: what the method may learn through.</summary>
    public IEnumerable<Tensor> StudentLeaves => Leaves(Student);

    public IEnumerable<Tensor> TeacherLeaves => Leaves(Teacher);

    /// <summary>Networks whose parameters some methods read; null for methods that see signals alone.</summary>
    public Network? TeacherNetwork => _context.TeacherNetwork;

    /// <summary>Another instance with weights of its own.</summary>
    public Method Create()
    {
        var method = Entry.Create(Options, _context);
        if (method is IPretrainedMethod pretrained)
        {
            // What learns from the teacher beforehand stands still while the student learns.
            foreach (var parameter in pretrained.PretrainedModule.parameters())
            {
                parameter.requires_grad = false;
            }
        }

        return method;
    }

    /// <summary>The term of some of the samples, all by default; random draws are the same every time.</summary>
    public LossTerm Compute(Range? samples = null, Method? method = null, ModelSignals? student = null, ModelSignals? teacher = null, Tensor? mask = null)
    {
        manual_seed(11);
        var (start, count) = (samples ?? ..).GetOffsetAndLength(Samples);
        return (method ?? Method).Compute(new MethodInput(
            Part(student ?? Student, start, count, mask), Part(teacher ?? Teacher, start, count, mask), Batch(start, count), Progress.Start));
    }

    /// <summary>The same signals with every value replaced; leaves that ask for a gradient.</summary>
    public static ModelSignals Map(ModelSignals signals, Func<Tensor, Tensor> logits, Func<Tensor, Tensor>? features = null) => new(
        new Signal(Leaf(logits(signals.Logits.Value.detach()))),
        signals.Features.ToDictionary(entry => entry.Key, entry => new Signal(Leaf((features ?? (value => value))(entry.Value.Value.detach())))))
    {
        Rotated = signals.Rotated is { } rotated ? Map(rotated, logits, features) : null,
    };

    /// <summary>True where a method is only for sequences.</summary>
    public static bool IsSequence(string name) => TokenMethods.Contains(name) || HiddenStateMethods.Contains(name) || name is "attention_maps" or "ctc_intermediate";

    public static Batch Batch(int start, int count) => DistillSharp.Data.Batch.Of(
        zeros(count, 1, 16, 16), tensor([.. Enumerable.Range(start, count).Select(i => (long)(i % Classes))], ScalarType.Int64),
        [.. Enumerable.Range(start, count).Select(i => (long)i)]);

    private static object OptionsOf(MethodEntry entry, bool same)
    {
        var options = Activator.CreateInstance(entry.OptionsType)!;
        foreach (var key in same ? new[] { "projector", "fusion", "paraphraser" } : [])
        {
            if (ConfigBinder.OptionsOf(entry.OptionsType).GetValueOrDefault(key) is { } property)
            {
                property.SetValue(options, "none");
            }
        }

        return options;
    }

    // The feature points are those of networks, so that methods which read the networks' parameters have the real ones.
    private MethodContext Networks(bool same)
    {
        var data = new DatasetInfo("random", [1, 16, 16], [.. Enumerable.Range(0, Classes).Select(i => $"class {i}")]);
        Network Cnn(int[] channels) => new SmallCnn(new SmallCnnOptions { Channels = channels }, data);
        var teacher = Cnn([6, 6, 8, 8]);
        var student = same ? teacher : Cnn([4, 4, 6, 6]);
        var points = PointsOf(Entry.Name);
        var images = DistillSharp.Data.Batch.Of(randn(Samples, 1, 16, 16), null, [.. Enumerable.Range(0, Samples).Select(i => (long)i)]);
        (Student, Teacher) = (Signals(student, images, points), Signals(teacher, images, points));
        return Context(Student, Teacher, points, points) with { StudentNetwork = student, TeacherNetwork = teacher };
    }

    // What the papers compare: all stages for those that relate stages, the last map or vector for those on the classifier.
    private static string[] PointsOf(string name) => name switch
    {
        "overhaul" or "activation_boundary" => ["layer2.preact", "layer4.preact"],
        "rkd" or "pkt" or "crd" or "correlation_congruence" or "embedding_regression" or "projector_recipe" or "sskd" => ["penultimate"],
        "simkd" or "class_attention_transfer" => ["layer4"],
        "fitnet" or "similarity" or "inter_channel_correlation" or "masked_generative" or "channel_wise" or "prime_aware" => ["layer4"],
        _ => ["layer2", "layer4"],
    };

    private ModelSignals Signals(Network network, Batch images, string[] points)
    {
        using var reader = new SignalReader(network, points);
        network.eval();
        using var noGradient = no_grad();
        return Map(Entry.Traits.HasFlag(MethodTraits.NeedsRotations) ? RotatedViews.Read(reader, images) : reader.Read(images), value => value);
    }

    private MethodContext Transformers(string name, bool same)
    {
        ModelSignals Features(int width) => new(
            new Signal(randn(Samples, Length, Classes)),
            new Dictionary<string, Signal> { ["layer1"] = new(Leaf(name == "attention_maps" ? rand(Samples, 2, Length, Length).softmax(-1) : randn(Samples, Length, width))) });
        (Student, Teacher) = name == "ctc_intermediate" ? (Features(Classes), Features(Classes)) : (Features(12), Features(24));
        Teacher = same ? Student : Teacher;
        return Context(Student, Teacher, ["layer1"], ["layer1"]);
    }

    private static ModelSignals Logits(long[] shape) => new(new Signal(Leaf(randn(shape) * 2)), new Dictionary<string, Signal>());

    private static MethodContext Context(ModelSignals student, ModelSignals teacher, string[] studentPoints, string[] teacherPoints) =>
        new(Shapes(student), Shapes(teacher), studentPoints, teacherPoints, Classes, 40, CPU);

    private static SignalShapes Shapes(ModelSignals signals) => new(
        signals.Logits.Value.shape, signals.Features.ToDictionary(entry => entry.Key, entry => (IReadOnlyList<long>)entry.Value.Value.shape));

    private static ModelSignals Part(ModelSignals signals, int start, int count, Tensor? mask) => new(
        new Signal(signals.Logits.Value.narrow(0, start, count)) { Mask = mask?.narrow(0, start, count) },
        signals.Features.ToDictionary(entry => entry.Key, entry => new Signal(entry.Value.Value.narrow(0, start, count)) { Mask = mask?.narrow(0, start, count) }))
    {
        Rotated = signals.Rotated is { } rotated ? TurnedPart(rotated, start, count) : null,
    };

    // Rows of turned views go turn by turn, sample by sample.
    private static ModelSignals TurnedPart(ModelSignals turned, int start, int count)
    {
        Signal Rows(Signal signal) => new(cat([.. Enumerable.Range(0, RotatedViews.Count).Select(turn => signal.Value.narrow(0, (turn * Samples) + start, count))], 0));
        return new ModelSignals(Rows(turned.Logits), turned.Features.ToDictionary(entry => entry.Key, entry => Rows(entry.Value)));
    }

    private IEnumerable<Tensor> Leaves(ModelSignals signals) =>
        Entry.Traits.HasFlag(MethodTraits.UsesFeatures) ? signals.Features.Values.Select(signal => signal.Value) : [signals.Logits.Value];

    private static Tensor Leaf(Tensor value) => value.detach().clone().requires_grad_(true);
}
