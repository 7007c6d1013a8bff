using System.Security.Cryptography;
using DistillSharp.Data;
using DistillSharp.Models;
using static TorchSharp.torch;

namespace DistillSharp.Export.Onnx;

/// <summary>
/// Writes networks as ONNX: input <c>input</c> [batch, …] and output <c>logits</c> [batch, classes] of float32, opset 17.
/// The file is compared with the live network on real samples before it takes its place.
/// </summary>
public static class OnnxExporter
{
    /// <summary>Version of the operator set.</summary>
    public const int Opset = 17;

    /// <summary>Version of the file format.</summary>
    public const int FormatVersion = 8;

    /// <summary>Name of the input.</summary>
    public const string InputName = "input";

    /// <summary>Name of the network's own output; early exits come after it.</summary>
    public const string OutputName = "logits";

    // A protocol-buffers message ends at 2³¹ − 1 bytes; the graph, the metadata and what a reader adds to it need room beside the weights.
    private const long LargestWeights = 1_900_000_000;

    /// <summary>Exports a network and checks the file.</summary>
    /// <param name="network">A network that describes itself (<see cref="INetworkGraph"/>); exported in evaluation mode.</param>
    /// <param name="data">Shape of a sample and the class names.</param>
    /// <param name="path">Where the file goes; what was there stays if anything fails.</param>
    /// <param name="samples">Real inputs [N, …] as the network sees them.</param>
    /// <param name="metadata">Preprocessing and provenance; class names and hashes are added (see <see cref="Provenance"/>).</param>
    /// <param name="exits">Early exits to export as further outputs.</param>
    /// <param name="sampleIds">Names of the samples in messages; their places where null.</param>
    /// <returns>What the comparison found.</returns>
    /// <exception cref="ArgumentException">There are no samples, or they have another shape than the data.</exception>
    /// <exception cref="NotSupportedException">A module cannot be described; says which.</exception>
    /// <exception cref="ParityException">The exported network differs from the live one; says where.</exception>
    public static ParityResult Export(
        Network network,
        DatasetInfo data,
        string path,
        Tensor samples,
        IReadOnlyDictionary<string, string>? metadata = null,
        IReadOnlyList<EarlyExit>? exits = null,
        IReadOnlyList<long>? sampleIds = null)
    {
        if (!samples.shape.Skip(1).SequenceEqual(data.InputShape))
        {
            throw new ArgumentException($"samples of shape [{string.Join(", ", samples.shape)}] are no batch of `{data.Name}`, whose samples have shape [{string.Join(", ", data.InputShape)}]");
        }

        var graph = Describe(network, data, exits ?? []);
        using var file = new AtomicFile(path);
        Model(graph, Complete(metadata, network, data)).CopyTo(file.Stream);
        file.Close();
        var result = ParityCheck.Compare(network, file.TemporaryPath, samples, exits, sampleIds);
        file.Commit();
        return result;
    }

    /// <summary>The bytes of a file with the network's output and those exits, without metadata and unchecked.</summary>
    /// <exception cref="NotSupportedException">A module or an exit cannot be described; says which.</exception>
    internal static byte[] InMemory(Network network, DatasetInfo data, IReadOnlyList<EarlyExit> exits) =>
        Unsealed(Describe(network, data, exits)).ToArray();

    private static ProtobufWriter Describe(Network network, DatasetInfo data, IReadOnlyList<EarlyExit> exits)
    {
        if (network is not INetworkGraph described)
        {
            throw new NotSupportedException($"{network.GetName()} ({network.GetType().Name}) does not describe itself; implement INetworkGraph to export it");
        }

        CheckSize(network);
        var builder = new OnnxGraphBuilder();
        var input = new GraphValue(InputName, [1, .. data.InputShape]);
        builder.Output(described.Describe(builder, input), OutputName);
        foreach (var exit in exits)
        {
            var value = builder.ValueAt(exit.FeaturePoint)
                ?? throw new NotSupportedException($"early exit `{exit.Name}`: the description of {network.GetName()} has no module `{exit.FeaturePoint.ModulePath}`");
            for (var layer = 0; layer < exit.Layers.Count; layer++)
            {
                value = builder.Module(exit.Layers[layer], value, $"{exit.Name}.{layer}");
            }

            builder.Output(value, exit.Name);
        }

        return builder.Build(network.GetName(), input);
    }

    /// <summary>Refuses a network whose weights do not fit into one file.</summary>
    /// <exception cref="NotSupportedException">They do not; says how large they are.</exception>
    internal static void CheckSize(Network network)
    {
        var bytes = network.state_dict().Values.Sum(tensor => tensor.numel() * tensor.ElementSize);
        if (bytes > LargestWeights)
        {
            throw new NotSupportedException(FormattableString.Invariant(
                $"{network.GetName()} has {bytes / 1e9:0.00} GB of weights, and one ONNX file holds at most {LargestWeights / 1e9:0.00} GB of them: the format ends at 2 GiB"));
        }
    }

    private static ProtobufWriter Unsealed(ProtobufWriter graph) => new ProtobufWriter()
        .Integer(1, FormatVersion)
        .Text(2, "DistillSharp")
        .Text(3, Provenance.ThisVersion)
        .Message(7, graph)
        .Message(8, new ProtobufWriter().Text(1, "").Integer(2, Opset));

    /// <summary>Writes a graph as a model with sealed metadata; what was there stays if anything fails.</summary>
    internal static void Write(string path, ProtobufWriter graph, IReadOnlyDictionary<string, string> metadata)
    {
        using var file = new AtomicFile(path);
        Model(graph, new Dictionary<string, string>(metadata)).CopyTo(file.Stream);
        file.Commit();
    }

    private static ProtobufWriter Model(ProtobufWriter graph, Dictionary<string, string> metadata)
    {
        var model = Unsealed(graph);
        using var hash = SHA256.Create();
        using (var hashing = new CryptoStream(Stream.Null, hash, CryptoStreamMode.Write))
        {
            model.CopyTo(hashing);
        }

        metadata[Provenance.ContentSha256] = Convert.ToHexStringLower(hash.Hash!);
        foreach (var (key, value) in Provenance.Seal(metadata))
        {
            model.Message(14, new ProtobufWriter().Text(1, key).Text(2, value));
        }

        return model;
    }

    private static Dictionary<string, string> Complete(IReadOnlyDictionary<string, string>? metadata, Network network, DatasetInfo data)
    {
        var complete = new Dictionary<string, string>(metadata ?? new Dictionary<string, string>());
        complete.TryAdd(Provenance.Model, network.GetName());
        complete.TryAdd(Provenance.InputShape, System.Text.Json.JsonSerializer.Serialize(data.InputShape));
        complete.TryAdd(Provenance.Classes, System.Text.Json.JsonSerializer.Serialize(data.Classes));
        complete.TryAdd(Provenance.CodeVersion, Provenance.ThisVersion);
        complete[Provenance.WeightsSha256] = WeightsHash.Of(network);
        return complete;
    }
}
