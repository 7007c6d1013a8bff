using System.Diagnostics;
using System.IO.Compression;
using System.Text;
using DistillSharp.Config;
using DistillSharp.Data;

namespace DistillSharp.Text.Corpora;

/// <summary>Options of <c>debian_descriptions</c>.</summary>
public sealed record DebianDescriptionsOptions : PairFilterOptions
{
    /// <summary>Bounds of the paragraphs that are kept.</summary>
    public DebianDescriptionsOptions() => (MinWords, MaxWords) = (3, 30);

    /// <summary>Source and target language.</summary>
    [Option("source and target language as Debian calls them, such as [en, it]; the source is en")]
    public IReadOnlyList<string> Languages { get; init; } = ["en", "it"];

    /// <inheritdoc/>
    public override void Check(ConfigNode node, ConfigErrors errors)
    {
        base.Check(node, errors);
        try
        {
            DebianDescriptions.CheckLanguages(Languages);
        }
        catch (ArgumentException error)
        {
            errors.Add(node.PathOf("languages"), error.Message, node.Line);
        }
    }
}

/// <summary>
/// Debian's package descriptions and their translations by people, paragraph by paragraph, fetched through apt into a folder of its
/// own: nothing of the system's is touched. The texts have the licences of their packages; they are fetched and never passed on.
/// </summary>
public static class DebianDescriptions
{
    /// <summary>Name by which it is fetched.</summary>
    public const string FetchedName = "debian-descriptions";

    private const int LinesOfAnError = 5;

    /// <summary>Catalog entry.</summary>
    public static DatasetEntry Entry { get; } = new(
        "debian_descriptions", "Debian's package descriptions and their human translations by paragraph, split by source package",
        "the Debian Description Translation Project, through apt; licences of the packages", typeof(DebianDescriptionsOptions),
        _ => null, (_, _) => throw new NotSupportedException("debian_descriptions is parallel text and has no labelled samples"))
    {
        LoadDomain = (options, locator, split) => Load((DebianDescriptionsOptions)options, locator, split),
    };

    /// <summary>Reads what was fetched, filters and splits it.</summary>
    /// <exception cref="FileNotFoundException">It was not fetched; the message says how to.</exception>
    public static ParallelCorpus Load(DebianDescriptionsOptions options, DataLocator locator, SplitRequest split)
    {
        var file = FileName(options.Languages);
        var path = locator.Folders(FetchedName).Select(folder => Path.Combine(folder, file)).FirstOrDefault(File.Exists)
            ?? throw new FileNotFoundException(
                $"{file} was not found in {string.Join(", ", locator.Folders(FetchedName))}. `distill data get {FetchedName} --languages {string.Join(',', options.Languages)}` fetches it where there is apt; "
                + "elsewhere bring your own text: `data: {dataset: parallel_text, train: pairs.tsv}` (source, tab, target) or `{dataset: parallel_text, train_source: a.en, train_target: a.it}`");
        return ParallelCorpus.Create($"debian_descriptions {string.Join('-', options.Languages)}", ParallelFiles.ReadTable(path), null, split, options);
    }

    /// <summary>Fetches the descriptions of two languages and writes their pairs; returns the file.</summary>
    /// <param name="languages">Source (<c>en</c>) and target.</param>
    /// <param name="cache">The folder of all datasets.</param>
    /// <param name="report">Told what is being done.</param>
    /// <param name="cancellation">Stops apt.</param>
    /// <exception cref="ArgumentException">The languages are not <c>en</c> and one other.</exception>
    /// <exception cref="InvalidDataException">There is no apt here, it failed, or has no such language; says how to bring own files.</exception>
    public static string Get(IReadOnlyList<string> languages, string cache, Action<string> report, CancellationToken cancellation = default)
    {
        CheckLanguages(languages);
        var folder = Path.Combine(cache, FetchedName);
        var lists = Path.Combine(folder, "apt", "lists");
        Directory.CreateDirectory(Path.Combine(lists, "partial"));
        Directory.CreateDirectory(Path.Combine(folder, "apt", "cache", "archives", "partial"));
        report($"{FetchedName}: apt-get update into {Path.Combine(folder, "apt")}");
        Update(languages, Path.Combine(folder, "apt"), cancellation);
        var (count, path) = Write(languages, lists, folder);
        report($"{FetchedName}: {count} pairs of paragraphs in {path}");
        Directory.Delete(Path.Combine(folder, "apt"), recursive: true);
        return path;
    }

    internal static void CheckLanguages(IReadOnlyList<string> languages)
    {
        if (languages is not ["en", var target] || target == "en" || !target.All(letter => char.IsAsciiLetter(letter) || letter is '_' or '@'))
        {
            throw new ArgumentException("must be en and a language that Debian is translated into, such as en, it: descriptions are written in English");
        }
    }

