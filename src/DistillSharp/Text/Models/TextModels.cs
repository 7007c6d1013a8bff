using DistillSharp.Models;
using DistillSharp.Sequences.Transformers;

namespace DistillSharp.Text.Models;

/// <summary>The networks of translation.</summary>
public static class TextModels
{
    /// <summary>Adds them to a catalog.</summary>
    public static ModelCatalog AddTo(ModelCatalog catalog) => catalog.Add(new ModelEntry(
        "transformer",
        "Encoder and decoder for translation: normalisation before each block, one matrix for embeddings and output, attention or recurrent decoder.",
        "Vaswani et al., Attention Is All You Need, NeurIPS 2017",
        typeof(TransformerOptions),
        options => [.. ((TransformerOptions)options).FeaturePoints().Select(point => point.Name)],
        (options, data) => new TransformerModel((TransformerOptions)options, data)));
}
