namespace DistillSharp.Text.Corpora;

/// <summary>Readers of parallel text: a table, two aligned files, or a gettext catalogue.</summary>
public static class ParallelFiles
{
    /// <summary>Pairs of a file by its name: <c>.mo</c> and <c>.po</c> are gettext catalogues, anything else is a table (all plain or gzip).</summary>
    public static IEnumerable<SentencePair> ReadFile(string path)
    {
        var name = path.EndsWith(".gz", StringComparison.Ordinal) ? path[..^3] : path;
        return Path.GetExtension(name) switch
        {
            ".mo" => GettextBinary.Read(path),
            ".po" => GettextText.Read(path),
            _ => ReadTable(path),
        };
    }

    /// <summary>A table: source, tab, target, and where there is a third column the group. Without one, or where it is empty, the source sentence is the group.</summary>
    /// <exception cref="InvalidDataException">A line has no tab, or more than two; names file and line.</exception>
    public static IEnumerable<SentencePair> ReadTable(string path)
    {
        var number = 0;
        foreach (var line in TextLines.Read(path))
        {
            number++;
            var cells = line.Split('\t');
            if (cells.Length is not (2 or 3))
            {
                throw new InvalidDataException($"{path}, line {number}: must be source, tab, target (and perhaps another tab and a group); it has {cells.Length - 1} tabs");
            }

            yield return new SentencePair(cells[0], cells[1], cells.Length == 3 && !string.IsNullOrWhiteSpace(cells[2]) ? cells[2] : PairFilter.Normalise(cells[0]));
        }
    }

    /// <summary>Two files whose lines belong together.</summary>
    /// <exception cref="InvalidDataException">They have different numbers of lines; says how many each.</exception>
    public static IEnumerable<SentencePair> ReadAligned(string source, string target)
    {
        using var left = TextLines.Read(source).GetEnumerator();
        using var right = TextLines.Read(target).GetEnumerator();
        var lines = 0L;
        while (true)
        {
            var (hasLeft, hasRight) = (left.MoveNext(), right.MoveNext());
            if (hasLeft != hasRight)
            {
                var (more, rest) = hasLeft ? (source, left) : (target, right);
                var count = lines + 1;
                while (rest.MoveNext())
                {
                    count++;
                }

                throw new InvalidDataException($"{source} and {target} must have as many lines: {(hasLeft ? target : source)} ends after {lines}, {more} has {count}");
            }

            if (!hasLeft)
            {
                yield break;
            }

            lines++;
            yield return new SentencePair(left.Current, right.Current, PairFilter.Normalise(left.Current));
        }
    }
}
