using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using DistillSharp.Export;

namespace DistillSharp.Text.Tokenization;

/// <summary>
/// The files of a vocabulary: <c>vocab.json</c> and <c>merges.txt</c> as GPT-2 has them, which Microsoft.ML.Tokenizers reads, and
/// <c>tokenizer.json</c>, which Hugging Face's tokenizers read.
/// </summary>
public static class VocabularyFiles
{
    /// <summary>Subwords and their numbers.</summary>
    public const string Vocabulary = "vocab.json";

    /// <summary>Pairs in order.</summary>
    public const string Merges = "merges.txt";

    /// <summary>Both, with the cutting into pieces.</summary>
    public const string Tokenizer = "tokenizer.json";

    /// <summary>The names of all of them.</summary>
    public static IReadOnlyList<string> All { get; } = [Vocabulary, Merges, Tokenizer];

    private static readonly JsonSerializerOptions Plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, WriteIndented = false };

    /// <summary>Writes the three files into a folder, which is made where it is not there.</summary>
    public static void Save(BytePairEncoding encoding, string folder)
    {
        Directory.CreateDirectory(folder);
        foreach (var (name, text) in Texts(encoding))
        {
            AtomicFile.WriteText(Path.Combine(folder, name), text);
        }
    }

    /// <summary>True where a folder holds any of the files with other content than <see cref="Save"/> would give it. Files that are not there are no matter.</summary>
    public static bool AreOthers(BytePairEncoding encoding, string folder) =>
        Texts(encoding).Any(file => Path.Combine(folder, file.Name) is var path && File.Exists(path) && File.ReadAllText(path) != file.Text);

    private static IEnumerable<(string Name, string Text)> Texts(BytePairEncoding encoding) =>
    [
        (Vocabulary, JsonSerializer.Serialize(Numbers(encoding), Plain)),
        (Merges, "#version: 0.2\n" + string.Concat(encoding.Merges.Select(merge => $"{merge.Left} {merge.Right}\n"))),
        (Tokenizer, JsonSerializer.Serialize(Description(encoding), Plain)),
    ];

    /// <summary>Reads <c>vocab.json</c> and <c>merges.txt</c> from a folder.</summary>
    /// <exception cref="FileNotFoundException">One is not there.</exception>
    /// <exception cref="InvalidDataException">They are damaged, or are not byte-level subwords that begin as this library's do.</exception>
    public static BytePairEncoding Load(string folder)
    {
        var (vocabulary, merges) = (Path.Combine(folder, Vocabulary), Path.Combine(folder, Merges));
        foreach (var path in new[] { vocabulary, merges })
        {
            if (!File.Exists(path))
            {
                throw new FileNotFoundException($"there is no file {path}; a vocabulary is {Vocabulary} and {Merges}");
            }
        }

        Dictionary<string, int> numbers;
        try
        {
            numbers = JsonSerializer.Deserialize<Dictionary<string, int>>(File.ReadAllText(vocabulary)) ?? [];
        }
        catch (JsonException error)
        {
            throw new InvalidDataException($"{vocabulary} is not a map of subwords and numbers: {error.Message}", error);
        }

        var tokens = numbers.OrderBy(entry => entry.Value).Select(entry => entry.Key).ToList();
        if (!numbers.Values.Order().SequenceEqual(Enumerable.Range(0, numbers.Count)) || !tokens.Take(BytePairEncoding.FirstByte + 256).SequenceEqual(BytePairEncoding.BaseTokens()))
        {
            throw new InvalidDataException($"{vocabulary} must number its subwords from 0 without gaps: <|pad|>, <|begin|>, <|end|>, {BytePairEncoding.Placeholders} placeholders, 256 bytes, then what was learned");
        }

        return new BytePairEncoding(tokens, ReadMerges(merges, numbers));
    }

    private static List<(string, string)> ReadMerges(string path, Dictionary<string, int> numbers)
    {
        var pairs = new List<(string, string)>();
        foreach (var (index, line) in File.ReadLines(path, new UTF8Encoding(false, throwOnInvalidBytes: true)).Index())
        {
            if (line.Length == 0 || (index == 0 && line.StartsWith("#version", StringComparison.Ordinal)))
            {
                continue;
            }

            pairs.Add(line.Split(' ') is [var left, var right] && numbers.ContainsKey(left) && numbers.ContainsKey(right) && numbers.ContainsKey(left + right)
                ? (left, right)
                : throw new InvalidDataException($"{path}, line {index + 1}: must be two subwords of {Vocabulary} whose join is there too, not `{line}`"));
        }

        return pairs;
    }

    private static Dictionary<string, int> Numbers(BytePairEncoding encoding) => encoding.Tokens.Index().ToDictionary(entry => entry.Item, entry => entry.Index);

    private static object Description(BytePairEncoding encoding) => new
    {
        version = "1.0",
        truncation = (object?)null,
        padding = (object?)null,
        added_tokens = Enumerable.Range(0, BytePairEncoding.FirstByte).Select(id => new
        {
            id,
            content = encoding.Tokens[id],
            single_word = false,
            lstrip = false,
            rstrip = false,
            normalized = false,
            special = id <= BytePairEncoding.End,
        }),
        normalizer = (object?)null,
        pre_tokenizer = new { type = "ByteLevel", add_prefix_space = false, trim_offsets = true, use_regex = true },
        post_processor = (object?)null,
        decoder = new { type = "ByteLevel", add_prefix_space = false, trim_offsets = true, use_regex = true },
        model = new
        {
            type = "BPE",
            dropout = (object?)null,
            unk_token = (object?)null,
            continuing_subword_prefix = (object?)null,
            end_of_word_suffix = (object?)null,
            fuse_unk = false,
            byte_fallback = false,
            vocab = Numbers(encoding),
            merges = encoding.Merges.Select(merge => $"{merge.Left} {merge.Right}"),
        },
    };
}
