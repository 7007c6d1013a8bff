using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using DistillSharp.Config;
using DistillSharp.Export;
using DistillSharp.RunLog;

namespace DistillSharp.Teachers.Store;

/// <summary>
/// What a store holds, as named fields: everything that the teacher saw, and how its outputs are kept. Its hash stands in every
/// shard, so that rows of different origin are never mixed.
/// </summary>
public sealed record StoreManifest
{
    /// <summary>The file's name in the store's folder.</summary>
    public const string FileName = "manifest.json";

    /// <summary>Field with the teacher's fingerprint; fields that begin with it describe the teacher.</summary>
    public const string TeacherField = "teacher";

    private const int CurrentFormat = 1;

    /// <summary>Version of the files' format.</summary>
    public int Format { get; init; } = CurrentFormat;

    /// <summary>What the teacher's outputs depend on, by field.</summary>
    public required IReadOnlyDictionary<string, string> Key { get; init; }

    /// <summary>How exactly numbers are kept: float32, float16, int8.</summary>
    public required string Precision { get; init; }

    /// <summary>Largest logits that are kept; null for all.</summary>
    public int? TopK { get; init; }

    /// <summary>Classes that are drawn; null for none.</summary>
    public int? Samples { get; init; }

    /// <summary>Temperature of what <see cref="TopK"/> and <see cref="Samples"/> keep.</summary>
    public double Temperature { get; init; } = 1;

    /// <summary>Views of each sample.</summary>
    public int Views { get; init; } = 1;

    /// <summary>Shape of one sample's logits.</summary>
    public required int[] Logits { get; init; }

    /// <summary>The data's classes that the logits are of; null where they are of all of them.</summary>
    public int[]? CoveredClasses { get; init; }

    /// <summary>Shape of one sample's features, by feature point.</summary>
    public IReadOnlyDictionary<string, int[]> Features { get; init; } = new Dictionary<string, int[]>();

    /// <summary>Hash of all the above.</summary>
    public string Sha256 { get; init; } = "";

    /// <summary>The key of a teacher over <paramref name="data"/>'s fields: its fingerprint, what it says of itself, then those.</summary>
    public static IReadOnlyDictionary<string, string> KeyOf(Teacher teacher, IReadOnlyDictionary<string, string> data)
    {
        var key = new OrderedDictionary<string, string> { [TeacherField] = teacher.Fingerprint() };
        foreach (var (name, value) in teacher.Describe())
        {
            key[$"{TeacherField}.{name}"] = value;
        }

        foreach (var (name, value) in data)
        {
            key[name] = value;
        }

        return key;
    }

    /// <summary>Every field that must fit, key and layout.</summary>
    public IReadOnlyDictionary<string, string> Fields => new OrderedDictionary<string, string>(Key)
    {
        ["views"] = Views.ToString(CultureInfo.InvariantCulture),
        ["precision"] = Precision,
        ["top_k"] = TopK?.ToString(CultureInfo.InvariantCulture) ?? "none",
        ["samples"] = Samples?.ToString(CultureInfo.InvariantCulture) ?? "none",
        ["temperature"] = Temperature.ToString("R", CultureInfo.InvariantCulture),
        ["logits"] = string.Join('×', Logits),
    };

    /// <summary>Writes the manifest, atomically.</summary>
    public void Save(string folder) =>
        AtomicFile.Write(Path.Combine(folder, FileName), stream => JsonSerializer.Serialize(stream, this with { Sha256 = Hash() }, RunJson.File));

    /// <summary>Reads a store's manifest.</summary>
    /// <exception cref="FileNotFoundException">The folder is no store.</exception>
    /// <exception cref="InvalidDataException">The manifest is damaged, or of another version.</exception>
    public static StoreManifest Load(string folder)
    {
        var path = Path.Combine(folder, FileName);
        if (!File.Exists(path))
        {
            throw new FileNotFoundException($"{folder} is not a store of teacher outputs: it has no {FileName}");
        }

        var manifest = RunJson.Load<StoreManifest>(path);
        if (manifest.Format != CurrentFormat)
        {
            throw new InvalidDataException($"{path}: format {manifest.Format}; this version reads format {CurrentFormat}");
        }

        if (manifest.Hash() != manifest.Sha256)
        {
            throw new InvalidDataException($"{path}: its fields do not have the hash that stands in it; it was changed or damaged. Fill the store again in another folder");
        }

        return manifest;
    }

    /// <summary>Reports where what is stored is not what is wanted: every differing field with both values; null where all fit.</summary>
    /// <param name="wanted">What this run's teacher would see.</param>
    /// <param name="withTeacher">False where no teacher is there to compare with, nor options of the store.</param>
    public string? Difference(StoreManifest wanted, bool withTeacher)
    {
        var (mine, theirs) = (Fields, wanted.Fields);
        var names = withTeacher ? mine.Keys.Union(theirs.Keys) : wanted.Key.Keys.Where(name => !name.StartsWith(TeacherField, StringComparison.Ordinal));
        var different = names.Where(name => mine.GetValueOrDefault(name) != theirs.GetValueOrDefault(name)).ToList();
        var missing = wanted.Features.Keys.Except(Features.Keys).ToList();
        var texts = different.Select(name => $"{name} is {Short(mine.GetValueOrDefault(name))} in the store and {Short(theirs.GetValueOrDefault(name))} here")
            .Concat(missing.Count > 0 ? [$"outputs lack the feature {string.Join(", ", missing)}, there are logits{string.Concat(Features.Keys.Select(name => ", " + name))}"] : []);
        return different.Count + missing.Count == 0 ? null : string.Join("; ", texts);
    }

    /// <summary>Refuses a store that does not hold what is wanted (<see cref="Difference"/>).</summary>
    /// <exception cref="InvalidDataException">It does not; the message names every differing field with both values.</exception>
    internal void ThrowIfDifferent(string path, StoreManifest wanted, bool withTeacher)
    {
        if (Difference(wanted, withTeacher) is { } difference)
        {
            throw new InvalidDataException($"the store {path} does not fit: {difference}. Give another path, or bring back what the store was made with");
        }
    }

    /// <summary>The hash over everything but itself.</summary>
    internal string Hash() => Convert.ToHexStringLower(SHA256.HashData(JsonSerializer.SerializeToUtf8Bytes(this with { Sha256 = "" }, RunJson.Line)));

    /// <summary>The precision as read.</summary>
    internal StorePrecision Kind => Enum.GetValues<StorePrecision>().Cast<StorePrecision?>().FirstOrDefault(kind => ConfigBinder.SnakeCase(kind.ToString()!) == Precision)
        ?? throw new InvalidDataException($"precision `{Precision}` is none of float32, float16, int8");

    private static string Short(string? value) => value is null ? "not there" : value.Length > 60 ? value[..12] + "…" : value;
}
