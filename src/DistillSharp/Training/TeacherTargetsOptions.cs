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

/// <summary>
/// What a teacher writes takes the place of the training targets (Kim and Rush, Sequence-Level Knowledge Distillation, EMNLP 2016):
/// keys of an objective's <c>targets:</c>.
/// </summary>
public sealed record TeacherTargetsOptions
{
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

    /// <summary>More sources, without targets.</summary>
    [Option("file of further source sentences, one a line, plain or gzip, which the teacher translates too")]
    public string? SourceText { get; init; }
}

/// <summary>Layers of the teacher that a student starts from: keys of an objective's <c>from_layers:</c>, layers counted from 1.</summary>
public sealed record FromLayersOptions
{
    /// <summary>Encoder layers.</summary>
    [Option("the teacher's encoder layers, counted from 1, that the student's start as", Min = 1, Required = true)]
    public IReadOnlyList<int> Encoder { get; init; } = [];

    /// <summary>Decoder layers.</summary>
    [Option("the teacher's decoder layers that the student's start as", Min = 1, Required = true)]
    public IReadOnlyList<int> Decoder { get; init; } = [];
}
