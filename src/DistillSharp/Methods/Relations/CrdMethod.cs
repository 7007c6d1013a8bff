using DistillSharp.Config;
using DistillSharp.Losses;
using DistillSharp.Losses.Relations;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DistillSharp.Methods.Relations;

/// <summary>Options of <c>crd</c>.</summary>
public sealed record CrdOptions
{
    /// <summary>Width of the space in which both sides are compared.</summary>
    [Option("width of the common embedding", Min = 2)]
    public int EmbeddingWidth { get; init; } = 128;

    /// <summary>Negatives for each sample.</summary>
    [Option("negatives for each sample, at most the number of training samples less one", Min = 1)]
    public int Negatives { get; init; } = 16384;

    /// <summary>Which samples are negatives.</summary>
    [Option("where negatives come from: samples of other classes, or any other sample", OneOf = ["other_classes", "other_samples"])]
    public string NegativesFrom { get; init; } = "other_classes";

    /// <summary>Temperature of the scores.</summary>
    [Option("temperature of the scores", Min = 0, AboveMin = true)]
    public ValueSchedule Temperature { get; init; } = 0.07;

    /// <summary>Share of the old embedding that the memory keeps.</summary>
    [Option("share of the old embedding that the memory keeps", Min = 0, Max = 1)]
    public double Momentum { get; init; } = 0.5;
}

/// <summary>Contrastive representation distillation with memory banks keyed by sample id.</summary>
public sealed class CrdMethod : Method
{
    private readonly CrdOptions _options;
    private readonly (string Student, string Teacher) _features;
    // Names are the keys under which weights and buffers are saved.
    private readonly Linear student_embedding;
    private readonly Linear teacher_embedding;
    private readonly MemoryBank bank;
    private readonly Tensor normalization;

    /// <summary>Builds the embeddings for probed shapes and a bank for the training split.</summary>
    /// <exception cref="ArgumentException">There is not exactly one pair of features, or fewer than two training samples.</exception>
    public CrdMethod(CrdOptions options, MethodContext context)
        : base("crd")
    {
        if (context.StudentFeatures.Count != 1 || context.TeacherFeatures.Count != 1)
        {
            throw new ArgumentException(
                $"crd compares one feature of each side, such as `penultimate`; it was given {context.StudentFeatures.Count} student and {context.TeacherFeatures.Count} teacher features");
        }

        if (context.TrainingSamples < 2)
        {
            throw new ArgumentException($"crd needs at least 2 training samples to contrast, not {context.TrainingSamples}");
        }

        _options = options;
        _features = (context.StudentFeatures[0], context.TeacherFeatures[0]);
        student_embedding = nn.Linear(Width(context.StudentShapes.Features[_features.Student]), options.EmbeddingWidth);
        teacher_embedding = nn.Linear(Width(context.TeacherShapes.Features[_features.Teacher]), options.EmbeddingWidth);
        bank = new MemoryBank(context.TrainingSamples, options.EmbeddingWidth);
        normalization = full([2], -1, ScalarType.Float32).DetachFromDisposeScope();
        RegisterComponents();
        this.to(context.Device);
    }

    /// <summary>The catalog's entry.</summary>
    public static MethodEntry Entry { get; } = new(
        "crd",
        "the embedding of a sample is near the teacher's of the same sample and far from those of others",
        "Tian, Krishnan, Isola: Contrastive Representation Distillation, ICLR 2020",
        typeof(CrdOptions),
        MethodTraits.UsesFeatures | MethodTraits.CouplesSamples | MethodTraits.HasProjectors | MethodTraits.UsesSampleIds,
        (options, context) => new CrdMethod((CrdOptions)options, context))
    {
        Variant = "negatives drawn with replacement from the whole bank; the normalising constants are set by the first batch, as in the paper's code",
    };

    /// <inheritdoc/>
    public override LossTerm Compute(MethodInput input)
    {
        var own = Embed(student_embedding, input.Student.Features[_features.Student].Value);
        var other = Embed(teacher_embedding, input.Teacher.Features[_features.Teacher].Value.detach());
        var targets = input.Batch.Targets is { } given && given.dim() == 1 ? given : null;
        var slots = bank.SlotsOf(input.Batch.SampleIds, targets);
        var negatives = Math.Min(_options.Negatives, bank.Samples - 1);
        var candidates = cat([slots.unsqueeze(1), bank.Draw(slots, negatives, _options.NegativesFrom == "other_classes")], 1);
        var temperature = _options.Temperature.ValueAt(input.Progress);
        var loss = Contrast(bank.TeacherSimilarities(own, candidates), temperature, 0) + Contrast(bank.StudentSimilarities(other, candidates), temperature, 1);
        if (training)
        {
            bank.Update(slots, own, other, _options.Momentum);
        }

        return new LossTerm(loss.sum(), own.shape[0]);
    }

    private Tensor Contrast(Tensor similarities, double temperature, int side)
    {
        var scores = (similarities / temperature).exp();
        var constant = normalization[side].item<float>();
        if (constant < 0)
        {
            constant = scores.detach().mean().item<float>() * bank.Samples;
            using var noGradient = no_grad();
            normalization[side] = constant;
        }

        return ContrastiveLoss.NoiseContrastive(scores / constant, bank.Samples);
    }

    private static Tensor Embed(Linear layer, Tensor feature)
    {
        var rows = layer.call(LossPrecision.Widen(feature).flatten(1));
        return rows / rows.square().sum(1, true).clamp_min(1e-24).sqrt();
    }

    private static long Width(IReadOnlyList<long> shape) => shape.Skip(1).Aggregate(1L, (product, size) => product * size);
}
