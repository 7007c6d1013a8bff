using DistillSharp.Data;
using DistillSharp.Models;
using DistillSharp.Signals;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DistillSharp.Methods;

/// <summary>A method that puts layers of its own in the place of the student's classifier: what is evaluated, saved and exported is both.</summary>
public interface IDeployedMethod
{
    /// <summary>The student's feature point that the layers read.</summary>
    string DeployedFeature { get; }

    /// <summary>The layers from that feature to the logits: the method's own modules, or copies with the same values.</summary>
    Sequential DeployedLayers(bool copy);
}

/// <summary>
/// A student up to one of its feature points, and further layers from there to the logits. What the student has after that point
/// is run where the network cannot be cut, but is neither counted nor saved.
/// </summary>
public class DeployedNetwork : Network
{
    // Names are the keys under which weights are saved.
    private readonly Network student;
    private readonly Sequential head;
    private readonly FeatureTaps _taps;
    private readonly FeaturePoint _point;
    private readonly IDeployedMethod _method;
    private readonly bool _ownsHead;
    private readonly HashSet<string> _unused;

    private DeployedNetwork(Network student, IDeployedMethod method, bool copy, HashSet<string> unused)
        : base($"{student.GetName()}_deployed")
    {
        this.student = student;
        head = method.DeployedLayers(copy);
        (_method, _ownsHead, _unused) = (method, copy, unused);
        _point = student.FindFeature(method.DeployedFeature);
        _taps = new FeatureTaps(student, [method.DeployedFeature]);
        // By name: RegisterComponents does not see the private fields of a base class.
        register_module("student", student);
        register_module("head", head);
    }

    /// <inheritdoc/>
    public override IReadOnlyList<FeaturePoint> FeaturePoints =>
        [.. student.FeaturePoints.Select(point => point with { ModulePath = $"student.{point.ModulePath}" })];

    /// <summary>A student with a method's own layers.</summary>
    /// <param name="student">The network; it stays the caller's.</param>
    /// <param name="method">Gives the layers.</param>
    /// <param name="probe">A batch, by which is seen what the feature depends on. Gradients of the student are set to null.</param>
    public static DeployedNetwork Of(Network student, IDeployedMethod method, Batch probe) =>
        Create(student, method, copy: false, Unused(student, method.DeployedFeature, probe));

    /// <summary>The same with copies of the layers, which outlive the method; the student is shared.</summary>
    public DeployedNetwork Copy() => Create(student, _method, copy: true, _unused);

    /// <inheritdoc/>
    public override Tensor Logits(Batch batch)
    {
        _taps.Arm();
        student.Logits(batch).Dispose();
        return head.call(_taps.Take().Values.Single());
    }

    /// <inheritdoc/>
    public override void ApplyConstraints() => student.ApplyConstraints();

    /// <inheritdoc/>
    public override IEnumerable<(string name, Parameter parameter)> named_parameters(bool recurse = true) =>
        base.named_parameters(recurse).Where(entry => !_unused.Contains(entry.name));

    /// <inheritdoc/>
    public override IEnumerable<Parameter> parameters(bool recurse = true) => named_parameters(recurse).Select(entry => entry.parameter);

    /// <inheritdoc/>
    public override IEnumerable<(string name, Tensor buffer)> named_buffers(bool recurse = true, bool include_nonpersistent = true) =>
        base.named_buffers(recurse, include_nonpersistent).Where(entry => !_unused.Contains(entry.name));

    /// <inheritdoc/>
    public override Dictionary<string, Tensor> state_dict(Dictionary<string, Tensor>? destination = null, string? prefix = null)
    {
        destination ??= [];
        foreach (var (name, value) in named_parameters().Select(entry => (entry.name, (Tensor)entry.parameter)).Concat(named_buffers(include_nonpersistent: false)))
        {
            destination.TryAdd(string.IsNullOrEmpty(prefix) ? name : $"{prefix}.{name}", value);
        }

        return destination;
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _taps.Dispose();
            if (_ownsHead)
            {
                head.Dispose();
            }
        }

        // Not its children: the student is the caller's, the layers may be the method's.
        base.Dispose(false);
    }

    private static DeployedNetwork Create(Network student, IDeployedMethod method, bool copy, HashSet<string> unused) =>
        student is INetworkGraph ? new Described(student, method, copy, unused) : new DeployedNetwork(student, method, copy, unused);

    // Whatever a gradient of the feature does not reach comes after it.
    private static HashSet<string> Unused(Network student, string feature, Batch probe)
    {
        var training = student.training;
        student.eval();
        try
        {
            using var scope = NewDisposeScope();
            using var reader = new SignalReader(student, [feature]);
            reader.Read(probe).Features[feature].Value.sum().backward();
            var dead = student.named_modules().Where(module =>
                module.module.parameters(recurse: false).Any() && module.module.parameters(recurse: false).All(parameter => parameter.requires_grad && parameter.grad is null));
            return [.. dead.SelectMany(module => module.module.named_parameters(recurse: false).Select(entry => entry.name)
                .Concat(module.module.named_buffers(recurse: false).Select(entry => entry.name)).Select(name => $"student.{module.name}.{name}"))];
        }
        finally
        {
            foreach (var parameter in student.parameters())
            {
                parameter.grad = null;
            }

            student.train(training);
        }
    }

    /// <summary>One that describes itself, as its student does.</summary>
    private sealed class Described : DeployedNetwork, INetworkGraph
    {
        public Described(Network student, IDeployedMethod method, bool copy, HashSet<string> unused)
            : base(student, method, copy, unused)
        {
        }

        public GraphValue Describe(IGraphBuilder graph, GraphValue input)
        {
            graph.Module(student, input, "student");
            var value = graph.ValueAt(_point with { ModulePath = $"student.{_point.ModulePath}" })
                ?? throw new NotSupportedException($"the description of {student.GetName()} has no module `{_point.ModulePath}`");
            return graph.Module(head, value, "head");
        }
    }
}
