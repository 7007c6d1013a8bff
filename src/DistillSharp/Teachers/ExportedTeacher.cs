using DistillSharp.Data;
using DistillSharp.Export;
using DistillSharp.Export.Onnx;
using DistillSharp.Models;
using DistillSharp.Signals;
using Microsoft.ML.OnnxRuntime;

namespace DistillSharp.Teachers;

/// <summary>
/// A network whose forward passes are run by ONNX Runtime from an export in memory. The network stays at hand for methods that
/// read its parameters; its weights must not change once the teacher was opened.
/// </summary>
/// <param name="network">The network, on the CPU.</param>
/// <param name="data">Shape of a sample.</param>
/// <param name="threads">Threads within one operation.</param>
/// <param name="owned">True where disposing the teacher disposes the network.</param>
public sealed class ExportedTeacher(Network network, DatasetInfo data, int threads = 1, bool owned = false) : Teacher
{
    // Feature points may be called like the graph's own input and output.
    private const string FeaturePrefix = "feature:";

    /// <inheritdoc/>
    public override Network Network { get; } = network;

    /// <summary>Exports the network with those features as further outputs, and loads that.</summary>
    /// <exception cref="ArgumentException">A feature does not exist; the message lists those that do.</exception>
    /// <exception cref="NotSupportedException">The network, or a feature, cannot be exported; says which part of it.</exception>
    public override ISignalSource Open(IEnumerable<string> features)
    {
        Network.eval();
        var exits = features.Distinct().Select(name => new EarlyExit(FeaturePrefix + name, Network.FindFeature(name), [])).ToList();
        var model = OnnxExporter.InMemory(Network, data, exits);
        try
        {
            return new Source(new OnnxSession(model, "", threads), exits);
        }
        catch (OnnxRuntimeException error)
        {
            throw new NotSupportedException($"ONNX Runtime cannot load the export of {Network.GetName()}: {error.Message}", error);
        }
    }

    /// <inheritdoc/>
    public override string Fingerprint() => WeightsHash.Of(Network) + ":onnxruntime";

    /// <inheritdoc/>
    public override IReadOnlyDictionary<string, string> Describe() => new Dictionary<string, string> { ["engine"] = "onnxruntime" };

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (owned)
        {
            Network.Dispose();
        }

        base.Dispose(disposing);
    }

    private sealed class Source(OnnxSession session, IReadOnlyList<EarlyExit> exits) : ISignalSource
    {
        private readonly string[] _outputs = [OnnxExporter.OutputName, .. exits.Select(exit => exit.Name)];

        public ModelSignals Read(Batch batch)
        {
            var outputs = session.Run(OnnxExporter.InputName, batch.Input, _outputs).Select(output => output.to(batch.Input.device)).ToList();
            var features = exits.Select((exit, i) => (exit.FeaturePoint.Name, Signal: new Signal(outputs[i + 1])));
            return new ModelSignals(new Signal(outputs[0]), features.ToDictionary(feature => feature.Name, feature => feature.Signal));
        }

        public void Dispose() => session.Dispose();
    }
}
