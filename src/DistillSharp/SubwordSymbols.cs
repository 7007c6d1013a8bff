using DistillSharp.Sequences;
using DistillSharp.Text.Tokenization;

namespace DistillSharp;

/// <summary>
/// Subwords as symbols of CTC: the characters of an alphabet and pairs that are joined, learned by byte-pair encoding (Sennrich et al., ACL 2016) on transcripts. A word begins with
/// its space, the first one too, so that it is made of the same subwords wherever it stands.
/// </summary>
internal sealed class SubwordSymbols : ISymbolCodec
{
    private readonly BytePairEncoding _encoding;
    private readonly SymbolAlphabet _alphabet;
    private readonly Dictionary<int, int> _labels = [];

    /// <summary>Learns them.</summary>
    /// <param name="alphabet">Characters, all of them ASCII and the space among them.</param>
    /// <param name="texts">Transcripts in the alphabet.</param>
    /// <param name="size">Number of symbols, characters included, at least as many as these; fewer where the transcripts have no more pairs.</param>
    public SubwordSymbols(SymbolAlphabet alphabet, IEnumerable<string> texts, int size)
    {
        _alphabet = alphabet;
        const int others = BytePairEncoding.FirstByte + 256;
        _encoding = BytePairEncoding.Learn(texts.Select(Spaced), others + size - alphabet.Characters.Length);
        var symbols = new List<string>();
        foreach (var id in alphabet.Characters.Select(character => _encoding.Encode(character.ToString()).Single()).Concat(Enumerable.Range(others, _encoding.Size - others)))
        {
            symbols.Add(_encoding.Decode([id]));
            _labels[id] = symbols.Count;
        }

        Symbols = symbols;
    }

    /// <inheritdoc/>
    public IReadOnlyList<string> Symbols { get; }

    /// <inheritdoc/>
    public int[] Encode(string text)
    {
        // The alphabet names what is none of its characters.
        _ = _alphabet.Encode(text);
        return text.Length == 0 ? [] : [.. _encoding.Encode(Spaced(text)).Select(id => _labels[id])];
    }

    private static string Spaced(string text) => " " + text;
}
