namespace DistillSharp.Evaluation;

/// <summary>Which way a metric is good.</summary>
public enum MetricDirection
{
    /// <summary>Larger is better.</summary>
    Higher,

    /// <summary>Smaller is better.</summary>
    Lower,

    /// <summary>Neither.</summary>
    Neither,
}

/// <summary>How a metric is printed.</summary>
public enum MetricUnit
{
    /// <summary>0…1, printed in percent with two decimals.</summary>
    Share,

    /// <summary>A plain number, four significant digits.</summary>
    Number,

    /// <summary>A whole number of things; means over seeds with one decimal.</summary>
    Whole,

    /// <summary>A large whole number, printed with k, M, G.</summary>
    Count,

    /// <summary>Bytes, printed in kB, MB.</summary>
    Bytes,

    /// <summary>Seconds.</summary>
    Seconds,

    /// <summary>Milliseconds.</summary>
    Milliseconds,

    /// <summary>Megabytes (10⁶ bytes).</summary>
    Megabytes,
}

/// <summary>One metric that results can hold.</summary>
/// <param name="Key">Key in files.</param>
/// <param name="Heading">Column head with unit.</param>
/// <param name="Summary">One line for <c>distill list metrics</c>.</param>
/// <param name="Unit">How it is printed.</param>
/// <param name="Direction">Which way it is good.</param>
public sealed record MetricEntry(string Key, string Heading, string Summary, MetricUnit Unit, MetricDirection Direction)
{
    /// <summary>Paper that defines it; null where it needs none.</summary>
    public string? Paper { get; init; }

    /// <summary>The metric of counts that were summed over test samples; null where it is no function of such sums.</summary>
    public Func<double[], double>? OfCounts { get; init; }
}

/// <summary>The one list of metrics. Domains and plugins add theirs through <see cref="Add"/>.</summary>
public sealed class MetricCatalog
{
    private const string Guo = "Guo et al., On Calibration of Modern Neural Networks, ICML 2017";

    private const string Hinton = "Hinton et al., Distilling the Knowledge in a Neural Network, 2015 (section 3)";

    private const string Levenshtein = "Levenshtein, Binary codes capable of correcting deletions, insertions and reversals, 1966";

    private readonly OrderedDictionary<string, MetricEntry> _entries = [];

    /// <summary>Every metric in the order it was added, which is the order of columns.</summary>
    public IReadOnlyCollection<MetricEntry> Entries => _entries.Values;

    /// <summary>Adds a metric.</summary>
    /// <exception cref="ArgumentException">The key is taken.</exception>
    public MetricCatalog Add(MetricEntry entry)
        => _entries.TryAdd(entry.Key, entry) ? this : throw new ArgumentException($"a metric named `{entry.Key}` exists already");

    /// <summary>The metric of that key, or null.</summary>
    public MetricEntry? Find(string key) => _entries.GetValueOrDefault(key);

    /// <summary>The metric of that key; an error rate of a named test set (<c>wer_real</c>) is as the error rate; a plain number without direction where it is not known.</summary>
    public MetricEntry Describe(string key) => Find(key) ?? OfTestSet(key) ?? new MetricEntry(key, key, "", MetricUnit.Number, MetricDirection.Neither);

