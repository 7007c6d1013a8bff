using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using System.Text.Unicode;

namespace DistillSharp.Sequences.LanguageModels;

/// <summary>N-gram models in the ARPA format: decimal logarithms, tokens as text. A space as a token is written as <c>&lt;space&gt;</c>.</summary>
public static partial class ArpaFile
{
    // What the format's tools write for a probability of 0.
    private const double NeverDecimal = -99;
    private const int MostNgrams = 100_000_000;

    // What some tools write for the unknown token.
    private const string UnknownInCapitals = "<UNK>";

    /// <summary>Logarithm of no probability.</summary>
    internal static readonly double Never = NeverDecimal * Math.Log(10);

    /// <summary>Writes a model.</summary>
    public static void Write(NgramModel model, TextWriter writer)
    {
        writer.Write("\\data\\\n");
        for (var n = 1; n <= model.Order; n++)
        {
            writer.Write(FormattableString.Invariant($"ngram {n}={model.Count(n)}\n"));
        }

        for (var n = 1; n <= model.Order; n++)
        {
            writer.Write(FormattableString.Invariant($"\n\\{n}-grams:\n"));
            foreach (var (text, entry) in model.Entries(n).Select(entry => (Text: string.Join(' ', entry.Key.Tokens.Select(token => model.Vocabulary[token])), entry.Value)).OrderBy(each => each.Text, StringComparer.Ordinal))
            {
                writer.Write(Decimal(entry.LogProbability));
                writer.Write($"\t{text}");
                writer.Write(n < model.Order && entry.BackOff != 0 ? $"\t{Decimal(entry.BackOff)}\n" : "\n");
            }
        }

        writer.Write("\n\\end\\\n");
    }

    /// <summary>Reads a model.</summary>
    /// <param name="lines">The lines of the file.</param>
    /// <param name="name">The file's name, for messages.</param>
    /// <exception cref="InvalidDataException">It is no such file, or its parts do not fit; says in which line.</exception>
    public static NgramModel Read(IEnumerable<string> lines, string name)
    {
        var reader = new Reader(name);
        foreach (var line in lines)
        {
            reader.Take(line);
        }

        return reader.Model();
    }

    /// <summary>Reads a file.</summary>
    /// <exception cref="InvalidDataException">It is no such file, or its parts do not fit; says in which line.</exception>
    public static NgramModel Load(string path)
    {
        try
        {
            return Read(File.ReadLines(path, new UTF8Encoding(false, true)), path);
        }
        catch (DecoderFallbackException error)
        {
            // Decoded by blocks: in which line it failed is looked for byte by byte.
            var line = File.ReadLines(path, Encoding.Latin1).TakeWhile(text => Utf8.IsValid(Encoding.Latin1.GetBytes(text))).Count() + 1;
            throw new InvalidDataException($"{path}, line {line}: not valid UTF-8; an n-gram model in ARPA format is text that is not packed", error);
        }
    }

    private static string Decimal(double value) => (value / Math.Log(10)).ToString("0.#######", CultureInfo.InvariantCulture);

    [GeneratedRegex(@"^ngram\s+([0-9]{1,2})\s*=\s*([0-9]{1,9})$")]
    private static partial Regex CountLine();

    [GeneratedRegex(@"^\\([0-9]{1,2})-grams:$")]
    private static partial Regex SectionLine();

    private sealed class Reader(string name)
    {
        private readonly List<int> _announced = [];
        private readonly List<string> _vocabulary = [];
        private readonly Dictionary<string, int> _ids = [];
        private readonly List<Dictionary<NgramKey, NgramEntry>> _entries = [];
        private int _line;
        // −1 before \data\, 0 within it, n within n-grams, after the end the order and one more.
        private int _section = -1;
        private bool _ended;

