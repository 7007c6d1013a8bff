using System.Text;
using DistillSharp.Data;
using DistillSharp.Sequences;
using DistillSharp.Text.Corpora;
using DistillSharp.Sequences.Transformers;
using DistillSharp.Text.Models;
using DistillSharp.Text.Tokenization;
using DistillSharp.Text.Translation;
using static TorchSharp.torch;

namespace DistillSharp.Tests.Text.Translation;

[Collection(nameof(TorchGenerator))]
public sealed class OnnxTranslationTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly TextCodec _codec;
    private readonly string[] _sentences;

    public OnnxTranslationTests()
    {
        var corpus = ToyPhrases.Load(new ToyPhrasesOptions { Pairs = 500 }, new SplitRequest(0.2, 0, null));
        _codec = new TextCodec(BytePairEncoding.Learn(corpus.Train.SelectMany(pair => new[] { pair.Source, pair.Target }), 420));
        _sentences = [.. corpus.Validation.Take(40).Select(pair => pair.Source), "a", "Ünïcode 日本 %s and {0}", string.Join(' ', Enumerable.Repeat("the red house", 12))];
    }

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(DecoderKind.Attention)]
    [InlineData(DecoderKind.Ssru)]
    public void Compare_GreedyAndBeamAloneAndPadded_GivesTheSameTokens(DecoderKind kind)
    {
        using var network = Create(kind);
        using var model = Export(network);

        var mismatches = TranslationFiles.Compare(network, model, _codec, _sentences);

        // Untrained weights: two tokens may be as good as each other.
        Assert.All(mismatches, mismatch => Assert.InRange(mismatch.Margin, 0, 1e-4));
        Assert.True(mismatches.Count <= 2, $"{mismatches.Count} mismatches");
    }

    [Theory]
    [InlineData(DecoderKind.Attention)]
    [InlineData(DecoderKind.Ssru)]
    public void Step_ReorderedAndKept_GivesTheLogitsOfTheNetwork(DecoderKind kind)
    {
        using var network = Create(kind);
        using var model = Export(network);
        int[][] sources = [[20, 21, 2], [30, 31, 32, 33, 2]];
        using var expected = network.OpenSteps(sources, 2);
        using var found = model.Open(sources, 2);

        Compare([1, 1, 1, 1]);
        Compare([50, 51, 52, 53]);
        expected.Reorder([1, 0, 2, 2]);
        found.Reorder([1, 0, 2, 2]);
        Compare([54, 55, 56, 57]);
        expected.Keep([1]);
        found.Keep([1]);
        Compare([58, 59]);

        void Compare(int[] tokens)
        {
            var (one, other) = (new float[tokens.Length * _codec.Tokens.Vocabulary], new float[tokens.Length * _codec.Tokens.Vocabulary]);
            expected.Step(tokens, one);
            found.Step(tokens, other);
            Assert.All(one.Zip(other), pair => Assert.Equal(pair.First, pair.Second, 1e-4f));
        }
    }

    [Fact]
    public void Compare_AnotherNetwork_IsFound()
    {
        using var network = Create(DecoderKind.Attention);
        using var model = Export(network);
        using (no_grad())
        {
            network.named_parameters().First(entry => entry.name == "decoder.norm.bias").parameter.add_(1);
        }

        Assert.Contains(TranslationFiles.Compare(network, model, _codec, _sentences), mismatch => mismatch.Margin > 1e-3);
    }

    [Fact]
    public void Open_MoreTokensThanPositions_SaysHowMany()
    {
        using var network = Create(DecoderKind.Ssru);
        using var model = Export(network);

        Assert.Contains("1025 tokens", Assert.Throws<ArgumentException>(() => model.Open([new int[TranslationExporter.LongestSequence + 1]], 1)).Message);
    }

    [Theory]
    [InlineData("a.encoder.onnx")]
    [InlineData("a.decoder.onnx")]
    public void Constructor_DamagedFile_NamesIt(string damaged)
    {
        using var network = Create(DecoderKind.Ssru);
        Export(network).Dispose();
        _folder.Write(damaged, File.ReadAllBytes(_folder.File(damaged))[..1000]);

        var error = Assert.Throws<InvalidDataException>(() => new OnnxTranslationModel(_folder.File("a.encoder.onnx"), _folder.File("a.decoder.onnx")));
        Assert.Contains(_folder.File(damaged), error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Constructor_TwoEncoders_AreNoPair()
    {
        using var network = Create(DecoderKind.Ssru);
        Export(network).Dispose();
        Assert.Contains("no pair", Assert.Throws<InvalidDataException>(() => new OnnxTranslationModel(_folder.File("a.encoder.onnx"), _folder.File("a.encoder.onnx"))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Translate_LongestPartOfALine_StaysWithinThePositions()
    {
        using var network = Create(DecoderKind.Ssru);
        using var model = Export(network);
        var translator = new LineTranslator(new SentenceTranslator(model.Open, _codec, new DecodingOptions { Beam = 1 }));

        // 600 tokens: an output might have 1210.
        Assert.Single(translator.Translate([new string('é', 300)], TestContext.Current.CancellationToken));
        Assert.Equal(TranslationExporter.LongestSequence, new DecodingOptions().Longest);
    }

    [Fact]
    public void Vocabulary_OfAnotherModel_IsRefused()
    {
        VocabularyFiles.Save(BytePairEncoding.Learn(["other words other words"], 600), _folder.Path);

        Assert.Contains("another vocabulary", Assert.Throws<InvalidDataException>(() => TranslationFiles.Vocabulary(_folder.Path, _codec.Tokens.VocabularySha256, "student")).Message);
    }

    [Fact]
    public void Translate_Lines_KeepsTheirNumber()
    {
        using var network = Create(DecoderKind.Attention);
        var translator = new LineTranslator(SentenceTranslator.Of(network, _codec, new DecodingOptions { Beam = 1, LengthFactor = 1, ExtraLength = 2 }), mostWords: 20, lines: 3);
        var text = $"the cat\n\n  \nopen %s now\n{string.Join(' ', Enumerable.Repeat("word", 10_000))}\nКириллица 한국어\nlast";
        using var output = new StringWriter();

        var count = translator.Translate(new MemoryStream(Encoding.UTF8.GetBytes(text)), "in", output, TestContext.Current.CancellationToken);

        var lines = output.ToString().Split('\n');
        Assert.Equal(7, count);
        Assert.Equal(8, lines.Length);
        Assert.Equal(["", ""], lines[1..3]);
        Assert.Contains("%s", lines[3]);
        Assert.Equal(translator.Translate(["the cat"], TestContext.Current.CancellationToken)[0], lines[0]);
    }

    [Fact]
    public void Translate_InvalidUtf8_TranslatesWhatIsBeforeAndNamesTheLine()
    {
        using var network = Create(DecoderKind.Attention);
        var translator = new LineTranslator(SentenceTranslator.Of(network, _codec, new DecodingOptions { Beam = 1, LengthFactor = 1, ExtraLength = 2 }));
        using var output = new StringWriter();

        var error = Assert.Throws<InvalidDataException>(() => translator.Translate(new MemoryStream([.. "fine\nfine too\n"u8, 0xFF, (byte)'\n']), "in", output, TestContext.Current.CancellationToken));

        Assert.Contains("in, line 3", error.Message);
        Assert.Equal(2, output.ToString().Count(letter => letter == '\n'));
    }

    private OnnxTranslationModel Export(TransformerModel network)
    {
        TranslationExporter.Write(network, _folder.File("a.encoder.onnx"), _folder.File("a.decoder.onnx"), new Dictionary<string, string>());
        return new OnnxTranslationModel(_folder.File("a.encoder.onnx"), _folder.File("a.decoder.onnx"));
    }

    private TransformerModel Create(DecoderKind kind)
    {
        random.manual_seed(5);
        var options = new TransformerOptions { Width = 16, Heads = 2, FeedForward = 24, EncoderLayers = 2, DecoderLayers = 2, Decoder = kind };
        var network = new TransformerModel(options, new DatasetInfo("toy", [], []) { Sequence = _codec.Tokens });
        network.eval();
        return network;
    }
}