    /// <summary>A fresh catalog with the metrics of classifiers, those of more than one domain, and the costs that all share.</summary>
    public static MetricCatalog Default() => new MetricCatalog()
        .Add(new("top1", "top-1 %", "share of test samples whose most probable class is right", MetricUnit.Share, MetricDirection.Higher))
        .Add(new("top5", "top-5 %", "share whose right class is among the five most probable (more than five classes)", MetricUnit.Share, MetricDirection.Higher))
        .Add(new("errors", "errors", "test samples classified wrongly", MetricUnit.Whole, MetricDirection.Lower))
        .Add(new("nll", "NLL", "mean negative log-likelihood of the right class, nats", MetricUnit.Number, MetricDirection.Lower))
        .Add(new("ece", "ECE %", "expected calibration error, 15 equal-width bins", MetricUnit.Share, MetricDirection.Lower) { Paper = Guo })
        .Add(new("nll_calibrated", "NLL scaled", "NLL after temperature scaling on validation data", MetricUnit.Number, MetricDirection.Lower) { Paper = Guo })
        .Add(new("ece_calibrated", "ECE scaled %", "calibration error after temperature scaling on validation data", MetricUnit.Share, MetricDirection.Lower) { Paper = Guo })
        .Add(new("calibration_temperature", "calibration T", "the temperature that scaling chose; above 1 the network was over-confident", MetricUnit.Number, MetricDirection.Neither) { Paper = Guo })
        .Add(new("agreement", "agreement %", "share of test samples on which student and teacher predict the same class", MetricUnit.Share, MetricDirection.Neither) { Paper = "Stanton et al., Does Knowledge Distillation Really Work?, NeurIPS 2021" })
        .Add(new("accuracy", "accuracy %", "share of right decisions between two classes", MetricUnit.Share, MetricDirection.Higher))
        .Add(new("f1", "F1 %", "harmonic mean of precision and recall of the second of two classes", MetricUnit.Share, MetricDirection.Higher))
        .Add(new("auc", "AUC %", "area under the curve of true over false positives: the chance that a sample of the second class scores above one of the first", MetricUnit.Share, MetricDirection.Higher)
        {
            Paper = "Hanley and McNeil, The Meaning and Use of the Area under a Receiver Operating Characteristic (ROC) Curve, Radiology 1982",
        })
        .Add(new("negative_flips", "neg. flips %", "share of test samples that the plain student had right and this one has wrong, same seed", MetricUnit.Share, MetricDirection.Lower) { Paper = "Yan et al., Positive-Congruent Training, CVPR 2021" })
        .Add(new("left_out_recall", "left-out recall %", "share of the test samples of left-out classes that are recognised", MetricUnit.Share, MetricDirection.Higher) { Paper = Hinton })
        .Add(new("left_out_bias", "left-out bias", "what is added to the logits of left-out classes, chosen on validation data", MetricUnit.Number, MetricDirection.Neither) { Paper = Hinton })
        .Add(new("errors_corrected", "errors, corrected", "test samples classified wrongly with that bias", MetricUnit.Whole, MetricDirection.Lower) { Paper = Hinton })
        .Add(new("left_out_recall_corrected", "left-out recall, corrected %", "left-out recall with that bias", MetricUnit.Share, MetricDirection.Higher) { Paper = Hinton })
        .Add(new("wer", "WER %", "word errors (substituted, inserted, missing) of a corpus over its reference words", MetricUnit.Share, MetricDirection.Lower) { Paper = Levenshtein, OfCounts = ErrorsOverLength })
        .Add(new("cer", "CER %", "character errors of a corpus over its reference characters", MetricUnit.Share, MetricDirection.Lower) { Paper = Levenshtein, OfCounts = ErrorsOverLength })
        .Add(new("exact_match", "exact %", "share of texts that are read without any error", MetricUnit.Share, MetricDirection.Higher))
        .Add(new("parameters", "parameters", "trainable numbers of the deployed network", MetricUnit.Count, MetricDirection.Lower))
        .Add(new("macs", "multiply-adds", "multiply-adds of one sample", MetricUnit.Count, MetricDirection.Lower))
        .Add(new("bytes", "file size", "size of the exported ONNX file", MetricUnit.Bytes, MetricDirection.Lower))
        .Add(new("latency_ms", "latency ms", "ONNX Runtime at batch 1, one thread: median of 500 after 50 warm-ups", MetricUnit.Milliseconds, MetricDirection.Lower))
        .Add(new("cpu_seconds", "CPU s", "processor time of training, the teacher's forward passes included", MetricUnit.Seconds, MetricDirection.Lower))
        .Add(new("teacher_cpu_seconds", "teacher's CPU s", "the part of it that the teacher's forward passes took", MetricUnit.Seconds, MetricDirection.Lower))
        .Add(new("chain_cpu_seconds", "chain's CPU s", "processor time with that of the assistants or generations before it", MetricUnit.Seconds, MetricDirection.Lower))
        .Add(new("peak_mb", "peak MB", "largest resident set of the process during training", MetricUnit.Megabytes, MetricDirection.Lower));

    private MetricEntry? OfTestSet(string key) => key.Split('_', 2) is ["wer" or "cer", var set] && Find(key[..3]) is { } rate
        ? rate with { Key = key, Heading = rate.Heading.Replace(" %", $" {set.Replace('_', ' ')} %", StringComparison.Ordinal), Summary = $"{rate.Summary}, on {set}" }
        : null;

    // Of [errors, reference length] summed over sentences.
    private static double ErrorsOverLength(double[] sums) => sums[1] > 0 ? sums[0] / sums[1] : 0;
}
