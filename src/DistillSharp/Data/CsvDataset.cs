using System.Globalization;
using System.Text;
using DistillSharp.Config;

namespace DistillSharp.Data;

/// <summary>Options of <c>csv</c>: own tables of numbers.</summary>
public sealed record CsvOptions
{
    /// <summary>Training table.</summary>
    [Option("CSV file of the training samples, one a line", Required = true)]
    public string Train { get; init; } = "";

    /// <summary>Test table.</summary>
    [Option("CSV file of the test samples", Required = true)]
    public string Test { get; init; } = "";

    /// <summary>Label column.</summary>
    [Option("label column: its name in the header, or its number from 0; the last by default")]
    public string? Label { get; init; }

    /// <summary>Shape of a sample.</summary>
    [Option("shape of a sample, such as [1, 28, 28]; a vector by default", Min = 1)]
    public IReadOnlyList<int> Shape { get; init; } = [];

    /// <summary>Class names.</summary>
    [Option("class names; the labels that occur in training, sorted, by default")]
    public IReadOnlyList<string> Classes { get; init; } = [];
}

/// <summary>Numeric columns and a label column, separated by commas, with or without a header line.</summary>
public static class CsvDataset
{
    private const int None = -1;

    /// <summary>Catalog entry.</summary>
    public static DatasetEntry Entry { get; } = new(
        "csv", "your own CSV tables: numeric columns and a label", "your own", typeof(CsvOptions), _ => null, (options, _) => Load((CsvOptions)options));

    /// <summary>Reads both tables.</summary>
    /// <exception cref="InvalidDataException">A line is faulty; names file, line and column.</exception>
    public static DatasetPair Load(CsvOptions options)
    {
        var train = ReadTable(options.Train, options.Label);
        var classes = options.Classes.Count > 0 ? options.Classes : SortedLabels(train.Labels);
        return new DatasetPair(ToDataset(options.Train, train, classes, options.Shape), ToDataset(options.Test, ReadTable(options.Test, options.Label), classes, options.Shape));
    }

    /// <summary>The numbers of a table without labels, row by row.</summary>
    /// <param name="path">The table.</param>
    /// <param name="leftOut">A column to leave out; null for none.</param>
    internal static (int Columns, float[] Values) ReadNumbers(string path, string? leftOut)
    {
        var table = ReadTable(path, leftOut, labelled: false);
        return (table.Columns, table.Values);
    }

    private static Dataset ToDataset(string path, Table table, IReadOnlyList<string> classes, IReadOnlyList<int> shape)
    {
        if (classes.Distinct().Count() < classes.Count)
        {
            throw new InvalidDataException($"{path}: class names must differ; they are {string.Join(", ", classes)}");
        }

        var index = classes.Select((name, i) => (name, i)).ToDictionary(entry => entry.name, entry => entry.i);
        var labels = table.Labels.Select((label, row) => index.TryGetValue(label, out var found)
            ? found
            : throw new InvalidDataException($"{path}, sample {row + 1}: label `{label}` is none of the classes {string.Join(", ", classes.Take(20))}")).ToArray();
        var axes = shape.Count > 0 ? shape.Select(axis => (long)axis).ToArray() : [table.Columns];
        return Dataset.FromFloats(new DatasetInfo(Path.GetFileNameWithoutExtension(path), axes, classes), table.Values, labels);
    }

    private static string[] SortedLabels(IEnumerable<string> labels)
    {
        var distinct = labels.Distinct().ToArray();
        return distinct.All(label => long.TryParse(label, NumberStyles.Integer, CultureInfo.InvariantCulture, out _))
            ? [.. distinct.OrderBy(label => long.Parse(label, CultureInfo.InvariantCulture))]
            : [.. distinct.Order(StringComparer.Ordinal)];
    }

    private static Table ReadTable(string path, string? label, bool labelled = true)
    {
        var lines = File.ReadLines(path).Select((text, i) => (text, Number: i + 1)).Where(line => line.text.Length > 0).ToList();
        if (lines.Count == 0)
        {
            throw new InvalidDataException($"{path} is empty");
        }

        var first = Cells(lines[0].text);
        var labelColumn = labelled || label is not null ? LabelColumn(path, first, label) : None;
        var hasHeader = IsHeader(first, labelColumn, label, lines.Count > 1 ? Cells(lines[1].text) : null);
        var values = new List<float>();
        var labels = new List<string>();
        foreach (var (text, number) in lines.Skip(hasHeader ? 1 : 0))
        {
            var cells = Cells(text);
            if (cells.Length != first.Length)
            {
                throw new InvalidDataException($"{path}, line {number}: {cells.Length} columns, the first line has {first.Length}");
            }

            for (var i = 0; i < cells.Length; i++)
            {
                if (i == labelColumn)
                {
                    labels.Add(cells[i].Length > 0 ? cells[i] : throw new InvalidDataException($"{path}, line {number}, column {i + 1}: the label is empty"));
                }
                else
                {
                    values.Add(TryNumber(cells[i], out var value) ? value : throw new InvalidDataException($"{path}, line {number}, column {i + 1}: `{cells[i]}` is not a finite number"));
                }
            }
        }

        return values.Count == 0
            ? throw new InvalidDataException($"{path} has a header and no samples")
            : new Table([.. values], [.. labels], labelColumn == None ? first.Length : first.Length - 1);
    }

    private static int LabelColumn(string path, string[] first, string? label)
    {
        if (label is null)
        {
            return first.Length - 1;
        }

        // A number is a position unless the first line is certainly a header: in a sample it would be found among the values.
        var named = Array.IndexOf(first, label);
        var isPosition = int.TryParse(label, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number < first.Length;
        if (named >= 0 && (!isPosition || first.Count(cell => !TryNumber(cell, out _)) > 1))
        {
            return named;
        }

        return isPosition ? number : throw new InvalidDataException($"{path} has no column `{label}`; it has {string.Join(", ", first.Take(20))}");
    }

    // A header has a name where samples have a number; a label may be a word in both, then the next line decides.
    private static bool IsHeader(string[] first, int labelColumn, string? label, string[]? second)
    {
        if (first.Where((_, i) => i != labelColumn).Any(cell => !TryNumber(cell, out _)))
        {
            return true;
        }

        return labelColumn != None && !TryNumber(first[labelColumn], out _)
            && (first[labelColumn] == label || (second is not null && labelColumn < second.Length && TryNumber(second[labelColumn], out _)));
    }

    // Quotes around a cell are taken off; a comma between them belongs to the cell, and two quotes mean one.
    internal static string[] Cells(string line)
    {
        if (!line.Contains('"'))
        {
            return line.Split(',', StringSplitOptions.TrimEntries);
        }

        var cells = new List<string>();
        var cell = new StringBuilder();
        var quoted = false;
        for (var i = 0; i < line.Length; i++)
        {
            if (line[i] == '"' && quoted && i + 1 < line.Length && line[i + 1] == '"')
            {
                cell.Append(line[++i]);
            }
            else if (line[i] == '"')
            {
                quoted = !quoted;
            }
            else if (line[i] == ',' && !quoted)
            {
                cells.Add(cell.ToString().Trim());
                cell.Clear();
            }
            else
            {
                cell.Append(line[i]);
            }
        }

        cells.Add(cell.ToString().Trim());
        return [.. cells];
    }

    private static bool TryNumber(string cell, out float value) =>
        float.TryParse(cell, NumberStyles.Float, CultureInfo.InvariantCulture, out value) && float.IsFinite(value);

    private sealed record Table(float[] Values, string[] Labels, int Columns);
}