    private static string FileName(IReadOnlyList<string> languages) => string.Join('-', languages) + ".tsv.gz";

    /// <summary>Writes the pairs of what apt fetched. A file of before is replaced by a whole one alone.</summary>
    /// <exception cref="InvalidDataException">Something is missing; says what.</exception>
    internal static (int Count, string Path) Write(IReadOnlyList<string> languages, string lists, string folder)
    {
        var (target, sources) = (Path.Combine(folder, FileName(languages)), new Dictionary<string, string>());
        var translations = Indices(lists, $"*_main_i18n_Translation-{languages[1]}.lz4");
        if (translations.Count == 0)
        {
            throw new InvalidDataException($"apt's source has no translations into `{languages[1]}`; see https://ddtp.debian.org for languages. {OwnFiles}");
        }

        Indices(lists, "*_Packages.lz4").ForEach(path => DebianParagraphs.AddSources(Lz4Frame.Read(path), sources));
        if (sources.Count == 0)
        {
            throw Incomplete("no index of packages, by which the pairs are split");
        }

        var originals = new Dictionary<string, (string Package, string Text)>();
        foreach (var path in Indices(lists, "*_main_i18n_Translation-en.lz4"))
        {
            DebianParagraphs.Descriptions(Lz4Frame.Read(path), "en").ToList().ForEach(entry => originals.TryAdd(entry.Key, entry.Value));
        }

        if (originals.Count == 0)
        {
            throw Incomplete("no descriptions in English");
        }

        var count = 0;
        using (var writer = new StreamWriter(new GZipStream(File.Create(target + ".part"), CompressionLevel.Optimal), new UTF8Encoding(false)))
        {
            var translated = translations.SelectMany(path => DebianParagraphs.Descriptions(Lz4Frame.Read(path), languages[1])).DistinctBy(entry => entry.Key).OrderBy(entry => entry.Key, StringComparer.Ordinal);
            foreach (var (hash, (package, text)) in translated.Where(entry => originals.ContainsKey(entry.Key)))
            {
                foreach (var (source, other) in DebianParagraphs.Align(originals[hash].Text, text).Where(pair => !pair.Source.Contains('\t') && !pair.Target.Contains('\t')))
                {
                    writer.Write($"{source}\t{other}\t{sources.GetValueOrDefault(package, package)}\n");
                    count++;
                }
            }
        }

        if (count == 0)
        {
            File.Delete(target + ".part");
            throw Incomplete($"no description in `{languages[1]}` of an English one");
        }

        File.Move(target + ".part", target, overwrite: true);
        return (count, target);
    }

    private static InvalidDataException Incomplete(string what) =>
        new($"what apt fetched is incomplete: it has {what}. Nothing was written, and what was fetched before is as it was; try again, perhaps with another mirror in /etc/apt. {OwnFiles}");

    private const string OwnFiles = "Own text works as well: `data: {dataset: parallel_text, train: pairs.tsv}`.";

    private static List<string> Indices(string lists, string pattern) => [.. Directory.EnumerateFiles(lists, pattern).Order(StringComparer.Ordinal)];

    private static void Update(IReadOnlyList<string> languages, string folder, CancellationToken cancellation)
    {
        string[] arguments =
        [
            "-o", $"Dir::State::lists={folder}/lists", "-o", $"Dir::Cache={folder}/cache", "-o", "Acquire::Languages=",
            "-o", "Acquire::GzipIndexes=true", "-o", "Acquire::CompressionTypes::Order::=lz4",
            // Else an index that could not be fetched is a warning, and apt ends as if all was well.
            "-o", "APT::Update::Error-Mode=any",
            .. languages.SelectMany(language => new[] { "-o", $"Acquire::Languages::={language}" }), "update",
        ];
        try
        {
            using var process = Process.Start(new ProcessStartInfo("apt-get", arguments) { RedirectStandardError = true, RedirectStandardOutput = true })!;
            using var registration = cancellation.Register(() => process.Kill(entireProcessTree: true));
            var output = process.StandardOutput.ReadToEndAsync(CancellationToken.None);
            var errors = process.StandardError.ReadToEnd();
            process.WaitForExit();
            cancellation.ThrowIfCancellationRequested();
            _ = output.Result;
            if (process.ExitCode != 0)
            {
                var last = errors.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).TakeLast(LinesOfAnError);
                throw new InvalidDataException($"apt-get update ended with {process.ExitCode}: {string.Join("; ", last)}. Try again where the network was at fault. {OwnFiles}");
            }
        }
        catch (System.ComponentModel.Win32Exception error)
        {
            throw new InvalidDataException($"there is no apt-get on this machine, through which {FetchedName} comes. {OwnFiles}", error);
        }
    }
}
