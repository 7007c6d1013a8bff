using DistillSharp.Config;

namespace DistillSharp.Data;

/// <summary>Files of samples without labels: keys of <c>data.unlabelled</c>, of which one is given.</summary>
public sealed record UnlabelledOptions : ICheckedOptions
{
    /// <summary>NumPy array.</summary>
    [Option("NPY file of samples [N, ...]", DataPath = true)]
    public string? Npy { get; init; }

    /// <summary>IDX file.</summary>
    [Option("IDX file of images, plain or gzip", DataPath = true)]
    public string? Idx { get; init; }

    /// <summary>Table.</summary>
    [Option("CSV file of samples, one a line, all columns numbers", DataPath = true)]
    public string? Csv { get; init; }

    /// <summary>A column to leave out.</summary>
    [Option("column of the CSV file that is left out, such as a label: its name in the header, or its number from 0")]
    public string? Label { get; init; }

    /// <inheritdoc/>
    public void Check(ConfigNode node, ConfigErrors errors)
    {
        if (new[] { Npy, Idx, Csv }.Count(file => file is not null) != 1)
        {
            errors.Add(node, "must be `rest`, or one of `{npy: file}`, `{idx: file}`, `{csv: file}` and `{dataset: name}`");
        }
        else if (Label is not null && Csv is null)
        {
            errors.Add(node.Get("label")!, "is a column of `csv`");
        }
    }
}

/// <summary>Where samples without labels come from.</summary>
/// <param name="Files">Files of samples alone; null where it is something else.</param>
/// <param name="Dataset">A dataset whose training samples are taken without their labels; null where it is something else.</param>
public sealed record UnlabelledSpec(UnlabelledOptions? Files, DatasetSpec? Dataset)
{
    /// <summary>The training samples that <c>train_samples</c> leaves over.</summary>
    public static UnlabelledSpec Rest { get; } = new(null, null);

    /// <summary>Reads the samples; labels that they have are not used.</summary>
    /// <param name="like">The labelled data, for the shape of samples that come as plain numbers, and for the order of columns that have names.</param>
    /// <param name="locator">Finds datasets.</param>
    /// <exception cref="InvalidDataException">A file is damaged, a table has other columns, or images have their channels last.</exception>
    public Dataset Load(DatasetInfo like, DataLocator locator)
    {
        if (Dataset is { } dataset)
        {
            return dataset.Entry.Load(dataset.Options, locator).Train;
        }

        var file = (Files!.Npy ?? Files.Idx ?? Files.Csv)!;
        var info = like with { Name = Path.GetFileNameWithoutExtension(file) };
        if (Files.Csv is not null)
        {
            var (columns, numbers) = CsvDataset.ReadNumbers(file, Files.Label, like);
            // A row of a table has whatever shape the recipe gives the labelled table.
            var flat = like.InputShape.Aggregate(1L, (product, axis) => product * axis) == columns;
            return DistillSharp.Data.Dataset.FromFloats(flat ? info : info with { InputShape = [columns] }, numbers, Unlabelled(numbers.Length / columns));
        }

        if (Files.Idx is not null)
        {
            var (shape, values) = IdxReader.Read(file);
            return DistillSharp.Data.Dataset.FromBytes(info with { InputShape = IdxReader.ImageShape(file, shape) }, values, Unlabelled(shape[0]), 1 / 255f);
        }

        var (axes, array) = NpyDataset.Read(file);
        if (axes.Length < 2)
        {
            throw new InvalidDataException($"{file} is [{string.Join(", ", axes)}]; samples [N, …] are needed");
        }

        ArrayFile.CheckChannelsFirst(file, axes);
        return NpyDataset.ToDataset(info with { InputShape = axes[1..] }, array, Unlabelled((int)axes[0]));
    }

    private static int[] Unlabelled(int count) => [.. Enumerable.Repeat(-1, count)];
}
