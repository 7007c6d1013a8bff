using System.Globalization;
using System.Text;
using DistillSharp.Config;

namespace DistillSharp.Data;

/// <summary>Options of <c>csv</c>: own tables of numbers.</summary>
public sealed record CsvOptions
{
    /// <summary>Training table.</summary>
    [Option("CSV file of the training samples, one a line", Required = true, DataPath = true)]
    public string Train { get; init; } = "";

    /// <summary>Test table.</summary>
    [Option("CSV file of the test samples", Required = true, DataPath = true)]
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

/// <summary>
/// Numeric columns and a label column, separated by commas, with or without a header line. Names of columns may be numbers where they count up from 0,
/// as pandas names those of an array.
/// </summary>
public static class CsvDataset
{
    private const int None = -1;
    private const int MostNamed = 20;

    // Two such numbers may well be a sample.
    private const int LeastNumbered = 3;

    /// <summary>Catalog entry.</summary>
    public static DatasetEntry Entry { get; } = new(
        "csv", "your own CSV tables: numeric columns and a label", "your own", typeof(CsvOptions), _ => null, (options, _) => Load((CsvOptions)options));

    /// <summary>Reads both tables. Where both have a header, test columns are taken by the names of the training columns.</summary>
    /// <exception cref="InvalidDataException">A line is faulty, and is named with file and column; the headers have other names; or something else than commas separates columns.</exception>
    public static DatasetPair Load(CsvOptions options)
    {
        var train = ReadTable(options.Train, options.Label);
        var test = ReadTable(options.Test, options.Label, train.Header);
        var classes = options.Classes.Count > 0 ? options.Classes : SortedLabels(train.Labels);
        return new DatasetPair(ToDataset(options.Train, train, classes, options.Shape), ToDataset(options.Test, test, classes, options.Shape))
        {
            Remarks = (Unnamed(options.Train, train) ?? Unnamed(options.Test, test)) is { } remark ? [remark] : [],
        };
    }

    /// <summary>The numbers of a table without labels, row by row.</summary>
    /// <param name="path">The table.</param>
    /// <param name="leftOut">A column to leave out; null for none.</param>
    /// <param name="like">The labelled data: where it and the table have names of columns, they are taken in its order.</param>
    internal static (int Columns, float[] Values) ReadNumbers(string path, string? leftOut, DatasetInfo like)
    {
        var table = ReadTable(path, leftOut, like.Columns is { } columns ? new Header(like.Name, columns, null) : null, labelled: false);
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
            : throw new InvalidDataException($"{path}, sample {row + 1}: label `{label}` is none of the classes {string.Join(", ", classes.Take(MostNamed))}")).ToArray();
        var axes = shape.Count > 0 ? shape.Select(axis => (long)axis).ToArray() : [table.Columns];
        return Dataset.FromFloats(new DatasetInfo(Path.GetFileNameWithoutExtension(path), axes, classes) { Columns = table.Header?.Columns }, table.Values, labels);
    }

    private static string? Unnamed(string path, Table table) => table.Unnamed == None ? null
        : $"{path}: column {table.Unnamed + 1} has no name in the header, as the row numbers that pandas writes, and is taken as a feature; leave it out with to_csv(..., index=False) if it is none";

    internal static string[] SortedLabels(IEnumerable<string> labels)
    {
        var distinct = labels.Distinct().ToArray();
        return distinct.All(label => long.TryParse(label, NumberStyles.Integer, CultureInfo.InvariantCulture, out _))
            ? [.. distinct.OrderBy(label => long.Parse(label, CultureInfo.InvariantCulture))]
            : [.. distinct.Order(StringComparer.Ordinal)];
    }

    private static Table ReadTable(string path, string? label, Header? like = null, bool labelled = true)
    {
        var lines = File.ReadLines(path).Select((text, i) => (text, Number: i + 1)).Where(line => line.text.Length > 0).ToList();
        if (lines.Count == 0)
        {
            throw new InvalidDataException($"{path} is empty");
        }

        var first = Cells(lines[0].text);
        if (first.Length == 1)
        {
            CheckSeparator(path, [.. lines.Take(2).Select(line => line.text)]);
        }

        var labelColumn = labelled || label is not null ? LabelColumn(path, first, label) : None;
        var hasHeader = IsHeader(first, labelColumn, label, lines.Count > 1 ? Cells(lines[1].text) : null);
        // A label of another name is still where it is said to be.
        if (hasHeader && like?.Label is { } name && Array.IndexOf(first, name) is >= 0 and var named)
        {
            labelColumn = named;
        }

        if (first.Length == 1 && labelColumn != None)
        {
            throw new InvalidDataException($"{path} has one column, `{first[0]}`, which is that of the label; columns of numbers are needed beside it, separated by commas");
        }

        int[] order = hasHeader && like is not null ? Order(path, first, labelColumn, like) : [.. Enumerable.Range(0, first.Length).Where(i => i != labelColumn)];
        var values = new List<float>();
        var labels = new List<string>();
        foreach (var (text, number) in lines.Skip(hasHeader ? 1 : 0))
        {
            var cells = Cells(text);
            if (cells.Length != first.Length)
            {
                throw new InvalidDataException($"{path}, line {number}: {cells.Length} columns, the first line has {first.Length}");
            }

            values.AddRange(order.Select(i => TryNumber(cells[i], out var value)
                ? value
                : throw new InvalidDataException($"{path}, line {number}, column {i + 1}: `{cells[i]}` is not a finite number")));
            if (labelColumn != None)
            {
                labels.Add(cells[labelColumn].Length > 0 ? cells[labelColumn] : throw new InvalidDataException($"{path}, line {number}, column {labelColumn + 1}: the label is empty"));
            }
        }

        var header = hasHeader ? new Header(path, [.. order.Select(i => first[i])], labelColumn == None ? null : first[labelColumn]) : null;
        return values.Count == 0
            ? throw new InvalidDataException($"{path} has a header and no samples")
            : new Table([.. values], [.. labels], order.Length, order.FirstOrDefault(i => first[i].Length == 0, None), header);
    }

