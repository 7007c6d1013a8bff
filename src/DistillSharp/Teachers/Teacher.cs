using DistillSharp.Data;
using DistillSharp.Export;
using DistillSharp.Models;
using DistillSharp.Signals;

namespace DistillSharp.Teachers;

/// <summary>
/// Where a teacher's signals come from. A term sees signals only; what kind of source gives them is told apart here and nowhere else.
/// </summary>
public abstract class Teacher : IDisposable
{
    /// <summary>A network teaches as a <see cref="LiveTeacher"/> that does not own it; null stays null.</summary>
    public static implicit operator Teacher?(Network? network) => network is null ? null : new LiveTeacher(network);

    /// <summary>The live network, for methods that read its parameters; null where there is not exactly one.</summary>
    public virtual Network? Network => null;

    /// <summary>The data's classes that its logits are of, ascending; null where they are of all of them.</summary>
    public virtual IReadOnlyList<int>? CoveredClasses => null;

    /// <summary>Names of features that can be asked for.</summary>
    /// <param name="sample">A batch that may be read to find them out.</param>
    public virtual IReadOnlyList<string> Features(Batch sample) => [.. Network?.FeaturePoints.Select(point => point.Name) ?? []];

    /// <summary>Opens the teacher for the named features; the caller disposes what it gets.</summary>
    /// <exception cref="ArgumentException">A feature does not exist; the message lists those that do.</exception>
    public abstract ISignalSource Open(IEnumerable<string> features);

    /// <summary>A hash of everything that the signals depend on. It is the same before and after training, or the teacher was changed.</summary>
    public abstract string Fingerprint();

    /// <summary>What its outputs depend on beside the fingerprint and the samples, by name: the engine, normalisation and output of its own.</summary>
    public virtual IReadOnlyDictionary<string, string> Describe() => new Dictionary<string, string> { ["engine"] = "torch" };

    /// <inheritdoc/>
    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Releases what the teacher owns.</summary>
    protected virtual void Dispose(bool disposing)
    {
    }
}

/// <summary>A network in this process, in evaluation mode from the moment it teaches.</summary>
/// <param name="network">The network.</param>
/// <param name="owned">True where disposing the teacher disposes the network.</param>
public sealed class LiveTeacher(Network network, bool owned = false) : Teacher
{
    /// <inheritdoc/>
    public override Network Network { get; } = network;

    /// <inheritdoc/>
    public override ISignalSource Open(IEnumerable<string> features)
    {
        Network.eval();
        return new SignalReader(Network, features);
    }

    /// <inheritdoc/>
    public override string Fingerprint() => WeightsHash.Of(Network);

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (owned)
        {
            Network.Dispose();
        }

        base.Dispose(disposing);
    }
}
