using System.Text.Json;

namespace DistillSharp.Training;

/// <summary>Where a job stands, beside its tensors: everything that a resumed process needs to go on to the same bits.</summary>
public sealed record TrainingState
{
    /// <summary>Index of the stage.</summary>
    public int Stage { get; init; }

    /// <summary>Epochs done in the stage.</summary>
    public int Epoch { get; init; }

    /// <summary>Batches done in the epoch.</summary>
    public int Batch { get; init; }

    /// <summary>Optimizer steps done in the stage.</summary>
    public long StageStep { get; init; }

    /// <summary>Optimizer steps done in the job.</summary>
    public long Step { get; init; }

    /// <summary>Loss parts summed over the epoch so far.</summary>
    public IReadOnlyDictionary<string, double> PartSums { get; init; } = new Dictionary<string, double>();

    /// <summary>Counts of the loss parts over the epoch so far.</summary>
    public IReadOnlyDictionary<string, double> PartCounts { get; init; } = new Dictionary<string, double>();

    /// <summary>Best validation accuracy so far; null before the first evaluation.</summary>
    public double? Best { get; init; }

    /// <summary>Epoch of the job (from 1) that reached it.</summary>
    public int BestEpoch { get; init; }

    /// <summary>File of its weights, below the checkpoint folder.</summary>
    public string? BestFile { get; init; }

    /// <summary>Wall-clock seconds of training, over all processes.</summary>
    public double Seconds { get; init; }

    /// <summary>CPU seconds of training, over all processes.</summary>
    public double CpuSeconds { get; init; }

    /// <summary>Wall-clock seconds of these that the teacher took.</summary>
    public double TeacherSeconds { get; init; }

    /// <summary>As JSON; doubles survive to the last bit.</summary>
    public string ToJson() => JsonSerializer.Serialize(this);

    /// <summary>From JSON.</summary>
    /// <exception cref="JsonException">It is not one.</exception>
    public static TrainingState FromJson(string json) =>
        JsonSerializer.Deserialize<TrainingState>(json) ?? throw new JsonException("empty state");
}
