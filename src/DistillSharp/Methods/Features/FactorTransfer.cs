using DistillSharp.Config;
using DistillSharp.Losses.Features;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DistillSharp.Methods.Features;

/// <summary>Options of <c>factor_transfer</c>.</summary>
public sealed record FactorTransferOptions
{
    /// <summary>Exponent of the activations.</summary>
    [Option("exponent of the activations in a factor's spatial map (variant code)", Min = 0, AboveMin = true)]
    public double P1 { get; init; } = 2;

    /// <summary>Exponent of the difference.</summary>
    [Option("exponent of the difference of factors", Min = 0, AboveMin = true)]
    public double P2 { get; init; } = 1;

    /// <summary>Which formula.</summary>
    [Option("compare spatial maps of factors (code) or whole factors (paper)", OneOf = [FactorTransferLoss.Code, FactorTransferLoss.Paper])]
    public string Variant { get; init; } = FactorTransferLoss.Code;

    /// <summary>Whether factors are made by networks or the features are taken as they are.</summary>
    [Option("conv: a paraphraser of the teacher's map and a translator of the student's, three convolutions each; none: the maps themselves", OneOf = ["conv", Projectors.None])]
    public string Paraphraser { get; init; } = "conv";

    /// <summary>Channels of a factor.</summary>
    [Option("channels of a factor relative to the teacher's", Min = 0, AboveMin = true, Max = 4)]
    public double Rate { get; init; } = 0.5;

    /// <summary>Weight of the paraphraser's reconstruction error, by which it is trained.</summary>
    [Option("weight of the paraphraser's mean squared reconstruction error; 0 leaves the paraphraser as it is", Min = 0)]
    public ValueSchedule ReconstructionWeight { get; init; } = 1;
}

/// <summary>
/// Factor transfer. The paraphraser is an autoencoder of the teacher's map, trained by reconstruction alone: the factors are targets
/// and send it no gradient. The translator makes the student's factor and is trained by the distance.
/// </summary>
public sealed class FactorTransferMethod : FeatureMethod
{
    private readonly FactorTransferOptions _options;
    private readonly ModuleList<nn.Module<Tensor, Tensor>> encoders = nn.ModuleList<nn.Module<Tensor, Tensor>>();
    private readonly ModuleList<nn.Module<Tensor, Tensor>> decoders = nn.ModuleList<nn.Module<Tensor, Tensor>>();
    private readonly ModuleList<nn.Module<Tensor, Tensor>> translators = nn.ModuleList<nn.Module<Tensor, Tensor>>();

    /// <summary>Builds it for probed shapes.</summary>
    /// <exception cref="ArgumentException">Features that are no maps; channels that differ in the paper's variant without a paraphraser.</exception>
    public FactorTransferMethod(FactorTransferOptions options, MethodContext context)
        : base("factor_transfer", context)
    {
        _options = options;
        var plain = options.Paraphraser == Projectors.None;
        CheckPairs(plain && options.Variant == FactorTransferLoss.Paper
            ? (student, teacher) => FeatureShapes.RequireChannels("factor_transfer", student, teacher)
            : (student, teacher) => FeatureShapes.RequireMaps("factor_transfer", student, teacher));
        for (var i = 0; i < Stages && !plain; i++)
        {
            var channels = TeacherShapes[i][1];
            var factor = Math.Max(1, (long)Math.Round(channels * options.Rate));
            encoders.Add(Stack(channels, channels, factor));
            decoders.Add(Stack(factor, channels, channels));
            translators.Add(Stack(StudentShapes[i][1], StudentShapes[i][1], factor));
        }

        RegisterComponents();
        this.to(context.Device);
    }

    /// <summary>The catalog's entry. The published weight is 500 (CIFAR), common code has 200.</summary>
    public static MethodEntry Entry { get; } = new(
        "factor_transfer",
        "Factor transfer: a paraphrase of the teacher's map, matched by a translation of the student's",
        "Kim, Park and Kwak, Paraphrasing Complex Network: Network Compression via Factor Transfer, NeurIPS 2018",
        typeof(FactorTransferOptions),
        MethodTraits.UsesFeatures | MethodTraits.HasProjectors,
        (options, context) => new FactorTransferMethod((FactorTransferOptions)options, context))
    {
        Variant = "default: spatial maps of factors, as common code; `variant: paper` compares whole factors",
    };

    /// <summary>The paraphrasers' mean squared reconstruction error of the teacher's maps: the loss of a pre-training stage.</summary>
    public Tensor Reconstruction(IReadOnlyList<Tensor> teacher) => teacher
        .Select((map, i) => Reconstruction(i, encoders[i].call(map.detach()), map.detach()))
        .Aggregate((sum, next) => sum + next);

    /// <inheritdoc/>
    protected override Tensor Loss(IReadOnlyList<Tensor> student, IReadOnlyList<Tensor> teacher, Progress progress)
    {
        if (_options.Paraphraser == Projectors.None)
        {
            return SumOverPairs(student, teacher, (_, own, other) => Distance(own, other));
        }

        var weight = _options.ReconstructionWeight.ValueAt(progress);
        return SumOverPairs(student, teacher, (i, own, other) =>
        {
            var factor = encoders[i].call(other.detach());
            var distance = Distance(translators[i].call(own), factor.detach());
            return weight > 0 ? distance + (Reconstruction(i, factor, other.detach()) * weight) : distance;
        });
    }

    private Tensor Reconstruction(int pair, Tensor factor, Tensor teacher) => (decoders[pair].call(factor) - teacher).square().mean();

    private Tensor Distance(Tensor student, Tensor teacher) => FactorTransferLoss.Compute(student, teacher, _options.P1, _options.P2, _options.Variant);

    /// <summary>Three 3 × 3 convolutions with leaky ReLUs between them.</summary>
    private static Sequential Stack(long inputs, long middle, long outputs) => nn.Sequential(
        nn.Conv2d(inputs, middle, 3, padding: 1), nn.LeakyReLU(0.1),
        nn.Conv2d(middle, outputs, 3, padding: 1), nn.LeakyReLU(0.1),
        nn.Conv2d(outputs, outputs, 3, padding: 1));
}
