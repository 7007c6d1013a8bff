using DistillSharp.Config;
using DistillSharp.Data;
using DistillSharp.Evaluation;
using DistillSharp.Export;
using DistillSharp.Models;
using DistillSharp.Runs;
using DistillSharp.Sequences.LanguageModels;
using DistillSharp.Speech.Recognition;
using DistillSharp.Teachers;
using DistillSharp.Teachers.Store;
using DistillSharp.Text.Metrics;
using DistillSharp.Training;

namespace DistillSharp.Recipes;

/// <summary>A checked recipe: everything a run needs, with all names resolved.</summary>
public sealed record Recipe
{
    /// <summary>Name of the run, which can be a folder's; by default that of the file, as far as a run can be called so.</summary>
    public required string Name { get; init; }

    /// <summary>The recipe as it was read, overrides applied.</summary>
    public required ConfigNode Source { get; init; }

    /// <summary>The same with its name, as it is written: files of it may be called otherwise. What <c>recipe.yaml</c> of the run directory holds.</summary>
    internal ConfigNode NamedSource => YamlConfig.Set(Source, ["name"], RunDirectory.NameOf(Name), new ConfigErrors());

    /// <summary>Folder that relative paths start from.</summary>
    public required string Folder { get; init; }

    /// <summary>The dataset.</summary>
    public required DatasetSpec Dataset { get; init; }

    /// <summary>How the data is split and augmented.</summary>
    public required DataSection Data { get; init; }

    /// <summary>Samples without labels, for distilled arms; null for none.</summary>
    public UnlabelledSpec? Unlabelled { get; init; }

    /// <summary>The teacher; null where there are several, or none.</summary>
    public TeacherSection? Teacher { get; init; }

    /// <summary>Several teachers; null where there is one, or none.</summary>
    public TeachersSection? Teachers { get; init; }

    /// <summary>True where there is a teacher, or several.</summary>
    public bool HasTeacher => Teacher is not null || Teachers is not null;

    /// <summary>Stores of teachers' outputs.</summary>
    public IEnumerable<StoreOptions> Stores =>
        new[] { Teacher?.Store, Teachers?.Store }.Concat(Teachers?.Members.Values.Select(member => member.Store) ?? []).OfType<StoreOptions>();

    /// <summary>Fixed views in which students see augmented samples, since teachers' outputs for them are stored; 0 for new ones in each epoch.</summary>
    public int Views => Stores.Select(store => store.Views ?? 0).DefaultIfEmpty().Max();

    /// <summary>The student.</summary>
    public required ModelSpec Student { get; init; }

    /// <summary>Safetensors file with the student's initial weights; null for a seeded random start.</summary>
    public string? StudentWeights { get; init; }

    /// <summary>True where students without a network of their own are trained as networks of eight-bit integers, and measured as such: <c>student.quantise: int8</c>.</summary>
    public bool QuantisesStudent { get; init; }

    /// <summary>Distilled arms by name, in order.</summary>
    public required IReadOnlyDictionary<string, ObjectivePlan> Objectives { get; init; }

    /// <summary>How baselines are trained; objectives may change keys of it.</summary>
    public required TrainingOptions Training { get; init; }

    /// <summary>Undistilled arms beside the objectives.</summary>
    public required BaselineSection Baselines { get; init; }

    /// <summary>How baselines are trained that the recipe gives keys of their own, by arm name.</summary>
    public IReadOnlyDictionary<string, TrainingOptions> BaselineTraining { get; init; } = new Dictionary<string, TrainingOptions>();

    /// <summary>What <c>distill sweep</c> tries; null where the recipe does not say.</summary>
    public SweepSection? Sweep { get; init; }

    /// <summary>Trials on validation data, the same number for every arm; null for none.</summary>
    public TuningSection? Tuning { get; init; }

    /// <summary>What objectives with a <c>tuning:</c> of their own try in place of the recipe's grid, by arm name.</summary>
    public IReadOnlyDictionary<string, IReadOnlyList<TuningCandidate>> ObjectiveTuning { get; init; } = new Dictionary<string, IReadOnlyList<TuningCandidate>>();

    /// <summary>What is measured.</summary>
    public required EvaluationSection Evaluation { get; init; }

