using DistillSharp.Data;
using DistillSharp.Export.Onnx;
using DistillSharp.Models;
using DistillSharp.Tests.Training;
using static TorchSharp.torch;

namespace DistillSharp.Tests.Teachers;

/// <summary>Small ONNX files.</summary>
internal static class OnnxFiles
{
    /// <summary>An MLP of 4 inputs and 3 classes; the caller owns the network that it was written from.</summary>
    public static Mlp Mlp(string path)
    {
        var network = new TrainingCase().Mlp(4, 6);
        Write(network, new DatasetInfo("samples", [4], ["0", "1", "2"]), path);
        return network;
    }

    /// <summary>A CNN of 1×4×4 inputs and 3 classes.</summary>
    public static SmallCnn Cnn(string path)
    {
        var network = new TrainingCase().Cnn([4, 4]);
        Write(network, new DatasetInfo("images", [1, 4, 4], ["0", "1", "2"]), path);
        return network;
    }

    /// <summary>Any network, with free texts.</summary>
    public static void Write(Network network, DatasetInfo data, string path, IReadOnlyDictionary<string, string>? metadata = null)
    {
        using var scope = NewDisposeScope();
        network.eval();
        OnnxExporter.Export(network, data, path, rand([3, .. data.InputShape]), metadata);
    }

    /// <summary>Puts an operation behind what is there and makes its result the file's last output.</summary>
    public static void Append(string path, string operation, string input, string output, params (string Name, long Value)[] attributes)
    {
        var node = new ProtobufWriter().Text(1, input).Text(2, output).Text(3, output).Text(4, operation);
        foreach (var (name, value) in attributes)
        {
            node.Message(5, new ProtobufWriter().Text(1, name).Integer(3, value).Integer(20, 2));
        }

        var graph = new ProtobufWriter().Message(1, node);
        byte[] extended = [.. File.ReadAllBytes(path), .. new ProtobufWriter().Message(7, graph).Bytes];
        File.WriteAllBytes(path, OnnxGraph.WithOutputs(extended, [output]));
    }

    /// <summary>A copy with one more weight, which nothing reads and which lies in another file.</summary>
    public static void KeepWeightsIn(string path, string copy, string file)
    {
        var place = new ProtobufWriter().Text(1, "location").Text(2, file);
        var weight = new ProtobufWriter().Integer(1, 1).Integer(2, 1).Text(8, "kept_elsewhere").Message(13, place).Integer(14, 1);
        File.WriteAllBytes(copy, [.. File.ReadAllBytes(path), .. new ProtobufWriter().Message(7, new ProtobufWriter().Message(5, weight)).Bytes]);
    }

    /// <summary>Writes a batch size in the place of the free axis called <c>batch</c>, wherever it is named.</summary>
    public static void FixBatch(string path, int size)
    {
        // Dimension { dim_param: "batch" } is 07 12 05 62 61 74 63 68 with its tags and lengths; a fixed one of the same length needs
        // a number written in seven bytes.
        byte[] free = [0x0A, 0x07, 0x12, 0x05, .. "batch"u8];
        byte[] @fixed = [0x0A, 0x07, 0x08, (byte)(size | 0x80), 0x80, 0x80, 0x80, 0x80, 0x00];
        var bytes = File.ReadAllBytes(path);
        for (var at = bytes.AsSpan().IndexOf(free); at >= 0; at = bytes.AsSpan().IndexOf(free))
        {
            @fixed.CopyTo(bytes, at);
        }

        File.WriteAllBytes(path, bytes);
    }
}
