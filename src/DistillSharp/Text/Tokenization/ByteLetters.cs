namespace DistillSharp.Text.Tokenization;

/// <summary>
/// A printable letter for every byte, as GPT-2 writes them in its files (Radford et al., Language Models are Unsupervised Multitask
/// Learners, 2019): printable bytes of Latin-1 stand for themselves, the others for U+0100 on.
/// </summary>
internal static class ByteLetters
{
    private static readonly char[] Letters = Make();

    private static readonly Dictionary<char, byte> Bytes = Letters.Index().ToDictionary(entry => entry.Item, entry => (byte)entry.Index);

    public static char Of(byte value) => Letters[value];

    /// <summary>The letters of a text's UTF-8 bytes.</summary>
    public static string Of(ReadOnlySpan<byte> bytes)
    {
        var letters = new char[bytes.Length];
        for (var i = 0; i < letters.Length; i++)
        {
            letters[i] = Letters[bytes[i]];
        }

        return new string(letters);
    }

    /// <summary>The bytes that a token's letters stand for; null where it has another letter.</summary>
    public static byte[]? Back(string token) => token.All(Bytes.ContainsKey) ? [.. token.Select(letter => Bytes[letter])] : null;

    private static char[] Make()
    {
        var (letters, next) = (new char[256], (char)256);
        for (var value = 0; value < 256; value++)
        {
            letters[value] = value is (>= '!' and <= '~') or (>= 0xA1 and <= 0xAC) or (>= 0xAE and <= 0xFF) ? (char)value : next++;
        }

        return letters;
    }
}
