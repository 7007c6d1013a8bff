using DistillSharp.Data;
using static TorchSharp.torch;

namespace DistillSharp.Models;

/// <summary>Whether a feature is what a module returns or what it was given (a pre-activation is the input of a ReLU).</summary>
public enum FeatureSide
{
    /// <summary>The module's output.</summary>
    Output,

    /// <summary>The module's input.</summary>
    Input,
}

/// <summary>A named place in a network where a method may look.</summary>
/// <param name="Name">Public name, such as <c>layer1</c> or <c>penultimate</c>.</param>
/// <param name="ModulePath">Dotted path of the module below the network.</param>
/// <param name="Side">Output or input of that module.</param>
public sealed record FeaturePoint(string Name, string ModulePath, FeatureSide Side = FeatureSide.Output);

/// <summary>
/// A trainable network: a batch in, logits out, with named feature points. No network changes a tapped output in place.
/// Child modules are reached through <c>call</c>, so that taps on them fire.
/// </summary>
public abstract class Network(string name) : nn.Module(name)
{
    /// <summary>Feature points from the input to the output.</summary>
    public abstract IReadOnlyList<FeaturePoint> FeaturePoints { get; }

    /// <summary>The tokens that a network of sequences was built for; null for others.</summary>
    public virtual SequenceInfo? Sequence => null;

    /// <summary>Path of the linear layer that makes the logits, for methods that need its weights; null where there is none.</summary>
    public virtual string? ClassifierPath => null;

    /// <summary>Logits of a batch: [N, C] for classifiers, [N, T, V] for sequences.</summary>
    public abstract Tensor Logits(Batch batch);

    /// <summary>1 at the valid positions [N, T] of a feature that has positions; null where all are valid, or it has none.</summary>
    /// <param name="feature">Name of a feature point.</param>
    /// <param name="batch">The batch.</param>
    public virtual Tensor? MaskOf(string feature, Batch batch) => null;

    /// <summary>
    /// 1 at the valid positions [N, T] of the logits; null where they have no positions, or all are valid. By default those of
    /// sequences that have a target.
    /// </summary>
    /// <param name="logits">What <see cref="Logits"/> gave.</param>
    /// <param name="batch">The batch.</param>
    public virtual Tensor? MaskOfLogits(Tensor logits, Batch batch) =>
        logits.dim() == 3 && batch.Targets is { } targets && targets.dim() == 2 ? targets.ge(0).to(logits.dtype) : null;

    /// <summary>
    /// Brings the parameters back into the set that the network allows (max-norm for one); called after every optimizer
    /// step. Most networks allow everything.
    /// </summary>
    public virtual void ApplyConstraints()
    {
    }

    /// <summary>The feature point called <paramref name="name"/>, or one on the module of that dotted path (<c>path:input</c> for its input).</summary>
    /// <exception cref="ArgumentException">Neither exists; the message lists the points that do.</exception>
    public FeaturePoint FindFeature(string name)
    {
        if (FeaturePoints.FirstOrDefault(point => point.Name == name) is { } named)
        {
            return named;
        }

        var path = name.EndsWith(":input", StringComparison.Ordinal) ? name[..^6] : name;
        return named_modules().Any(module => module.name == path)
            ? new FeaturePoint(name, path, path == name ? FeatureSide.Output : FeatureSide.Input)
            : throw new ArgumentException($"{GetName()} has no feature point `{name}`; {Config.NearestName.Hint(name, FeaturePoints.Select(point => point.Name))}");
    }
}

/// <summary>A network of one tensor input, which is most of them.</summary>
public abstract class SingleInputNetwork(string name) : Network(name), INetworkGraph
{
    /// <summary>Logits [N, C] of inputs [N, …].</summary>
    public abstract Tensor forward(Tensor input);

    /// <inheritdoc/>
    public override Tensor Logits(Batch batch) => forward(batch.Input);

    /// <inheritdoc/>
    public abstract GraphValue Describe(IGraphBuilder graph, GraphValue input);
}
