using System.Reflection;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using DistillSharp.Config;
using DistillSharp.Models;

namespace DistillSharp.Export;

/// <summary>
/// Metadata keys of model files: how inputs are made, where the model comes from, and hashes that
/// <see cref="ModelVerifier"/> computes again.
/// </summary>
public static class Provenance
{
    /// <summary>Name of the network.</summary>
    public const string Model = "distill.model";

    /// <summary>Catalog name and options that build the network again (JSON).</summary>
    public const string ModelOptions = "distill.model_options";

    /// <summary>Shape of one sample (JSON).</summary>
    public const string InputShape = "distill.input_shape";

    /// <summary>Key: shorter side that a picture is scaled to before its middle is cut out; not there where that is the input's own.</summary>
    public const string Resize = "distill.resize";

    /// <summary>Class names in the order of the outputs (JSON).</summary>
    public const string Classes = "distill.classes";

    /// <summary>Factor from stored bytes to numbers, before normalisation.</summary>
    public const string PixelScale = "distill.pixel_scale";

    /// <summary>Smallest and largest number of the training images before normalisation (JSON; empty for other inputs).</summary>
    public const string ValueRange = "distill.value_range";

    /// <summary>Mean a channel that is subtracted (JSON; empty for none).</summary>
    public const string Mean = "distill.mean";

    /// <summary>Deviation a channel that is divided by (JSON; empty for none).</summary>
    public const string Deviation = "distill.deviation";

    /// <summary>Arm of the run.</summary>
    public const string Arm = "distill.arm";

    /// <summary>Seed of the run.</summary>
    public const string Seed = "distill.seed";

    /// <summary>Name of the recipe.</summary>
    public const string Recipe = "distill.recipe";

    /// <summary>SHA-256 of the run's <c>recipe.yaml</c>.</summary>
    public const string RecipeSha256 = "distill.recipe_sha256";

    /// <summary>SHA-256 of the training data.</summary>
    public const string DataSha256 = "distill.data_sha256";

    /// <summary>SHA-256 of the teacher's weights.</summary>
    public const string TeacherSha256 = "distill.teacher_sha256";

    /// <summary><see cref="WeightsHash"/> of the network.</summary>
    public const string WeightsSha256 = "distill.weights_sha256";

    /// <summary>SHA-256 of everything in an ONNX file but its metadata: versions, operations, weights.</summary>
    public const string ContentSha256 = "distill.content_sha256";

    /// <summary>How the network was made one of integers (JSON); absent in float files.</summary>
    public const string Quantisation = "distill.quantisation";

    /// <summary><see cref="ContentSha256"/> of the float file that was quantised.</summary>
    public const string FloatSha256 = "distill.float_sha256";

    /// <summary>The exit that the file computes, where it is a part of a network with several.</summary>
    public const string Exit = "distill.exit";

    /// <summary>SHA-256 of all other texts.</summary>
    public const string MetadataSha256 = "distill.metadata_sha256";

    /// <summary>Version of the library that wrote the file.</summary>
    public const string CodeVersion = "distill.version";

    /// <summary>The version of the running library, with its commit where the build knew it.</summary>
    public static string ThisVersion { get; } =
        typeof(Provenance).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "unknown";

    /// <summary>A model's catalog name and options as JSON, for <see cref="ModelOptions"/>.</summary>
    public static string Describe(ModelSpec model) => JsonSerializer.Serialize(new
    {
        model = model.Entry.Name,
        options = ConfigBinder.OptionsOf(model.Options.GetType()).ToDictionary(option => option.Key, option => option.Value.GetValue(model.Options)),
    });

    /// <summary>Writes a network as safetensors with the hash of its weights and a sealed metadata map.</summary>
    public static void WriteWeights(string path, Network network, IReadOnlyDictionary<string, string> metadata)
    {
        var complete = new Dictionary<string, string>(metadata) { [WeightsSha256] = WeightsHash.Of(network) };
        complete.TryAdd(Model, network.GetName());
        complete.TryAdd(CodeVersion, ThisVersion);
        Safetensors.Write(path, network, Seal(complete));
    }

    /// <summary>The same texts, sorted, with their hash under <see cref="MetadataSha256"/>.</summary>
    public static SortedDictionary<string, string> Seal(IReadOnlyDictionary<string, string> metadata) =>
        new(metadata.ToDictionary(), StringComparer.Ordinal) { [MetadataSha256] = SealOf(metadata) };

    /// <summary>The list that stands as JSON under a key; null where the key is not there.</summary>
    /// <exception cref="InvalidDataException">It is no such list; names the key.</exception>
    internal static T[]? List<T>(IReadOnlyDictionary<string, string> metadata, string key)
    {
        if (!metadata.TryGetValue(key, out var text))
        {
            return null;
        }

        try
        {
            return JsonSerializer.Deserialize<T[]>(text) ?? throw new JsonException("it is null");
        }
        catch (JsonException error)
        {
            throw new InvalidDataException($"`{key}` in the metadata of the file is not the list that it should be: {error.Message}", error);
        }
    }

    internal static string SealOf(IReadOnlyDictionary<string, string> metadata)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var (key, value) in metadata.Where(entry => entry.Key != MetadataSha256).OrderBy(entry => entry.Key, StringComparer.Ordinal))
        {
            // JSON quotes both, so that no two maps give the same bytes.
            hash.AppendData(Encoding.UTF8.GetBytes(JsonSerializer.Serialize(new[] { key, value })));
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    internal static string Sha256(ReadOnlySpan<byte> bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes));
}
