using DistillSharp.Config;

namespace DistillSharp.Teachers.Store;

/// <summary>How exactly stored numbers are kept.</summary>
public enum StorePrecision
{
    /// <summary>As they are: 4 bytes.</summary>
    Float32,

    /// <summary>11 significant bits: 2 bytes.</summary>
    Float16,

    /// <summary>255 even steps between the smallest and the largest number of a row: 1 byte, and 8 a row.</summary>
    Int8,
}

/// <summary>Where a teacher's outputs are stored and how: keys of <c>teacher.store</c>.</summary>
public sealed record StoreOptions : ICheckedOptions
{
    /// <summary>The store's folder.</summary>
    [Option("folder of the store; relative paths start at the recipe", Required = true)]
    public string Path { get; init; } = "";

    /// <summary>How exactly numbers are kept.</summary>
    [Option("how exactly numbers are kept: float32, float16 or int8 (with a scale a row)")]
    public StorePrecision Precision { get; init; } = StorePrecision.Float16;

    /// <summary>Number of largest logits to keep beside the mass of the others; null for all logits.</summary>
    [Option("keep the so many largest logits of a sample and the mass of all others; all logits by default", Min = 1)]
    public int? TopK { get; init; }

    /// <summary>Number of classes to draw in place of keeping logits; null for none.</summary>
    [Option("keep so many classes drawn from the teacher's distribution in place of logits (unbiased)", Min = 1, Max = 65535)]
    public int? Samples { get; init; }

    /// <summary>Temperature of what <see cref="TopK"/> and <see cref="Samples"/> keep.</summary>
    [Option("temperature at which the others' mass (top_k) or the distribution (samples) is meant: the one of the terms", Min = 0, AboveMin = true)]
    public double Temperature { get; init; } = 1;

    /// <summary>Fixed augmented views a sample; null where nothing is augmented.</summary>
    [Option("augmented views of each sample; epoch e shows view e mod views, to all students; needed where data.augment changes samples", Min = 1, Max = 100000)]
    public int? Views { get; init; }

    /// <summary>Feature points to store; null for those that the terms name.</summary>
    [Option("feature points of the teacher that are stored too; those that terms name by default")]
    public IReadOnlyList<string>? Features { get; init; }

    /// <summary>Samples that the teacher is given at once while the store is filled.</summary>
    [Option("samples that the teacher is given at once while the store is filled", Min = 1, Max = 65536)]
    public int BatchSize { get; init; } = 128;

    /// <inheritdoc/>
    public void Check(ConfigNode node, ConfigErrors errors)
    {
        if (TopK is not null && Samples is not null)
        {
            errors.Add(node.Get("samples")!, "give either top_k or samples: either logits are kept or classes are drawn");
        }

        if (node.Get("temperature") is { } temperature && TopK is null && Samples is null)
        {
            errors.Add(temperature, "belongs to top_k and samples; whole logits serve every temperature");
        }
    }
}