    // Places of the columns of numbers, in the order that another table has them in.
    private static int[] Order(string path, string[] names, int labelColumn, Header like)
    {
        string[] known = [.. like.Columns], own = [.. names.Where((_, i) => i != labelColumn)];
        var (absent, further) = (known.Except(own).ToList(), own.Except(known).ToList());
        if (absent.Count + further.Count > 0)
        {
            string[] differences = [.. absent.Count > 0 ? [$"it has no {Listed(absent)}"] : Array.Empty<string>(), .. further.Count > 0 ? [$"{like.Origin} has no {Listed(further)}"] : Array.Empty<string>()];
            throw new InvalidDataException(
                $"{path} has other columns than {like.Origin}: {string.Join(", and ", differences)}. Columns are matched by name{(like.Label is null ? "; `label` names one that is left out" : "")}");
        }

        int[] places = [.. Enumerable.Range(0, names.Length).Where(i => i != labelColumn)];
        if (places.Select(i => names[i]).SequenceEqual(like.Columns))
        {
            return places;
        }

        if (own.Concat(known).GroupBy(name => name).FirstOrDefault(group => group.Count() > 2) is { } alike)
        {
            throw new InvalidDataException($"{path} has the columns of {like.Origin} in another order, and more than one is called `{alike.Key}`; give each a name of its own");
        }

        return [.. like.Columns.Select(name => places.First(i => names[i] == name))];
    }

    private static string Listed(IReadOnlyCollection<string> names) => string.Join(", ", names.Take(MostNamed)) + (names.Count > MostNamed ? ", …" : "");

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

        return isPosition ? number : throw new InvalidDataException($"{path} has no column `{label}`; it has {string.Join(", ", first.Take(MostNamed))}");
    }

    // Where columns are separated by something else, each line is one cell.
    private static void CheckSeparator(string path, IReadOnlyList<string> lines)
    {
        foreach (var (separator, called, written) in new[] { (';', "semicolons", ";"), ('\t', "tabs", "\\t") })
        {
            if (lines.All(line => line.Contains(separator)))
            {
                var fractions = separator == ';' && lines.Any(line => line.Contains(',')) ? ", decimal=\",\"" : "";
                throw new InvalidDataException(
                    $"{path} has one column and {called} in it; columns are separated by commas here. Convert it: pandas.read_csv(\"{Path.GetFileName(path)}\", sep=\"{written}\"{fractions}).to_csv(\"commas.csv\", index=False)");
            }
        }
    }

    // A header has a name where samples have a number; a label may be a word in both, then the next line decides.
    private static bool IsHeader(string[] first, int labelColumn, string? label, string[]? second)
    {
        string[] others = [.. first.Where((_, i) => i != labelColumn)];
        if (others.Any(cell => !TryNumber(cell, out _)) || IsNumbered(first))
        {
            return true;
        }

        return labelColumn != None && !TryNumber(first[labelColumn], out _)
            && (first[labelColumn] == label || IsNumbered(others) || (second is not null && labelColumn < second.Length && TryNumber(second[labelColumn], out _)));
    }

    // Pandas numbers the columns of an array that has no names for them; a label that is put beside it may have one.
    private static bool IsNumbered(string[] cells) => cells.Length >= LeastNumbered && cells.Select((cell, i) => cell == i.ToString(CultureInfo.InvariantCulture)).All(same => same);

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

    /// <summary>What a file holds.</summary>
    /// <param name="Values">The numbers, row by row.</param>
    /// <param name="Labels">A row's label each; none where there is no such column.</param>
    /// <param name="Columns">Numbers of a row.</param>
    /// <param name="Unnamed">Place in the file of the first column of numbers that its header has no name for; −1 for none.</param>
    /// <param name="Header">The first line; null where it is a sample.</param>
    private sealed record Table(float[] Values, string[] Labels, int Columns, int Unnamed, Header? Header);

    /// <summary>The first line of a table.</summary>
    /// <param name="Origin">Whose it is, for messages.</param>
    /// <param name="Columns">Names of the columns of numbers, in the order of a sample's values.</param>
    /// <param name="Label">Name of the label's column; null for none.</param>
    private sealed record Header(string Origin, IReadOnlyList<string> Columns, string? Label);
}
