using DistillSharp.Config;
using DistillSharp.Data;

namespace DistillSharp.Text.Corpora;

/// <summary>Options of <c>parallel_text</c>: own files.</summary>
public sealed record ParallelTextOptions : PairFilterOptions
{
    /// <summary>Training pairs in one file.</summary>
    [Option("training pairs in one file: a table of source, tab, target (and group), or a gettext catalogue .mo or .po; plain or gzip", DataPath = true)]
    public string? Train { get; init; }

    /// <summary>Source side of two aligned files.</summary>
    [Option("source sentences of two aligned files, plain or gzip", DataPath = true)]
    public string? TrainSource { get; init; }

    /// <summary>Target side.</summary>
    [Option("target sentences, line by line those of train_source", DataPath = true)]
    public string? TrainTarget { get; init; }

    /// <summary>Test pairs in one file.</summary>
    [Option("test pairs in one file; a share of the training pairs by default", DataPath = true)]
    public string? Test { get; init; }

    /// <summary>Source side of the test pairs.</summary>
    [Option("source sentences of aligned test files", DataPath = true)]
    public string? TestSource { get; init; }

    /// <summary>Target side of the test pairs.</summary>
    [Option("target sentences of aligned test files", DataPath = true)]
    public string? TestTarget { get; init; }

    /// <inheritdoc/>
    public override void Check(ConfigNode node, ConfigErrors errors)
    {
        base.Check(node, errors);
        CheckSide(node, errors, "train", Train, TrainSource, TrainTarget, required: true);
        CheckSide(node, errors, "test", Test, TestSource, TestTarget, required: false);
    }

    private static void CheckSide(ConfigNode node, ConfigErrors errors, string name, string? one, string? source, string? target, bool required)
    {
        if ((source is null) != (target is null))
        {
            errors.Add(node.PathOf(source is null ? $"{name}_source" : $"{name}_target"), "missing; aligned files are two", node.Line);
        }
        else if (one is not null && source is not null)
        {
            errors.Add(node.PathOf(name), $"give either `{name}`, or `{name}_source` and `{name}_target`", node.Line);
        }
        else if (one is null && source is null && required)
        {
            errors.Add(node.PathOf(name), $"missing; a file of pairs, or `{name}_source` and `{name}_target`", node.Line);
        }
    }
}

/// <summary>The user's own parallel text.</summary>
public static class OwnParallelText
{
    /// <summary>Catalog entry.</summary>
    public static DatasetEntry Entry { get; } = new(
        "parallel_text", "your own sentences and translations: a table, two aligned files, or a gettext catalogue", "your own", typeof(ParallelTextOptions),
        _ => null, (_, _) => throw new NotSupportedException("parallel_text has no labelled samples"))
    {
        LoadDomain = (options, _, split) => Load((ParallelTextOptions)options, split),
    };

    /// <summary>Reads, filters and splits the files.</summary>
    /// <exception cref="InvalidDataException">A file is faulty; names file and line.</exception>
    public static ParallelCorpus Load(ParallelTextOptions options, SplitRequest split) => ParallelCorpus.Create(
        Path.GetFileName(options.Train ?? options.TrainSource!),
        Read(options.Train, options.TrainSource, options.TrainTarget)!,
        Read(options.Test, options.TestSource, options.TestTarget),
        split,
        options);

    private static IEnumerable<SentencePair>? Read(string? one, string? source, string? target) =>
        one is not null ? ParallelFiles.ReadFile(one) : source is not null ? ParallelFiles.ReadAligned(source, target!) : null;
}

/// <summary>The datasets of text.</summary>
public static class TextDatasets
{
    /// <summary>Adds them to a catalog.</summary>
    public static DatasetCatalog AddTo(DatasetCatalog catalog) => catalog.Add(DebianDescriptions.Entry).Add(OwnParallelText.Entry).Add(ToyPhrases.Entry);
}
