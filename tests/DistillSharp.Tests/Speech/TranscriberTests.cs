using DistillSharp.Data;
using DistillSharp.Speech;
using DistillSharp.Speech.Audio;
using DistillSharp.Speech.Models;
using DistillSharp.Speech.Recognition;
using static TorchSharp.torch;

namespace DistillSharp.Tests.Speech;

[Collection(nameof(TorchGenerator))]
public sealed class TranscriberTests
{
    private static readonly DatasetInfo Info = new("tones", [6], []) { Ctc = new CtcInfo(["a", "b"], [0, 0, 0, 0, 0, 0], [1, 1, 1, 1, 1, 1]) };

    [Fact]
    public void Transcribe_RateThatIsNoMultipleOf100_GivesTimesInWholeSamples()
    {
        using var folder = new TemporaryFolder();
        using var transcriber = new Transcriber(Export(folder, "22050"));
        var word = Assert.Single(transcriber.Transcribe(new AudioClip([.. Enumerable.Range(0, 22050).Select(i => 0.3f * MathF.Sin(i))], 22050)).Words);
        Assert.Equal("a", word.Word);
        // A frame is 220 samples, an output frame four of them.
        Assert.Equal(4 * 220 / 22050.0, word.End - word.Start, 1e-9);
    }

    [Theory]
    [InlineData("fast")]
    [InlineData("0")]
    [InlineData("22050.5")]
    public void Transcriber_MetadataThatIsNoNumber_IsNamed(string rate)
    {
        using var folder = new TemporaryFolder();
        var path = Export(folder, rate);
        Assert.Equal(
            $"{path}: speech.sample_rate of its metadata is `{rate}`; it must be a whole number above 0",
            Assert.Throws<InvalidDataException>(() => new Transcriber(path)).Message);
    }

    // It hears one long a, whatever is said.
    private static string Export(TemporaryFolder folder, string rate)
    {
        using var scope = NewDisposeScope();
        using var network = new CtcGru(new CtcGruOptions { Layers = 1, Width = 5, Channels = 7 }, Info);
        using (no_grad())
        {
            network.get_parameter("classifier.bias")!.add_(tensor(new[] { 0f, 100f, 0f }));
        }

        CtcExport.Write(network, folder.File("x.onnx"), new Dictionary<string, string>
        {
            [TranscriberFile.Alphabet] = "ab",
            [TranscriberFile.SampleRate] = rate,
            [TranscriberFile.Mels] = "6",
            [TranscriberFile.Subsampling] = "4",
        });
        return folder.File("x.onnx");
    }
}
