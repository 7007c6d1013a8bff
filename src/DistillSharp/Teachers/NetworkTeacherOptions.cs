using DistillSharp.Config;
using DistillSharp.Data;
using DistillSharp.Export;
using DistillSharp.Models;
using TorchSharp;

namespace DistillSharp.Teachers;

/// <summary>Keys of a network of the catalog that was trained on other classes, or on samples of another size, colour or scale.</summary>
public sealed record NetworkTeacherOptions : TeacherSourceOptions
{
    /// <summary>The weights.</summary>
    [Option("safetensors file with the network's weights", Required = true)]
    public string Weights { get; init; } = "";

    /// <summary>What runs its forward passes.</summary>
    [Option("what runs it: torch, or onnxruntime (an export of it in ONNX Runtime); auto is torch here")]
    public TeacherEngine Engine { get; init; } = TeacherEngine.Auto;

    /// <summary>The network.</summary>
    public ModelSpec? Model { get; init; }

    /// <inheritdoc/>
    public override string Noun => "a network";

    /// <inheritdoc/>
    public override string Location => Weights;

    /// <inheritdoc/>
    public override IReadOnlyDictionary<string, string> Metadata
    {
        get
        {
            using var file = new SafetensorsFile(Weights);
            return file.Metadata;
        }
    }

    /// <inheritdoc/>
    public override TeacherSourceOptions In(string folder) => this with { Weights = Path.GetFullPath(Path.Combine(folder, Weights)) };

    /// <inheritdoc/>
    public override void CheckSource()
    {
        using var file = new SafetensorsFile(Weights);
    }

    /// <inheritdoc/>
    // A feature may also be the path of a module, which only the network itself knows.
    public override string? FeatureFault(string name) => null;

    /// <inheritdoc/>
    protected override Teacher OpenBare(DatasetInfo own, int threads, torch.Device device)
    {
        var network = Model!.Create(own);
        try
        {
            Safetensors.LoadInto(network, Weights);
        }
        catch
        {
            network.Dispose();
            throw;
        }

        // ONNX Runtime runs its export on the CPU, wherever batches are.
        if (Engine != TeacherEngine.Onnxruntime)
        {
            network.to(device);
        }

        MemoryFormats.Apply(network, MemoryFormat.ChannelsLast);
        network.eval();
        foreach (var parameter in network.parameters())
        {
            parameter.requires_grad = false;
        }

        return Engine == TeacherEngine.Onnxruntime ? new ExportedTeacher(network, own, threads, owned: true) : new LiveTeacher(network, owned: true);
    }
}
