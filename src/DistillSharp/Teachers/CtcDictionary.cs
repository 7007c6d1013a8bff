using DistillSharp.Data;

namespace DistillSharp.Teachers;

/// <summary>
/// The dictionary of a reader of text as PaddleOCR's are: a character a line. Output 0 is blank, output i the line i, and the last one space, which
/// the file leaves out.
/// </summary>
public static class CtcDictionary
{
    private const char FirstFullWidth = '！';
    private const char LastFullWidth = '～';
    private const char FirstOfAscii = '!';
    private const char WideSpace = '\u3000';

    /// <summary>Names of the outputs.</summary>
    /// <exception cref="IOException">It cannot be read.</exception>
    public static IReadOnlyList<string> Read(string path)
    {
        var lines = File.ReadAllLines(path);
        return lines.Contains(" ") ? [CtcInfo.Blank, .. lines] : [CtcInfo.Blank, .. lines, " "];
    }

    /// <summary>The ASCII characters among <paramref name="ours"/> by their full-width forms (U+FF01 to U+FF5E and U+3000) among <paramref name="theirs"/>.</summary>
    public static IReadOnlyDictionary<string, string> FullWidth(IReadOnlyList<string> theirs, IReadOnlyList<string> ours) => theirs
        .Where(name => name is [>= FirstFullWidth and <= LastFullWidth] or [WideSpace])
        .Select(name => (name, Ascii: name[0] == WideSpace ? " " : ((char)(name[0] - FirstFullWidth + FirstOfAscii)).ToString()))
        .Where(pair => ours.Contains(pair.Ascii) && !ours.Contains(pair.name))
        .ToDictionary(pair => pair.name, pair => pair.Ascii);
}
