using DistillSharp.Export.Onnx;

namespace DistillSharp.Export;

/// <summary>What checking a field of a model file found.</summary>
public enum FieldStatus
{
    /// <summary>Computed again (or known from elsewhere), and equal.</summary>
    Verified,

    /// <summary>Stands in the file, and nothing at hand can check it; sealed with the other texts.</summary>
    Recorded,

    /// <summary>Computed again, and different.</summary>
    Mismatch,

    /// <summary>Should stand in the file and does not.</summary>
    Missing,
}

/// <summary>One field of a model file.</summary>
/// <param name="Key">Metadata key.</param>
/// <param name="Value">What the file says; null where it says nothing.</param>
/// <param name="Status">What checking it found.</param>
/// <param name="Actual">What was computed, where that was done.</param>
public sealed record VerifiedField(string Key, string? Value, FieldStatus Status, string? Actual = null);

/// <summary>The outcome of checking a model file.</summary>
/// <param name="Path">The file.</param>
/// <param name="Format"><c>safetensors</c> or <c>onnx</c>.</param>
/// <param name="Fields">Every field, hashes of the content first.</param>
public sealed record ModelVerification(string Path, string Format, IReadOnlyList<VerifiedField> Fields)
{
    /// <summary>True where nothing is missing or different.</summary>
    public bool Passed => Fields.All(entry => entry.Status is FieldStatus.Verified or FieldStatus.Recorded);
}

/// <summary>
/// Computes the hashes of a model file again and compares them with what it says of itself: of the weights in safetensors, of
/// the graph in ONNX, of the metadata in both. Finds damage and careless edits; it is no signature. Needs no libtorch.
/// </summary>
public static class ModelVerifier
{
    /// <summary>Checks a <c>.safetensors</c> or <c>.onnx</c> file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="known">What fields must be, where that is known from elsewhere (the hash of the run's recipe).</param>
    /// <exception cref="InvalidDataException">The file is unsound; says where.</exception>
    public static ModelVerification Verify(string path, IReadOnlyDictionary<string, string>? known = null)
    {
        if (System.IO.Path.GetExtension(path).Equals(".onnx", StringComparison.OrdinalIgnoreCase))
        {
            var model = OnnxFile.Read(path);
            return Check(path, "onnx", Provenance.ContentSha256, model.ContentSha256, model.Metadata, known);
        }

        using var file = new SafetensorsFile(path);
        return Check(path, "safetensors", Provenance.WeightsSha256, WeightsHash.Of(file), file.Metadata, known);
    }

    private static ModelVerification Check(
        string path, string format, string contentKey, string contentHash, IReadOnlyDictionary<string, string> metadata, IReadOnlyDictionary<string, string>? known)
    {
        var actual = new Dictionary<string, string>(known ?? new Dictionary<string, string>())
        {
            [contentKey] = contentHash,
            [Provenance.MetadataSha256] = Provenance.SealOf(metadata),
        };
        var keys = new[] { contentKey, Provenance.MetadataSha256 }.Concat(actual.Keys.Order(StringComparer.Ordinal)).Concat(metadata.Keys.Order(StringComparer.Ordinal)).Distinct();
        return new ModelVerification(path, format, [.. keys.Select(key => Field(key, metadata.GetValueOrDefault(key), actual.GetValueOrDefault(key)))]);
    }

    private static VerifiedField Field(string key, string? value, string? actual) => new(
        key,
        value,
        value is null ? FieldStatus.Missing : actual is null ? FieldStatus.Recorded : value == actual ? FieldStatus.Verified : FieldStatus.Mismatch,
        actual);
}
