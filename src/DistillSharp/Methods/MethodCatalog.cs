
namespace DistillSharp.Methods;

/// <summary>The one list of distillation methods. Plugins add theirs through <see cref="Add"/>.</summary>
public sealed class MethodCatalog
{
    private readonly OrderedDictionary<string, MethodEntry> _entries = [];

    /// <summary>Every method in the order it was added.</summary>
    public IReadOnlyCollection<MethodEntry> Entries => _entries.Values;

    /// <summary>Adds a method.</summary>
    /// <exception cref="ArgumentException">The name is taken.</exception>
    public MethodCatalog Add(MethodEntry entry)
    {
        if (!_entries.TryAdd(entry.Name, entry))
        {
            throw new ArgumentException($"a method named `{entry.Name}` exists already");
        }

        return this;
    }

    /// <summary>The method of that name, or null.</summary>
    public MethodEntry? Find(string name) => _entries.GetValueOrDefault(name);

    /// <summary>A fresh catalog with every method of this library.</summary>
    public static MethodCatalog Default() => new MethodCatalog()
        .Add(Logits.SoftTarget.Entry)
        .Add(Logits.LogitMatchingMethod.Entry)
        .Add(Logits.DkdMethod.Entry)
        .Add(Logits.NkdMethod.Entry)
        .Add(Logits.DistMethod.Entry)
        .Add(Logits.LogitStandardizationMethod.Entry)
        .Add(Logits.WeightedSoftLabelsMethod.Entry)
        .Add(Logits.GeneralizedJsdMethod.Entry)
        .Add(Logits.SkewedKlMethod.Entry)
        .Add(Logits.TotalVariationMethod.Entry)
        .Add(Logits.VirtualTeacherMethod.Entry)
        .Add(Logits.MultiLevelLogitsMethod.Entry)
        .Add(Relations.RkdMethod.Entry)
        .Add(Relations.PktMethod.Entry)
        .Add(Relations.CorrelationCongruenceMethod.Entry)
        .Add(Relations.CrdMethod.Entry)
        .Add(Relations.SskdMethod.Entry)
        .Add(Sequences.TokenSoftTargetMethod.Entry)
        .Add(Sequences.TokenJsdMethod.Entry)
        .Add(Sequences.CtcFrameMethod.Entry)
        .Add(Sequences.CtcGuidedMethod.Entry)
        .Add(Sequences.CtcIntermediateMethod.Entry)
        .Add(Sequences.HiddenStatesMethod.Entry)
        .Add(Sequences.AttentionMapsMethod.Entry)
        .Add(Sequences.AttentionRelationsMethod.Entry)
        .Add(Features.FitnetMethod.Entry)
        .Add(Features.AttentionMethod.Entry)
        .Add(Features.SimilarityMethod.Entry)
        .Add(Features.NeuronSelectivityMethod.Entry)
        .Add(Features.FlowMethod.Entry)
        .Add(Features.ActivationBoundaryMethod.Entry)
        .Add(Features.FactorTransferMethod.Entry)
        .Add(Features.OverhaulMethod.Entry)
        .Add(Features.ReviewMethod.Entry)
        .Add(Features.InterChannelCorrelationMethod.Entry)
        .Add(Features.VariationalInformationMethod.Entry)
        .Add(Features.SingularVectorsMethod.Entry)
        .Add(Features.ChannelWiseMethod.Entry)
        .Add(Features.MaskedGenerativeMethod.Entry)
        .Add(Features.ClassAttentionTransferMethod.Entry)
        .Add(Features.ProjectorRecipeMethod.Entry)
        .Add(Features.PrimeAwareMethod.Entry)
        .Add(Features.EmbeddingRegressionMethod.Entry)
        .Add(Features.SimkdMethod.Entry);
}