        public void Take(string text)
        {
            _line++;
            var line = text.Trim();
            if (line.Length == 0 || _ended)
            {
                if (_ended && line.Length > 0)
                {
                    throw Fault("nothing may follow \\end\\");
                }

                return;
            }

            if (_section < 0)
            {
                // The format allows remarks before its begin.
                _section = line == "\\data\\" ? 0 : -1;
            }
            else if (line == "\\end\\")
            {
                Close();
                _ended = _section == _announced.Count ? true : throw Fault($"\\{_section + 1}-grams: is missing before \\end\\");
            }
            else if (SectionLine().Match(line) is { Success: true } section)
            {
                Close();
                var order = int.Parse(section.Groups[1].Value, CultureInfo.InvariantCulture);
                _section = order == _section + 1 && order <= _announced.Count ? order : throw Fault($"\\{order}-grams: is not what comes next; {_announced.Count} orders were announced and {_section} were read");
                _entries.Add([]);
            }
            else if (_section == 0)
            {
                Announce(line);
            }
            else
            {
                Entry(line);
            }
        }

        public NgramModel Model() => _ended
            ? new NgramModel(_vocabulary, [.. _entries])
            : throw Fault(_section < 0 ? "there is no \\data\\: this is no n-gram model in ARPA format" : "the file ends before \\end\\");

        private void Announce(string line)
        {
            var match = CountLine().Match(line);
            if (!match.Success || int.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture) != _announced.Count + 1)
            {
                throw Fault($"`ngram {_announced.Count + 1}=COUNT` or \\1-grams: was expected, not `{line}`");
            }

            var count = int.Parse(match.Groups[2].Value, CultureInfo.InvariantCulture);
            _announced.Add(count <= MostNgrams ? count : throw Fault($"{count} n-grams are more than {MostNgrams}"));
        }

        private void Entry(string line)
        {
            var fields = line.Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries);
            if (fields.Length < _section + 1 || fields.Length > _section + (_section < _announced.Count ? 2 : 1))
            {
                throw Fault($"a {_section}-gram has a logarithm, {_section} tokens{(_section < _announced.Count ? " and perhaps a back-off" : "")}, not {fields.Length} fields");
            }

            var tokens = fields[1..(_section + 1)].Select(Token).ToArray();
            var probability = Number(fields[0]);
            if (probability > 0)
            {
                throw Fault($"the logarithm of a probability is at most 0, not {fields[0]}");
            }

            if (!_entries[^1].TryAdd(new NgramKey(tokens), new NgramEntry(probability, fields.Length > _section + 1 ? Number(fields[^1]) : 0)))
            {
                throw Fault($"`{string.Join(' ', fields[1..(_section + 1)])}` comes twice");
            }
        }

        private int Token(string token)
        {
            if (_ids.TryGetValue(token, out var id))
            {
                return id;
            }

            if (_section > 1)
            {
                throw Fault($"`{token}` is not among the 1-grams");
            }

            _vocabulary.Add(token);
            return _ids[token] = _vocabulary.Count - 1;
        }

        private double Number(string text) => double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var value) && double.IsFinite(value)
            ? value * Math.Log(10)
            : throw Fault($"`{text}` is no number");

        private void Close()
        {
            if (_section == 0 && _announced.Count == 0)
            {
                throw Fault("no `ngram N=COUNT` was announced");
            }

            if (_section > 0 && _entries[^1].Count != _announced[_section - 1])
            {
                throw Fault($"{_announced[_section - 1]} {_section}-grams were announced and there are {_entries[^1].Count}");
            }

            if (_section == 1)
            {
                foreach (var mark in new[] { NgramModel.Begin, NgramModel.End }.Where(mark => !_ids.ContainsKey(mark)))
                {
                    throw Fault($"{mark} is not among the 1-grams");
                }

                if (!_ids.ContainsKey(NgramModel.Unknown) && _ids.TryGetValue(UnknownInCapitals, out var unknown))
                {
                    _vocabulary[unknown] = NgramModel.Unknown;
                    _ids[NgramModel.Unknown] = unknown;
                }
                else if (!_ids.ContainsKey(NgramModel.Unknown))
                {
                    _vocabulary.Add(NgramModel.Unknown);
                    _ids[NgramModel.Unknown] = _vocabulary.Count - 1;
                    _entries[0][new NgramKey([_vocabulary.Count - 1])] = new NgramEntry(Never, 0);
                    _announced[0]++;
                }
            }
        }

        private InvalidDataException Fault(string what) => new($"{name}, line {_line}: {what}");
    }
}
