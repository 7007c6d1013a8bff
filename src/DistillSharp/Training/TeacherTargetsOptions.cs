using DistillSharp.Config;

namespace DistillSharp.Training;

/// <summary>Which of a teacher's outputs is learned.</summary>
public enum OutputChoice
{
    /// <summary>The one with the best score.</summary>
    Best,

    /// <summary>Of the beam the one most like the translation by a person, by smoothed sentence BLEU.</summary>
    Closest,
}

/// <summary>Who writes training targets.</summary>
public enum TargetWriter
{
    /// <summary>The teacher, before training.</summary>
    Teacher,

    /// <summary>The student, while it is trained.</summary>
    Student,
}

/// <summary>
/// What a teacher writes takes the place of the training targets (Kim and Rush, Sequence-Level Knowledge Distillation, EMNLP 2016):
/// keys of an objective's <c>targets:</c>.
/// </summary>
public sealed record TeacherTargetsOptions
{
    /// <summary>Who writes them.</summary>
    [Option("teacher: what its beam search makes of the training sources, once before training; student: what it draws itself while it is trained, for terms that ask the teacher about it (on-policy)")]
    public TargetWriter By { get; init; }

    /// <summary>Share of the batches that the student writes.</summary>
    [Option("by student: share of the batches whose targets it writes; the others keep theirs", Min = 0, Max = 1)]
    public double Share { get; init; } = 0.5;

    /// <summary>Temperature of the student's draws.</summary>
    [Option("by student: temperature of its draws", Min = 0, AboveMin = true)]
    public double Temperature { get; init; } = 1;

    /// <summary>Width of the teacher's beam.</summary>
    [Option("width of the teacher's beam search", Min = 1, Max = 64)]
    public int Beam { get; init; } = 4;

    /// <summary>α of the length normalisation.</summary>
    [Option("a finished output scores its log-probability / length to this power", Min = 0, Max = 2)]
    public double LengthPenalty { get; init; } = 1;

    /// <summary>Which output of the beam is learned.</summary>
    [Option("best: the teacher's best output (sequence level); closest: that of its beam which is most like the original target (sequence interpolation)")]
    public OutputChoice Choose { get; init; } = OutputChoice.Best;

    /// <summary>Learn the original targets as well.</summary>
    [Option("learn the original pairs as well as the teacher's")]
    public bool Originals { get; init; }

    /// <summary>Speech: largest word error rate against the transcript with which an output is learned.</summary>
    [Option("speech: an output whose word error rate against the transcript is above this is not learned", Min = 0, Max = 10)]
    public double MaxWer { get; init; } = 0.1;

    /// <summary>Speech: share of the training utterances whose transcripts this objective may read.</summary>
    [Option("speech: share of the training utterances whose transcripts are read, by the filter and by `originals`; of the others the teacher's output is all there is", Min = 0, Max = 1)]
    public double Transcribed { get; init; } = 1;

    /// <summary>More sources, without targets.</summary>
    [Option("file of further source sentences, one a line, plain or gzip, which the teacher translates too", DataPath = true)]
    public string? SourceText { get; init; }

    /// <summary>How many sources of pairs outside the training set are translated too.</summary>
    [Option("text: so many source sentences of the pairs that `data.train_samples` leaves out, which the teacher translates too; their translations are not read", Min = 1)]
    public int? LeftOutSources { get; init; }
}

/// <summary>Layers of the teacher that a student starts from: keys of an objective's <c>from_layers:</c>, layers counted from 1.</summary>
public sealed record FromLayersOptions
{
    /// <summary>Encoder layers.</summary>
    [Option("the teacher's encoder layers, counted from 1, that the student's start as; of a CTC network all its layers are these", Min = 1, Required = true)]
    public IReadOnlyList<int> Encoder { get; init; } = [];

    /// <summary>Decoder layers.</summary>
    [Option("the teacher's decoder layers that the student's start as; none for networks without a decoder", Min = 1)]
    public IReadOnlyList<int> Decoder { get; init; } = [];
}
