using System.Globalization;
using System.Text.Json;
using DistillSharp.Config;
using DistillSharp.Export;
using DistillSharp.Export.Int8;
using DistillSharp.Export.Onnx;
using DistillSharp.Models;
using DistillSharp.Recipes;
using DistillSharp.Runs;
using static TorchSharp.torch;

namespace DistillSharp;

/// <summary>What a finished network left on disk.</summary>
/// <param name="WeightsSha256">SHA-256 of the weights file.</param>
/// <param name="Metrics">Its size: <c>parameters</c>, <c>macs</c>, <c>bytes</c>.</param>
internal sealed record StudentArtefacts(string WeightsSha256, Dictionary<string, double> Metrics)
{
    /// <summary>The network of eight-bit integers; null where the recipe asks for none.</summary>
    public string? Int8File { get; init; }
}

/// <summary>Writes a finished network as safetensors and ONNX with its provenance, and measures its size.</summary>
/// <param name="recipe">What is exported.</param>
/// <param name="directory">Where it goes.</param>
/// <param name="data">Shape, classes and samples.</param>
/// <param name="networks">Teachers, for the provenance.</param>
/// <param name="note">Told of a teacher that has no ONNX file; null to leave that unsaid.</param>
internal sealed class StudentWriter(Recipe recipe, RunDirectory directory, RunData data, ArmNetworks networks, Action<string>? note = null)
{
    /// <summary>Writes one arm's network.</summary>
    public StudentArtefacts Write(ArmPlan arm, int seed, Network network, IReadOnlyList<EarlyExit> exits)
    {
        var weights = directory.WeightsFile(arm.Name, seed);
        var metadata = Metadata(arm, seed, network);
        data.Accompany(weights, arm.Model!, metadata);
        Provenance.WriteWeights(weights, network, metadata);
        var metrics = new Dictionary<string, double>
        {
            ["parameters"] = network.parameters().Sum(parameter => parameter.numel()),
            ["bytes"] = new FileInfo(weights).Length,
        };
        if (MultiplyAdds(network) is { } macs)
        {
            metrics["macs"] = macs;
        }

        if (recipe.Export.Onnx)
        {
            var onnx = Path.ChangeExtension(weights, ".onnx");
            try
            {
                if (network is INetworkGraph)
                {
                    WriteOnnx(arm, seed, network, onnx, exits);
                    metrics["bytes"] = new FileInfo(onnx).Length;
                }
                else
                {
                    data.WriteOnnx(network, onnx, metadata);
                }
            }
            catch (Exception error) when (error is NotSupportedException or ParityException)
            {
                DeleteOnnx(weights);
                if (!arm.IsTeacher || arm.Name == Arms.Exported(recipe))
                {
                    throw;
                }

                // It teaches from its weights, and hours of students are not lost for a file that none of them reads.
                note?.Invoke($"{JobResult.JobName(arm.Name, seed)} was not written as ONNX: {error.Message}");
            }
        }

        if (!arm.IsOfIntegers)
        {
            return new StudentArtefacts(FileHash.Sha256(weights), metrics);
        }

        if (network is not INetworkGraph)
        {
            throw new NotSupportedException($"student.quantise: {network.GetName()} does not describe itself, so that it cannot be exported as ONNX");
        }

        var file = Path.ChangeExtension(weights, ".int8.onnx");
        metrics["bytes"] = StudentQuantiser.Write(data, Path.ChangeExtension(weights, ".onnx"), file, StudentQuantiser.DefaultSamples, new QuantisationOptions()).Bytes;
        return new StudentArtefacts(FileHash.Sha256(weights), metrics) { Int8File = file };
    }

    /// <summary>Writes a network as ONNX and checks it on real samples; what it is of no use without goes beside the file.</summary>
    public ParityResult WriteOnnx(ArmPlan arm, int seed, Network network, string path, IReadOnlyList<EarlyExit> exits)
    {
        var metadata = Metadata(arm, seed, network);
        if (network is not INetworkGraph)
        {
            var full = Path.GetFullPath(path);
            data.Accompany(full, arm.Model!, metadata);
            if (data.WriteOnnx(network, full, metadata) is { } written)
            {
                return written;
            }
        }

        using var scope = NewDisposeScope();
        metadata[Provenance.WeightsSha256] = WeightsHash.Of(network);
        return OnnxExporter.Export(network, data.Info, path, Samples(), metadata, exits);
    }

    // A network that is not one graph of layers is compared once its files are there.
    private static void DeleteOnnx(string weights)
    {
        foreach (var file in Directory.EnumerateFiles(Path.GetDirectoryName(weights)!, Path.GetFileNameWithoutExtension(weights) + "*.onnx"))
        {
            File.Delete(file);
        }
    }

    // Own networks may hold modules that no description knows: they can be trained, not counted.
    private double? MultiplyAdds(Network network)
    {
        try
        {
            return network is INetworkGraph graph ? MacCounter.Count(graph, data.Info) : null;
        }
        catch (NotSupportedException)
        {
            return null;
        }
    }

    private Tensor Samples()
    {
        var taken = new List<Tensor>();
        foreach (var batch in data.Test.Epoch(0))
        {
            using (batch)
            {
                taken.Add(batch.Input.clone());
            }

            if (taken.Sum(tensor => tensor.shape[0]) >= recipe.Export.ParitySamples)
            {
                break;
            }
        }

        var all = cat([.. taken], 0);
        return all.narrow(0, 0, Math.Min(all.shape[0], recipe.Export.ParitySamples));
    }

    private Dictionary<string, string> Metadata(ArmPlan arm, int seed, Network network)
    {
        var metadata = new Dictionary<string, string>
        {
            [Provenance.Model] = network.GetName(),
            [Provenance.ModelOptions] = Provenance.Describe(arm.Model!),
            [Provenance.InputShape] = JsonSerializer.Serialize(data.Info.InputShape),
            [Provenance.Classes] = JsonSerializer.Serialize(data.Info.Classes),
            [Provenance.PixelScale] = data.Scale.ToString("R", CultureInfo.InvariantCulture),
            [Provenance.ValueRange] = JsonSerializer.Serialize(data.ValueRange is (var low, var high) ? new[] { low, high } : []),
            [Provenance.Mean] = JsonSerializer.Serialize(data.Normalisation?.Mean ?? []),
            [Provenance.Deviation] = JsonSerializer.Serialize(data.Normalisation?.Deviation ?? []),
            [Provenance.Arm] = arm.Name,
            [Provenance.Seed] = seed.ToString(CultureInfo.InvariantCulture),
            [Provenance.Recipe] = recipe.Name,
            [Provenance.RecipeSha256] = FileHash.Sha256(directory.RecipeFile),
            [Provenance.DataSha256] = data.Fingerprint()["train_sha256"],
        };
        if (data.Info.Resize is { } resize)
        {
            metadata[Provenance.Resize] = resize.ToString(CultureInfo.InvariantCulture);
        }

        if (networks.TeacherSha256(arm, seed) is { } teacher)
        {
            metadata[Provenance.TeacherSha256] = teacher;
        }

        return metadata;
    }
}
