using System.Globalization;
using System.Text;
using DistillSharp.Config;

namespace DistillSharp.Text.Metrics;

/// <summary>
/// How BLEU splits a line into words; scores with different tokenizers cannot be compared. Names and rules are those of
/// sacrebleu (Post, A Call for Clarity in Reporting BLEU Scores, WMT 2018).
/// </summary>
public sealed class BleuTokenizer
{
    private readonly Func<string, List<string>> _tokenize;

    private BleuTokenizer(string name, Func<string, List<string>> tokenize) => (Name, _tokenize) = (name, tokenize);

    /// <summary><c>13a</c>: mteval-v13a's rules for Western languages, the default everywhere.</summary>
    public static BleuTokenizer Mteval13a { get; } = new("13a", Tokenize13a);

    /// <summary><c>intl</c>: mteval-v14's rules; every Unicode punctuation mark not between numbers, and every symbol, is a word.</summary>
    public static BleuTokenizer International { get; } = new("intl", TokenizeInternational);

    /// <summary><c>char</c>: every character is a word.</summary>
    public static BleuTokenizer Character { get; } = new("char", line => PythonText.Characters(line).FindAll(character => !PythonText.IsSpace(character[0])));

    /// <summary><c>zh</c>: Chinese characters are words, the rest is split as by <c>13a</c>.</summary>
    public static BleuTokenizer Chinese { get; } = new("zh", TokenizeChinese);

    /// <summary><c>none</c>: words are what white space separates; for text that is tokenized already.</summary>
    public static BleuTokenizer None { get; } = new("none", PythonText.Split);

    /// <summary>All of them.</summary>
    public static IReadOnlyList<BleuTokenizer> All { get; } = [Mteval13a, International, Character, Chinese, None];

    /// <summary>Name in signatures and recipes.</summary>
    public string Name { get; }

    /// <summary>The tokenizer of that name.</summary>
    /// <exception cref="ArgumentException">There is none; the message lists the known names.</exception>
    public static BleuTokenizer Named(string name) => All.FirstOrDefault(tokenizer => tokenizer.Name == name)
        ?? throw new ArgumentException($"unknown tokenizer `{name}`; {NearestName.Hint(name, All.Select(tokenizer => tokenizer.Name))}");

    /// <summary>The words of one line.</summary>
    public IReadOnlyList<string> Tokenize(string line) => _tokenize(PythonText.TrimEnd(line));

    private static List<string> Tokenize13a(string line)
    {
        line = line.Replace("<skipped>", "", StringComparison.Ordinal).Replace("-\n", "", StringComparison.Ordinal).Replace('\n', ' ');
        return PythonText.Split(WesternPunctuation.Separate($" {WesternPunctuation.Unescape(line)} "));
    }

    private static List<string> TokenizeChinese(string line)
    {
        var spaced = new StringBuilder();
        foreach (var character in PythonText.TrimStart(line))
        {
            _ = IsChinese(character) ? spaced.Append(' ').Append(character).Append(' ') : spaced.Append(character);
        }

        return PythonText.Split(WesternPunctuation.Separate(spaced.ToString()));
    }

    private static List<string> TokenizeInternational(string line)
    {
        var text = line.EnumerateRunes().ToList();
        text = SeparatePairs(text, (first, second) => !IsNumber(first) && IsPunctuation(second), spaceBefore: false);
        text = SeparatePairs(text, (first, second) => IsPunctuation(first) && !IsNumber(second), spaceBefore: true);
        var separated = new StringBuilder();
        foreach (var rune in text)
        {
            _ = IsSymbol(rune) ? separated.Append(' ').Append(rune.ToString()).Append(' ') : separated.Append(rune.ToString());
        }

        return PythonText.Split(separated.ToString());
    }

    /// <summary>
    /// Left to right, every pair that matches becomes <c>a b␣</c>, or <c>␣a b</c> with the space before it. Matches do not
    /// overlap, as in a regular expression's replacement; works on code points, since emoji and some digits lie beyond U+FFFF.
    /// </summary>
    private static List<Rune> SeparatePairs(List<Rune> text, Func<Rune, Rune, bool> matches, bool spaceBefore)
    {
        var space = new Rune(' ');
        var result = new List<Rune>(text.Count * 2);
        for (var i = 0; i < text.Count; i++)
        {
            if (i + 1 == text.Count || !matches(text[i], text[i + 1]))
            {
                result.Add(text[i]);
                continue;
            }

            Rune[] pair = spaceBefore ? [space, text[i], space, text[i + 1]] : [text[i], space, text[i + 1], space];
            result.AddRange(pair);
            i++;
        }

        return result;
    }

    private static bool IsNumber(Rune rune) => Rune.GetUnicodeCategory(rune) is UnicodeCategory.DecimalDigitNumber or UnicodeCategory.LetterNumber or UnicodeCategory.OtherNumber;

    private static bool IsPunctuation(Rune rune) => Rune.IsPunctuation(rune);

    private static bool IsSymbol(Rune rune) => Rune.IsSymbol(rune);

    /// <summary>
    /// sacrebleu's ranges. The first is a slip of its own that scores depend on: meant as U+20000 to U+2A6D6, it is read as the
    /// texts "\u2000" + "0" and "\u2a6d" + "6", between which lie the characters U+2001 to U+2A6D, typographic quotes included.
    /// </summary>
    private static bool IsChinese(char character) => character
        is (>= '\u2001' and <= '\u2a6d') or (>= '\u2e80' and <= '\u2eff') or (>= '\u2f00' and <= '\u2fdf') or (>= '\u2ff0' and <= '\u2fff')
        or (>= '\u3000' and <= '\u303f') or (>= '\u3100' and <= '\u312f') or (>= '\u31a0' and <= '\u31bf') or (>= '\u31c0' and <= '\u31ef')
        or (>= '\u3200' and <= '\u33ff') or (>= '\u3400' and <= '\u4db5') or (>= '\u4e00' and <= '\u9fbb') or (>= '\uf900' and <= '\ufa2d')
        or (>= '\ufa30' and <= '\ufa6a') or (>= '\ufa70' and <= '\ufad9') or (>= '\ufe10' and <= '\ufe1f') or (>= '\ufe30' and <= '\ufe4f')
        or (>= '\uff00' and <= '\uffef');
}
