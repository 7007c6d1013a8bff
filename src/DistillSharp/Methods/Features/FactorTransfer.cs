using DistillSharp.Config;
using DistillSharp.Losses.Features;
using DistillSharp.Signals;
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

    /// <summary>Epochs of the paraphraser's own training.</summary>
    [Option("epochs in which the paraphraser learns to reconstruct the teacher's map, before the student is trained", Min = 0)]
    public int PretrainEpochs { get; init; } = 5;

    /// <summary>Learning rate of the paraphraser's own training.</summary>
    [Option("learning rate of the paraphraser's training (SGD with momentum)", Min = 0, AboveMin = true)]
    public double PretrainLearningRate { get; init; } = 0.01;
}

/// <summary>
/// Factor transfer. The paraphraser is an autoencoder of the teacher's map, trained by reconstruction before the student and then
/// frozen; its code is the teacher's factor. The translator makes the student's factor and is trained by the distance.
/// </summary>
public sealed class FactorTransferMethod : FeatureMethod, IPretrainedMethod
{
    private readonly FactorTransferOptions _options;
    private readonly ModuleList<Paraphraser> paraphrasers = nn.ModuleList<Paraphraser>();
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
            paraphrasers.Add(new Paraphraser(channels, factor));
            translators.Add(Paraphraser.Encoder(StudentShapes[i][1], factor));
        }

        RegisterComponents();
        this.to(context.Device);
    }

    /// <summary>The catalog's entry. The published weight is 500 (<c>variant: paper</c>, CIFAR), common code has 200 (<c>variant: code</c>).</summary>
    public static MethodEntry Entry { get; } = new(
        "factor_transfer",
        "Factor transfer: a paraphrase of the teacher's map, matched by a translation of the student's",
        "Kim, Park and Kwak, Paraphrasing Complex Network: Network Compression via Factor Transfer, NeurIPS 2018",
        typeof(FactorTransferOptions),
        MethodTraits.UsesFeatures | MethodTraits.HasProjectors | MethodTraits.Pretrains,
        (options, context) => new FactorTransferMethod((FactorTransferOptions)options, context))
    {
        Variant = "default: spatial maps of factors, as common code; `variant: paper` compares whole factors",
    };

    /// <inheritdoc/>
    public PretrainingPlan Pretraining => new(paraphrasers.Count > 0 ? _options.PretrainEpochs : 0, _options.PretrainLearningRate);

    /// <inheritdoc/>
    public nn.Module PretrainedModule => paraphrasers;

    /// <summary>The paraphrasers' mean squared reconstruction errors of the teacher's maps, summed over the pairs.</summary>
    public Tensor PretrainingLoss(ModelSignals teacher) => TeacherFeaturesOf(teacher)
        .Select((map, i) => (paraphrasers[i].call(map.detach()) - map.detach()).square().mean())
        .Aggregate((sum, next) => sum + next);

    /// <inheritdoc/>
    protected override Tensor Loss(IReadOnlyList<Tensor> student, IReadOnlyList<Tensor> teacher, Progress progress) => SumOverPairs(student, teacher, (i, own, other) =>
        paraphrasers.Count == 0 ? Distance(own, other) : Distance(translators[i].call(own), paraphrasers[i].Factor(other.detach()).detach()));

    private Tensor Distance(Tensor student, Tensor teacher) => FactorTransferLoss.Compute(student, teacher, _options.P1, _options.P2, _options.Variant);
}

/// <summary>An autoencoder of a map: three 3 × 3 convolutions and three transposed ones, each with a leaky ReLU.</summary>
internal sealed class Paraphraser : nn.Module<Tensor, Tensor>
{
    private readonly Sequential encoder;
    private readonly Sequential decoder;

    public Paraphraser(long channels, long factor)
        : base("paraphraser")
    {
        encoder = Encoder(channels, factor);
        decoder = nn.Sequential(
            nn.ConvTranspose2d(factor, factor, 3, padding: 1), nn.LeakyReLU(0.1),
            nn.ConvTranspose2d(factor, channels, 3, padding: 1), nn.LeakyReLU(0.1),
            nn.ConvTranspose2d(channels, channels, 3, padding: 1), nn.LeakyReLU(0.1));
        RegisterComponents();
    }

    /// <summary>The layers that make a factor: a paraphraser's first half, and a translator.</summary>
    public static Sequential Encoder(long channels, long factor) => nn.Sequential(
        nn.Conv2d(channels, channels, 3, padding: 1), nn.LeakyReLU(0.1),
        nn.Conv2d(channels, factor, 3, padding: 1), nn.LeakyReLU(0.1),
        nn.Conv2d(factor, factor, 3, padding: 1), nn.LeakyReLU(0.1));

    /// <summary>The factor of a map.</summary>
    public Tensor Factor(Tensor map) => encoder.call(map);

    /// <summary>The reconstruction of a map from its factor.</summary>
    public override Tensor forward(Tensor map) => decoder.call(encoder.call(map));
}
