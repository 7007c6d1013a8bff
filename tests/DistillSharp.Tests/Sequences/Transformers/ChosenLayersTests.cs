using DistillSharp.Sequences.Transformers;
using DistillSharp.Text.Models;

namespace DistillSharp.Tests.Sequences.Transformers;

public sealed class ChosenLayersTests
{
    [Theory]
    [InlineData("encoder.layers.1.feed_forward.expand.weight", "encoder.layers.2.feed_forward.expand.weight")]
    [InlineData("decoder.layers.0.history_norm.bias", "decoder.layers.1.history_norm.bias")]
    [InlineData("encoder.norm.weight", "encoder.norm.weight")]
    [InlineData("embedding.weight", "embedding.weight")]
    public void Origin_Parameter_IsThatOfTheChosenLayer(string name, string origin) => Assert.Equal(origin, new ChosenLayers([1, 3], [2]).Origin(name));

    [Fact]
    public void Fault_OtherNumbersOfLayers_SaysWhatIsRight()
    {
        var teacher = new TransformerOptions { EncoderLayers = 3, DecoderLayers = 2 };
        var student = new TransformerOptions { EncoderLayers = 2, DecoderLayers = 1 };

        Assert.Null(new ChosenLayers([1, 3], [2]).Fault(teacher, student));
        Assert.Equal("from_layers.encoder must name 2 of the teacher's 3 layers, one for each of the student's, not [1]", new ChosenLayers([1], [2]).Fault(teacher, student));
        Assert.StartsWith("from_layers.decoder must name 1 of the teacher's 2 layers", new ChosenLayers([1, 3], [3]).Fault(teacher, student), StringComparison.Ordinal);
    }
}
