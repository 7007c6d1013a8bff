using DistillSharp.Config;
using DistillSharp.Data;
using DistillSharp.Speech.Activity;

namespace DistillSharp.Speech.Corpora;

/// <summary>Options of <c>speech_manifest</c>.</summary>
public sealed record SpeechManifestOptions : SpeechOptions
{
    // A test set's metric is wer_<name>, and searches have theirs.
    private static readonly string[] TakenNames = ["beam", "beam_lm"];

    /// <summary>Manifests to train on.</summary>
    [Option("manifests to train on (JSON lines or CSV): files, or name/file of what distill data brought", Required = true, DataPath = true)]
    public IReadOnlyList<string> Train { get; init; } = [];

    /// <summary>Manifests of test sets by name.</summary>
    [Option("manifests of test sets by name, measured apart as wer_<name>, the first being what verdicts are about; a share of train where none is given", DataPath = true)]
    public IReadOnlyDictionary<string, string> Test { get; init; } = new Dictionary<string, string>();

    /// <summary>Manifests of recordings whose transcripts, if any, are not read.</summary>
    [Option("manifests of recordings without transcripts, which only the teacher's output gives a text", DataPath = true)]
    public IReadOnlyList<string> Untranscribed { get; init; } = [];

    /// <summary>All of its manifests.</summary>
    internal IEnumerable<string> Manifests => [.. Train, .. Untranscribed, .. Test.Values];

    /// <inheritdoc/>
    public override void Check(ConfigNode node, ConfigErrors errors)
    {
        base.Check(node, errors);
        foreach (var name in Test.Keys)
        {
            if (name.Length == 0 || !name.All(character => char.IsAsciiLetterOrDigit(character) || character is '_' or '-'))
            {
                errors.Add(node.PathOf("test"), $"`{name}` is no name of a test set: files are called after it, so it must consist of A to Z, a to z, 0 to 9, `_` and `-`", node.Line);
            }
            else if (TakenNames.Contains(name))
            {
                errors.Add(node.PathOf("test"), $"`{name}` is no name of a test set: wer_{name} is a metric already; choose another", node.Line);
            }
        }
    }
}

/// <summary>The datasets of speech.</summary>
public static class SpeechDatasets
{
    /// <summary>Own recordings.</summary>
    public static DatasetEntry Manifest { get; } = new(
        "speech_manifest", "your own recordings and their transcripts, listed in JSON lines or CSV", "your files", typeof(SpeechManifestOptions), _ => null, NoTable("speech_manifest"))
    {
        Faults = (options, locator) => Verify(((SpeechManifestOptions)options).Manifests, locator),
        LoadDomain = (options, locator, split) => Load((SpeechManifestOptions)options, locator, split),
    };

    /// <summary>Asterisk's English prompts.</summary>
    public static DatasetEntry Asterisk { get; } = new(
        "asterisk_en", "Asterisk's English prompts: one speaker, 8 kHz, split by sentence", "Digium, voice of Allison Smith; CC-BY-SA-3.0; Debian packages asterisk-core-sounds-en and -wav", typeof(SpeechOptions), _ => null, NoTable("asterisk_en"))
    {
        Faults = (_, locator) => Verify([$"{AsteriskPrompts.FetchedName}/train.jsonl", $"{AsteriskPrompts.FetchedName}/test.jsonl"], locator),
        LoadDomain = (options, locator, split) => SpeechCorpus.CreateChecked(
            "asterisk_en", SpeechManifest.Read(Find(locator, $"{AsteriskPrompts.FetchedName}/train.jsonl")),
            [("real", SpeechManifest.Read(Find(locator, $"{AsteriskPrompts.FetchedName}/test.jsonl")))], split, (SpeechOptions)options),
    };

    /// <summary>Adds them to a catalog.</summary>
    public static DatasetCatalog AddTo(DatasetCatalog catalog) => catalog.Add(Manifest).Add(Asterisk).Add(ActivityCorpus.Entry);

    /// <summary>A manifest: the file itself, or <c>name/file</c> in the folders that are searched for datasets.</summary>
    /// <exception cref="FileNotFoundException">It is nowhere; says how to get what this library can bring.</exception>
    public static string Find(DataLocator locator, string path)
    {
        if (File.Exists(path))
        {
            return path;
        }

        var folders = path.Split('/', 2) is [var name, var file] ? locator.Folders(name).Select(folder => Path.Combine(folder, file)).ToList() : [];
        return folders.FirstOrDefault(File.Exists) ?? throw new FileNotFoundException(
            $"the manifest {path} was not found{(folders.Count > 0 ? $", nor {string.Join(", ", folders)}" : "")}"
            + (path.StartsWith(AsteriskPrompts.FetchedName + "/", StringComparison.Ordinal) ? $"; `distill data get {AsteriskPrompts.FetchedName}` fetches it"
                : path.StartsWith(SyntheticSpeech.MadeName + "/", StringComparison.Ordinal) ? $"; `distill data make {SyntheticSpeech.MadeName}` makes it" : ""), path);
    }

    /// <summary>The recordings of manifests whose files are missing or changed, each once.</summary>
    internal static IReadOnlyList<string> Verify(IEnumerable<string> manifests, DataLocator locator) =>
        [.. manifests.Select(path => Find(locator, path)).Distinct().SelectMany(path => SpeechManifest.Verify(path)).Distinct()];

    private static SpeechCorpus Load(SpeechManifestOptions options, DataLocator locator, SplitRequest split)
    {
        var train = options.Train.SelectMany(path => SpeechManifest.Read(Find(locator, path)))
            .Concat(options.Untranscribed.SelectMany(path => SpeechManifest.ReadSounds(Find(locator, path))));
        return SpeechCorpus.CreateChecked("speech_manifest", train, [.. options.Test.Select(test => (test.Key, SpeechManifest.Read(Find(locator, test.Value))))], split, options);
    }

    private static Func<object, DataLocator, DatasetPair> NoTable(string name) => (_, _) => throw new NotSupportedException($"{name} is speech and has no table of samples and classes");
}
