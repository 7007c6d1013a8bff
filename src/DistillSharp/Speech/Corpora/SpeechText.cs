using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace DistillSharp.Speech.Corpora;

/// <summary>
/// The one form in which transcripts are trained on, filtered and scored: lower case, numbers in English words, letters without accents, no
/// punctuation but apostrophes within words, single spaces.
/// </summary>
public static partial class SpeechText
{
    private static readonly string[] Small =
    [
        "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen",
        "sixteen", "seventeen", "eighteen", "nineteen",
    ];

    private static readonly string[] Tens = ["", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"];

    private static readonly Dictionary<string, string> Ordinals = new()
    {
        ["one"] = "first",
        ["two"] = "second",
        ["three"] = "third",
        ["five"] = "fifth",
        ["eight"] = "eighth",
        ["nine"] = "ninth",
        ["twelve"] = "twelfth",
    };

    private static readonly Dictionary<char, string> Accented = new (string Letters, string Plain)[]
    {
        ("àáâãäåāăą", "a"), ("çćĉċč", "c"), ("ďđ", "d"), ("èéêëēĕėęě", "e"), ("ĝğġģ", "g"), ("ĥħ", "h"), ("ìíîïĩīĭįı", "i"), ("ĵ", "j"), ("ķ", "k"), ("ĺļľł", "l"),
        ("ñńņň", "n"), ("òóôõöøōŏő", "o"), ("ŕŗř", "r"), ("śŝşš", "s"), ("ţťŧ", "t"), ("ùúûüũūŭůűų", "u"), ("ŵ", "w"), ("ýÿŷ", "y"), ("źżž", "z"),
        ("æ", "ae"), ("œ", "oe"), ("ß", "ss"), ("’‘`", "'"),
    }.SelectMany(group => group.Letters.Select(letter => (letter, group.Plain))).ToDictionary();

    /// <summary>The normal form of a text. Characters that it has no rule for stay, for whoever knows the alphabet to find.</summary>
    public static string Normalise(string text)
    {
        var plain = Plain(text.ToLower(CultureInfo.InvariantCulture));
        plain = plain.Replace("%", " percent ", StringComparison.Ordinal).Replace("&", " and ", StringComparison.Ordinal).Replace("@", " at ", StringComparison.Ordinal);
        plain = Thousands().Replace(plain, match => match.Value.Replace(",", "", StringComparison.Ordinal));
        plain = Ordinal().Replace(plain, match => $" {OrdinalWords(match.Groups[1].Value)} ");
        plain = Decimals().Replace(plain, match => $" {Words(match.Groups[1].Value)} point {string.Join(' ', match.Groups[2].Value.Select(digit => Small[digit - '0']))} ");
        plain = Digits().Replace(plain, match => $" {Words(match.Value)} ");
        var kept = new StringBuilder();
        for (var i = 0; i < plain.Length; i++)
        {
            var within = i > 0 && i + 1 < plain.Length && char.IsLetter(plain[i - 1]) && char.IsLetter(plain[i + 1]);
            kept.Append(plain[i] == '\'' ? (within ? "'" : " ") : char.IsPunctuation(plain[i]) || char.IsSymbol(plain[i]) || char.IsWhiteSpace(plain[i]) || char.IsControl(plain[i]) ? " " : plain[i].ToString());
        }

        return string.Join(' ', kept.ToString().Split(' ', StringSplitOptions.RemoveEmptyEntries));
    }

    /// <summary>Those of some characters that no normal form has, each once: capitals, letters with accents, digits, marks, punctuation. A network that had symbols for them would never be taught one.</summary>
    public static string NeverNormal(string characters) => string.Concat(characters.Where(character => !Normalise($"a{character}a").Contains(character)).Distinct());

    /// <summary>A whole number in English words; more than nine digits, or a leading zero, are read digit by digit.</summary>
    public static string Words(string digits) => digits.Length > 9 || (digits.Length > 1 && digits[0] == '0')
        ? string.Join(' ', digits.Select(digit => Small[digit - '0']))
        : Words(int.Parse(digits, CultureInfo.InvariantCulture));

    private static string Words(int number) => number switch
    {
        < 20 => Small[number],
        < 100 => Tens[number / 10] + (number % 10 > 0 ? " " + Small[number % 10] : ""),
        < 1000 => Small[number / 100] + " hundred" + Rest(number % 100),
        < 1_000_000 => Words(number / 1000) + " thousand" + Rest(number % 1000),
        _ => Words(number / 1_000_000) + " million" + Rest(number % 1_000_000),
    };

    private static string Rest(int number) => number > 0 ? " " + Words(number) : "";

    private static string OrdinalWords(string digits)
    {
        var words = Words(digits).Split(' ');
        var last = words[^1];
        words[^1] = Ordinals.TryGetValue(last, out var known) ? known : last.EndsWith('y') ? last[..^1] + "ieth" : last + "th";
        return string.Join(' ', words);
    }

    // A table of its own: where .NET runs without ICU, it does not decompose letters.
    private static string Plain(string text) => string.Concat(text
        .Where(character => CharUnicodeInfo.GetUnicodeCategory(character) != UnicodeCategory.NonSpacingMark)
        .Select(character => Accented.TryGetValue(character, out var plain) ? plain : character.ToString()));

    [GeneratedRegex(@"(?<![0-9])[0-9]{1,3}(,[0-9]{3})+(?![0-9])")]
    private static partial Regex Thousands();

    [GeneratedRegex(@"([0-9]+)(st|nd|rd|th)\b")]
    private static partial Regex Ordinal();

    [GeneratedRegex(@"([0-9]+)\.([0-9]+)(?!\.?[0-9])")]
    private static partial Regex Decimals();

    [GeneratedRegex("[0-9]+")]
    private static partial Regex Digits();
}