    /// <summary>What is written at the end.</summary>
    public required ExportSection Export { get; init; }

    /// <summary>Seeds of the arms.</summary>
    public required IReadOnlyList<int> Seeds { get; init; }

    /// <summary>Metrics that results can hold.</summary>
    public MetricCatalog Metrics { get; init; } = SpeechMetrics.AddTo(TextMetrics.AddTo(MetricCatalog.Default()));

    /// <summary>torch's threads.</summary>
    public required int Threads { get; init; }

    /// <summary><c>cpu</c> or <c>cuda</c>.</summary>
    public required string Device { get; init; }

    /// <summary>Writes the recipe with its name to a file, its relative paths as they must be there.</summary>
    /// <param name="path">The file.</param>
    /// <param name="heading">Comment lines at its top.</param>
    public void WriteTo(string path, string heading = "")
    {
        var folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        AtomicFile.WriteText(path, heading + YamlConfig.Write(RelativePaths.Moved(NamedSource, Folder, folder, OptionsOf)));
    }

    private Type? OptionsOf(string dataset) => new[] { Dataset, Unlabelled?.Dataset }.FirstOrDefault(spec => spec?.Entry.Name == dataset)?.Entry.OptionsType;
}

/// <summary>A teacher: a network trained by this recipe, or loaded from a safetensors file, or a file that is run as it is.</summary>
/// <param name="Model">The network; null for a file.</param>
/// <param name="Weights">Safetensors file; null where it is trained here.</param>
/// <param name="Training">How it is trained (hard labels only).</param>
/// <param name="Seed">Its seed; the first of the recipe's seeds by default. One teacher serves all students unless <see cref="PerSeed"/>.</param>
/// <param name="PerSeed">True where every seed trains a teacher of its own.</param>
/// <param name="AllSamples">True where it is trained on the whole training split though students see only a part.</param>
public sealed record TeacherSection(ModelSpec? Model, string? Weights, TrainingOptions Training, int? Seed, bool PerSeed, bool AllSamples)
{
    /// <summary>The file or endpoint; null for a network.</summary>
    public TeacherSourceOptions? Source { get; init; }

    /// <summary>Where its outputs are stored; null where they are not. Without a network and a file the store is the teacher.</summary>
    public StoreOptions? Store { get; init; }

    /// <summary>What runs a network's forward passes while students learn.</summary>
    public TeacherEngine Engine { get; init; } = TeacherEngine.Auto;
}

/// <summary>Several teachers that a combiner makes one of: <c>teachers:</c>.</summary>
/// <param name="Members">The teachers by name, at least two.</param>
/// <param name="Combiner">How their logits become one.</param>
public sealed record TeachersSection(IReadOnlyDictionary<string, TeacherSection> Members, CombinerOptions Combiner)
{
    /// <summary>Where what the combiner gives is stored; null where it is not.</summary>
    public StoreOptions? Store { get; init; }
}

/// <summary>Undistilled students: keys of <c>baselines:</c>.</summary>
public sealed record BaselineSection
{
    /// <summary>Train the student on hard labels alone.</summary>
    [Option("train the student on hard labels alone (arm `plain`)")]
    public bool Plain { get; init; } = true;

    /// <summary>Label smoothing of the arm <c>label_smoothing</c>; 0 leaves the arm out.</summary>
    [Option("label smoothing of the arm `label_smoothing`; 0 leaves it out", Min = 0, Max = 0.9)]
    public double LabelSmoothing { get; init; }

    /// <summary>Training of baselines where it differs, by arm name.</summary>
    [Option("keys of training that differ for a baseline: a map of plain and label_smoothing, each with such keys")]
    public ConfigNode? Training { get; init; }

    /// <summary>Train a plain student for as many CPU seconds as distillation took.</summary>
    [Option("train a plain student for as many CPU seconds as the first objective took (arm `plain_compute_matched`)")]
    public bool ComputeMatched { get; init; }
}

/// <summary>A grid of training settings tried on validation data by every arm that has no list of its own: keys of <c>tuning:</c>.</summary>
public sealed record TuningSection
{
    /// <summary>Learning rates to try.</summary>
    [Option("learning rates to try", Min = 0, AboveMin = true)]
    public IReadOnlyList<double> LearningRate { get; init; } = [];

