using DistillSharp.Config;
using DistillSharp.Data;
using DistillSharp.Losses;
using DistillSharp.Losses.Logits;
using DistillSharp.Models;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DistillSharp.Training;

/// <summary>Options of <c>mutual_learning</c>: several networks learn together, each from the others.</summary>
public sealed record MutualLearningOptions : ICheckedOptions
{
    /// <summary>Networks that learn together, the student included.</summary>
    [Option("networks that learn together, the student included", Min = 2, Max = 32)]
    public int Count { get; init; } = 2;

    /// <summary>Models of the other networks, in order; the student's own model where the list ends.</summary>
    [Option("models of the peers beside the student, each with `model` and its keys; the student's own model where the list ends")]
    public IReadOnlyList<ModelSpec> Peers { get; init; } = [];

    /// <summary>Temperature of both softmaxes.</summary>
    [Option("temperature of both softmaxes", Min = 0, AboveMin = true)]
    public ValueSchedule Temperature { get; init; } = 1;

    /// <summary>Weight of the others' predictions against the hard labels.</summary>
    [Option("weight of the divergence from the peers", Min = 0)]
    public ValueSchedule Weight { get; init; } = 1;

    /// <inheritdoc/>
    public void Check(ConfigNode node, ConfigErrors errors)
    {
        if (Peers.Count >= Count)
        {
            errors.Add(node.PathOf("count"), $"the student and {Peers.Count} peers are {Peers.Count + 1} networks; set count to {Peers.Count + 1} or more", node.Line);
        }
    }
}

/// <summary>
/// Deep mutual learning (Zhang, Xiang, Hospedales, Lu, CVPR 2018, section 3): network i minimises
/// CE + weight·T²/(N − 1)·Σⱼ KL(pⱼ ‖ pᵢ) over its peers j, whose predictions are targets without gradient. All networks take their
/// step at the same time. The student is the first; the others are companions with initial weights of their own.
/// </summary>
public sealed class MutualLearningTask : TrainingTask
{
    private const string MutualPart = "mutual";

    private readonly MutualLearningOptions _options;
    private readonly StagePlan _stage;
    private readonly Network[] _networks;

    /// <summary>Builds the peers; their weights come from torch's generator.</summary>
    /// <param name="options">How many networks, of which models.</param>
    /// <param name="context">The student, its model and the data.</param>
    public MutualLearningTask(MutualLearningOptions options, TaskContext context)
    {
        (_options, _stage, Student) = (options, context.Stage, context.Student);
        var peers = Enumerable.Range(0, options.Count - 1)
            .Select(i => (i < options.Peers.Count ? options.Peers[i] : context.StudentModel).Create(context.Source.Info))
            .ToArray();
        foreach (var peer in peers)
        {
            peer.to(context.Probe.Input.device);
        }

        _networks = [Student, .. peers];
        Companions = new ModuleBag(peers.Select((peer, i) => (NameOf(i + 1), (nn.Module)peer)));
        TrainedParameters = CollectParameters();
    }

    /// <summary>The catalog's entry.</summary>
    public static SchemeEntry Entry { get; } = new(
        "mutual_learning", "networks with weights of their own learn together, each from the others' predictions; no teacher",
        "Zhang, Xiang, Hospedales, Lu: Deep Mutual Learning, CVPR 2018", typeof(MutualLearningOptions), NeedsTeacher: false,
        (options, context) => new MutualLearningTask((MutualLearningOptions)options, context))
    {
        OneStage = true,
        TakesMixedSamples = true,
    };

    /// <inheritdoc/>
    public override Network Student { get; }

    /// <inheritdoc/>
    public override nn.Module Companions { get; }

    /// <inheritdoc/>
    public override IReadOnlyList<(string Name, Parameter Parameter)> TrainedParameters { get; }

    /// <inheritdoc/>
    public override IReadOnlyList<LossPart> Compute(Batch batch, Progress progress)
    {
        var logits = _networks.Select(network => network.Logits(batch)).ToArray();
        var compared = ValidRows(logits, batch);
        var hardWeight = _stage.HardLabels.ValueAt(progress);
        var parts = new List<LossPart>(2 * logits.Length);
        for (var i = 0; i < logits.Length; i++)
        {
            if (hardWeight > 0 && batch.Targets is not null)
            {
                parts.Add(new LossPart(PartOf(i, OfflineTask.HardLabelPart), HardLabels.CrossEntropy(logits[i], batch, _stage.Training.LabelSmoothing), hardWeight));
            }

            parts.Add(new LossPart(PartOf(i, MutualPart), FromPeers(compared, i, _options.Temperature.ValueAt(progress)), _options.Weight.ValueAt(progress)));
        }

        return parts;
    }

    /// <summary>The mean over the peers j of network <paramref name="i"/> of T²·KL(pⱼ ‖ pᵢ); no gradient reaches a peer.</summary>
    /// <param name="logits">[N, C] of every network.</param>
    /// <param name="i">The network that learns.</param>
    /// <param name="temperature">T, above 0.</param>
    public static LossTerm FromPeers(IReadOnlyList<Tensor> logits, int i, double temperature)
    {
        var terms = logits.Where((_, j) => j != i).Select(peer => SoftTargetLoss.Compute(logits[i], peer.detach(), temperature)).ToArray();
        return new LossTerm(terms.Select(term => term.Sum).Aggregate((sum, each) => sum + each) / terms.Length, terms[0].Count);
    }

    /// <inheritdoc/>
    /// <remarks>Of sequences the labelled positions, which are the valid ones.</remarks>
    public override double CountOf(string part, Batch batch) =>
        part.EndsWith(OfflineTask.HardLabelPart, StringComparison.Ordinal) || batch.Targets is { } targets && targets.dim() == 2 ? LabelledSamples(batch) : batch.Count;

    /// <inheritdoc/>
    public override void AfterStep()
    {
        foreach (var network in _networks)
        {
            network.ApplyConstraints();
        }
    }

    // All networks have the same positions, and padding is none of them.
    private Tensor[] ValidRows(Tensor[] logits, Batch batch)
    {
        if (Student.MaskOfLogits(logits[0], batch) is not { } mask)
        {
            return logits;
        }

        var index = mask.reshape(-1).ne(0).nonzero().reshape(-1);
        return [.. logits.Select(each => each.reshape(-1, each.shape[^1]).index_select(0, index))];
    }

    private static string NameOf(int i) => $"peer{i + 1}";

    private static string PartOf(int i, string part) => i == 0 ? part : $"{NameOf(i)}.{part}";
}
