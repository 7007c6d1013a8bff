using DistillSharp.Models;
using DistillSharp.Sequences.Transformers;

namespace DistillSharp.Speech.Models;

/// <summary>The networks of speech.</summary>
public static class SpeechModels
{
    /// <summary>Adds them to a catalog.</summary>
    public static ModelCatalog AddTo(ModelCatalog catalog) => catalog
        .Add(new ModelEntry(
            "ctc_gru",
            "Speech to characters: convolutions that halve the frames, recurrent layers in one or both directions, trained by CTC.",
            "Graves et al., Connectionist Temporal Classification, ICML 2006; Amodei et al., Deep Speech 2, ICML 2016 (the pattern, small)",
            typeof(CtcGruOptions),
            options => [.. ((CtcGruOptions)options).FeaturePoints().Select(point => point.Name)],
            (options, data) => new CtcGru((CtcGruOptions)options, data)))
        .Add(new ModelEntry(
            "ctc_conformer",
            "Speech to symbols: convolutions that halve the frames, Conformer blocks in one or both directions, trained by CTC.",
            "Gulati et al., Conformer: Convolution-augmented Transformer for Speech Recognition, Interspeech 2020 (small; rotary positions, layer in the place of batch normalisation)",
            typeof(CtcConformerOptions),
            options => [.. ((CtcConformerOptions)options).FeaturePoints().Select(point => point.Name)],
            (options, data) => new CtcConformer((CtcConformerOptions)options, data)))
        .Add(new ModelEntry(
            "speech_transformer",
            "Speech to symbols by attention: convolutions that halve the frames, a Transformer encoder, and a decoder that writes symbol by symbol.",
            "Dong et al., Speech-Transformer, ICASSP 2018 (small)",
            typeof(SpeechTransformerOptions),
            options => [.. ((SpeechTransformerOptions)options).FeaturePoints().Select(point => point.Name)],
            (options, data) => new SpeechTransformer((SpeechTransformerOptions)options, data)))
        .Add(new ModelEntry(
            "activity_gru",
            "Sound to speech or none, every 32 ms and without looking ahead: log-mel features, a convolution, a recurrent layer.",
            "Hughes, Mierle, Recurrent Neural Networks for Voice Activity Detection, ICASSP 2013 (the pattern)",
            typeof(ActivityGruOptions),
            _ => ["layer1", "logits"],
            (options, data) => new ActivityGru((ActivityGruOptions)options, data)));
}
