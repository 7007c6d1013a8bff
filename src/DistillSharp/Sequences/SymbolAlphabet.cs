namespace DistillSharp.Sequences;

/// <summary>Characters as labels from 1 on; 0 is left for CTC's blank.</summary>
public sealed class SymbolAlphabet : ISymbolCodec
{
    /// <summary>Lower-case English letters, apostrophe and space.</summary>
    public const string English = " 'abcdefghijklmnopqrstuvwxyz";

    private readonly Dictionary<char, int> _labels;

    /// <summary>The characters of a text, in its order.</summary>
    /// <exception cref="ArgumentException">There are none, or one comes twice.</exception>
    public SymbolAlphabet(string characters)
    {
        if (characters.Length == 0 || characters.Distinct().Count() != characters.Length)
        {
            throw new ArgumentException($"an alphabet needs at least one character and each once, not `{characters}`");
        }

        Characters = characters;
        _labels = characters.Index().ToDictionary(entry => entry.Item, entry => entry.Index + 1);
    }

    /// <summary>The characters by label − 1.</summary>
    public string Characters { get; }

    /// <summary>The characters as symbols.</summary>
    public IReadOnlyList<string> Symbols => [.. Characters.Select(character => character.ToString())];

    /// <summary>Characters of a text that are not in the alphabet, each once in their order.</summary>
    public string Unknown(string text) => string.Concat(text.Where(character => !_labels.ContainsKey(character)).Distinct());

    /// <summary>Labels of a text.</summary>
    /// <exception cref="ArgumentException">A character is not in the alphabet; says which.</exception>
    public int[] Encode(string text) => Unknown(text) is { Length: > 0 } unknown
        ? throw new ArgumentException($"`{text}` has characters that the alphabet `{Characters}` lacks: `{unknown}`")
        : [.. text.Select(character => _labels[character])];

    /// <summary>The text of labels; blanks are left out.</summary>
    public string Decode(IEnumerable<int> labels) => string.Concat(labels.Where(label => label > 0).Select(label => Characters[label - 1]));
}