    /// <summary>Epoch counts to try.</summary>
    [Option("epoch counts to try", Min = 1)]
    public IReadOnlyList<int> Epochs { get; init; } = [];

    /// <summary>Seed of the trials, kept apart from the seeds of the table.</summary>
    [Option("seed of the trials; should not be one of `seeds`")]
    public int Seed { get; init; } = 1000;

    /// <summary>Tune the teacher as well.</summary>
    [Option("tune the teacher too")]
    public bool Teacher { get; init; }
}

/// <summary>What is measured: keys of <c>evaluation:</c>.</summary>
public sealed record EvaluationSection
{
    /// <summary>Most numbers in an evaluation batch of arrays, about 50 colour images of 224 × 224 pixels: several batches, and outputs of layers many times as large, are in memory at once.</summary>
    public const int LargestBatch = 1 << 23;

    /// <summary>Samples in an evaluation batch; fewer of large images, see <see cref="LargestBatch"/>.</summary>
    [Option("samples in an evaluation batch; of large images only as many as make 8 million numbers", Min = 1, Max = 65536)]
    public int BatchSize { get; init; } = 512;

    /// <summary>Width of the beam with which sequences are decoded.</summary>
    [Option("sequences: width of the beam search that is measured beside greedy search", Min = 1, Max = 64)]
    public int Beam { get; init; } = 4;

    /// <summary>α of the length normalisation of beam search.</summary>
    [Option("sequences: a finished output of beam search scores its log-probability / length to this power", Min = 0, Max = 2)]
    public double LengthPenalty { get; init; } = 1;

    /// <summary>Language model that beam search of speech is measured with as well.</summary>
    [Option("speech: an n-gram language model that beam search is measured with as well (wer_beam_lm)")]
    public LanguageModelSection? LanguageModel { get; init; }

    /// <summary>Measure the ONNX Runtime latency of every arm.</summary>
    [Option("measure ONNX Runtime latency at batch 1")]
    public bool Latency { get; init; } = true;
}

/// <summary>
/// An n-gram language model, added to the log-probabilities of beam search with a weight and a worth of every word that each network
/// chooses on validation utterances: keys of <c>evaluation.language_model:</c>.
/// </summary>
public sealed record LanguageModelSection
{
    /// <summary>What its tokens are.</summary>
    [Option("word: n-grams of words; character: n-grams of characters, which know no unknown words")]
    public LanguageModelLevel Level { get; init; } = LanguageModelLevel.Word;

    /// <summary>Longest n-gram.</summary>
    [Option("longest n-gram; 3 suits words, 6 characters", Min = 1, Max = 10)]
    public int Order { get; init; } = 3;

    /// <summary>An own model.</summary>
    [Option("an own model in ARPA format, in place of one of the training transcripts (interpolated Kneser-Ney)", DataPath = true)]
    public string? File { get; init; }

    /// <summary>Weights to try.</summary>
    [Option("weights of the model that are tried on validation utterances", Min = 0, Max = 10)]
    public IReadOnlyList<double> Weights { get; init; } = [0.25, 0.5, 1];

    /// <summary>Bonuses to try.</summary>
    [Option("worths of a word, natural logarithms, that are tried with each weight", Min = -20, Max = 20)]
    public IReadOnlyList<double> Bonuses { get; init; } = [0, 1, 2];

    /// <summary>Validation utterances of the choice.</summary>
    [Option("validation utterances on which weight and bonus are chosen", Min = 1)]
    public int Utterances { get; init; } = 100;
}

/// <summary>What is written at the end: keys of <c>export:</c>.</summary>
public sealed record ExportSection
{
    /// <summary>Write <c>student.onnx</c> and check it against the live student.</summary>
    [Option("write student.onnx, checked against the live student")]
    public bool Onnx { get; init; } = true;

    /// <summary>Real samples of the parity check.</summary>
    [Option("real samples on which ONNX is compared with the live student", Min = 1)]
    public int ParitySamples { get; init; } = 256;

    /// <summary>The arm that is exported; the first objective by default.</summary>
    [Option("arm to export; the first objective by default")]
    public string? Arm { get; init; }
}
