using DistillSharp.Config;
using DistillSharp.Sequences.Transformers;
using DistillSharp.Speech.Models;
using DistillSharp.Text.Models;

namespace DistillSharp.Tests.Sequences.Transformers;

/// <summary>What the transformers of text and of speech share.</summary>
public sealed class TransformerShapeTests
{
    [Fact]
    public void CheckSizes_SizesThatDoNotGoTogether_AreReported()
    {
        string[] expected = ["heads: must divide width (9), not be 2", "width: must be even: positions are pairs of sine and cosine"];

        Assert.Equal(expected, Faults(new TransformerOptions { Width = 9, Heads = 2 }));
        Assert.Equal(expected, Faults(new SpeechTransformerOptions { Width = 9, Heads = 2 }));
        Assert.Empty(Faults(new TransformerOptions()));
        Assert.Empty(Faults(new SpeechTransformerOptions()));
    }

    [Fact]
    public void FeaturePoints_RecurrentDecoder_HasNoQueries()
    {
        string[] expected = ["encoder1.queries", "encoder1.keys", "encoder1.values", "encoder1", "encoder", "decoder1", "decoder2", "decoder"];
        var options = new TransformerOptions { EncoderLayers = 1, DecoderLayers = 2, Decoder = DecoderKind.Ssru };

        Assert.Equal(expected, options.FeaturePoints().Select(point => point.Name));
    }

    private static string[] Faults(ICheckedOptions options)
    {
        var errors = new ConfigErrors();
        options.Check(ConfigNode.Map("", new Dictionary<string, ConfigNode>()), errors);
        return [.. errors.All.Select(error => error.ToString())];
    }
}
