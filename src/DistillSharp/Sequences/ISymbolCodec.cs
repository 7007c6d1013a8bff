namespace DistillSharp.Sequences;

/// <summary>Texts as labels from 1 on, and back; 0 is left for CTC's blank.</summary>
public interface ISymbolCodec
{
    /// <summary>Texts of the symbols by label − 1.</summary>
    IReadOnlyList<string> Symbols { get; }

    /// <summary>Labels of a text.</summary>
    /// <exception cref="ArgumentException">A character is no symbol; says which.</exception>
    int[] Encode(string text);
}

/// <summary>What every codec can do.</summary>
public static class SymbolCodecExtensions
{
    /// <summary>The text of labels, words separated by one space; blanks are left out.</summary>
    public static string Text(this ISymbolCodec codec, IEnumerable<int> labels) => Text(codec.Symbols, labels);

    /// <summary>The same for symbols that are known by their texts alone.</summary>
    public static string Text(IReadOnlyList<string> symbols, IEnumerable<int> labels) =>
        string.Join(' ', ErrorRates.SplitWords(string.Concat(labels.Where(label => label > 0).Select(label => symbols[label - 1]))));
}
