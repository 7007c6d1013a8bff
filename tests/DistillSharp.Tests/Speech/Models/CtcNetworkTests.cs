using DistillSharp.Data;
using DistillSharp.Export.Onnx;
using DistillSharp.Sequences;
using DistillSharp.Speech.Models;
using DistillSharp.Speech.Recognition;
using DistillSharp.Training;
using static TorchSharp.torch;

namespace DistillSharp.Tests.Speech.Models;

/// <summary>What every CTC network must hold.</summary>
[Collection(nameof(TorchGenerator))]
public sealed class CtcNetworkTests
{
    private static readonly DatasetInfo Info = new("tones", [6], []) { Ctc = new CtcInfo(["a", "b", "c"], [1, 2, 3, 4, 5, 6], [1, 1, 2, 2, 3, 3]) };

    /// <summary>The networks by a name of their own.</summary>
    private static readonly Dictionary<string, Func<CtcNetwork>> Networks = new()
    {
        ["gru"] = () => new CtcGru(new CtcGruOptions { Layers = 2, Width = 5, Channels = 7, Heads = [1] }, Info),
        ["gru one way, 2"] = () => new CtcGru(new CtcGruOptions { Layers = 2, Width = 5, Channels = 7, Bidirectional = false, Subsampling = 2, Heads = [1] }, Info),
        ["conformer"] = () => new CtcConformer(new CtcConformerOptions { Layers = 2, Width = 12, AttentionHeads = 3, FeedForward = 20, Channels = 7, Kernel = 5, Heads = [1] }, Info),
        ["conformer one way, 2"] = () => new CtcConformer(new CtcConformerOptions { Layers = 2, Width = 8, AttentionHeads = 2, FeedForward = 20, Channels = 7, Kernel = 3, Bidirectional = false, Subsampling = 2, Heads = [1] }, Info),
    };

    public static TheoryData<string> Names => [.. Networks.Keys];

    public static TheoryData<string> OneWay => [.. Networks.Keys.Where(name => name.Contains("one way", StringComparison.Ordinal))];

    private static CtcNetwork Create(string name)
    {
        manual_seed(11);
        return Networks[name]();
    }

    private static Batch Features(long[] lengths, Func<Tensor, Tensor>? padding = null)
    {
        var longest = lengths.Max();
        manual_seed(4);
        var input = randn(lengths.Length, longest, 6);
        var valid = arange(longest).unsqueeze(0).lt(tensor(lengths).unsqueeze(1)).unsqueeze(-1);
        return new Batch
        {
            Inputs = new Dictionary<string, Tensor> { [Batch.DefaultInput] = where(valid, input, padding is null ? zeros_like(input) : padding(input)) },
            Lengths = new Dictionary<string, Tensor> { [Batch.DefaultInput] = tensor(lengths) },
            SampleIds = [.. lengths.Select((_, i) => (long)i)],
            AugmentationKeys = new ulong[lengths.Length],
        };
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Logits_OfAnUtterance_DoNotDependOnItsBatch(string name)
    {
        using var scope = NewDisposeScope();
        using var network = Create(name);
        long[] lengths = [21, 9, 1, 16];
        foreach (var training in new[] { true, false })
        {
            // Dropout would be another with every call.
            network.train(training);
            network.modules().OfType<DistillSharp.Models.InvertedDropout>().ToList().ForEach(dropout => dropout.eval());
            var batch = Features(lengths);
            var (clean, dirty) = (network.Logits(batch), network.Logits(Features(lengths, input => (input * 1000) + 7)));
            for (var row = 0; row < lengths.Length; row++)
            {
                var frames = network.OutputFrames((int)lengths[row]);
                Assert.Equal(frames, (int)network.MaskOfLogits(clean, batch)![row].sum().item<float>());
                Assert.Equal(frames, (int)network.MaskOf("inter1", batch)![row].sum().item<float>());
                Assert.Equal(0, (clean[row] - dirty[row]).narrow(0, 0, frames).abs().max().item<float>());
                // Alone, without any padding, it is the same.
                var alone = network.Forward(batch.Input[row].narrow(0, 0, lengths[row]).unsqueeze(0), tensor(new[] { lengths[row] }));
                Assert.Equal(0, (clean[row].narrow(0, 0, frames) - alone[0]).abs().max().item<float>(), 1e-5);
            }
        }
    }

    [Theory]
    [MemberData(nameof(OneWay))]
    public void Logits_OneDirection_DoNotDependOnWhatComesLater(string name)
    {
        using var scope = NewDisposeScope();
        using var network = Create(name);
        network.eval();
        var batch = Features([40]);
        var other = batch.Input.clone();
        other.narrow(1, 24, 16).mul_(3);
        var (before, after) = (network.Logits(batch), network.Forward(other, tensor(new[] { 40L })));
        // An output frame sees at most three input frames beyond its own.
        var known = (24 / network.Subsampling) - 1;
        Assert.Equal(0, (before - after).narrow(1, 0, known).abs().max().item<float>());
        Assert.True((before - after).narrow(1, known + 1, before.shape[1] - known - 1).abs().max().item<float>() > 1e-4);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Training_EveryParameter_HasAGradient(string name)
    {
        using var scope = NewDisposeScope();
        using var network = Create(name);
        network.Logits(Features([21, 9])).square().sum().backward();
        Assert.All(network.named_parameters().Where(entry => !entry.name.StartsWith("head", StringComparison.Ordinal)), entry => Assert.True(entry.parameter.grad is { } gradient && gradient.isfinite().all().item<bool>(), entry.name));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Export_AloneAndInPaddedBatches_GivesTheNetworksLogitsAndTexts(string name)
    {
        using var scope = NewDisposeScope();
        using var folder = new TemporaryFolder();
        using var network = Create(name);
        CtcExport.Write(network, folder.File("x.onnx"), new Dictionary<string, string>());
        var lengths = Enumerable.Range(0, 40).Select(i => 1L + (i * 7 % 60)).ToArray();
        var report = SpeechParity.Compare(network, folder.File("x.onnx"), size => new Utterances(lengths, size), new SymbolAlphabet("abc"), 4);
        Assert.Equal(40, report.Utterances);
        Assert.InRange(report.LargestDifference!.Value, 0, 1e-4);
        Assert.All(report.Mismatches, mismatch => Assert.InRange(mismatch.Margin, 0, 1e-3));
        SpeechParity.Require(report, "x.onnx");
    }

    [Fact]
    public void Conformer_SoundShiftedInTime_IsReadAlike()
    {
        // Positions are relative and nothing else knows where a frame stands: what is said later in silence gives the same frames later, but for those near its ends.
        using var scope = NewDisposeScope();
        using var network = (CtcConformer)Create("conformer");
        network.eval();
        var attention = network.named_modules().First(module => module.name == "layer1.attention").module;
        var (short_, valid) = (randn(1, 9, 12), ones(1, 9));
        var twice = cat([short_, short_], 1);
        var mask = cat([zeros(1, 9), ones(1, 9)], 1);
        var later = ((RotaryAttention)attention).Forward(twice, mask).narrow(1, 9, 9);
        Assert.Equal(0, (later - ((RotaryAttention)attention).Forward(short_, valid)).abs().max().item<float>(), 1e-5);
        // And positions do count: in another order the frames are read differently.
        var turned = ((RotaryAttention)attention).Forward(short_.flip(1), valid).flip(1);
        Assert.True((turned - ((RotaryAttention)attention).Forward(short_, valid)).abs().max().item<float>() > 1e-4);
    }

    [Fact]
    public void Conformer_Parameters_AreThoseOfTheBlock()
    {
        using var network = new CtcConformer(new CtcConformerOptions { Layers = 2, Width = 12, AttentionHeads = 3, FeedForward = 20, Channels = 7, Kernel = 5 }, Info);
        var feedForward = (2 * 12) + (12 * 20) + 20 + (20 * 12) + 12;
        var attention = (2 * 12) + (12 * 36) + 36 + (12 * 12) + 12;
        var convolution = (2 * 12) + (12 * 24) + 24 + (12 * 5) + 12 + (2 * 12) + (12 * 12) + 12;
        var expected = (((6 * 3) + 1) * 7) + (((7 * 3) + 1) * 7) + (8 * 12) + (2 * ((2 * feedForward) + attention + convolution + (2 * 12))) + (13 * 4);
        Assert.Equal(expected, network.parameters().Sum(parameter => parameter.numel()));
    }

    [Theory]
    [InlineData("gru")]
    [InlineData("conformer")]
    public void LayerStart_ChosenLayers_AreCopiedWithConvolutionsAndOutput(string kind)
    {
        using var scope = NewDisposeScope();
        CtcNetwork Network(int layers, int width = 8) => kind == "gru"
            ? new CtcGru(new CtcGruOptions { Layers = layers, Width = width, Channels = 16, Heads = layers == 2 ? [1] : [] }, Info)
            : new CtcConformer(new CtcConformerOptions { Layers = layers, Width = width, AttentionHeads = 2, FeedForward = 12, Channels = 16, Kernel = 3, Heads = layers == 2 ? [1] : [] }, Info);
        using var teacher = Network(3);
        using var student = Network(2);
        SpeechLayerStart.Copy(teacher, student, new FromLayersOptions { Encoder = [1, 3] });
        var given = teacher.named_parameters().ToDictionary(entry => entry.name, entry => entry.parameter);
        Assert.All(student.named_parameters().Where(entry => !entry.name.StartsWith("head", StringComparison.Ordinal)), entry =>
            Assert.Equal(0, (entry.parameter - given[entry.name.Replace("layer2.", "layer3.", StringComparison.Ordinal)]).abs().max().item<float>()));

        string Fault(CtcNetwork other, FromLayersOptions options) => Assert.Throws<ArgumentException>(() => SpeechLayerStart.Copy(teacher, other, options)).Message;
        Assert.Contains("must name 2 of the teacher's 3 layers", Fault(student, new FromLayersOptions { Encoder = [1] }), StringComparison.Ordinal);
        Assert.Contains("must name 2 of the teacher's 3 layers", Fault(student, new FromLayersOptions { Encoder = [1, 4] }), StringComparison.Ordinal);
        Assert.Contains("has no decoder", Fault(student, new FromLayersOptions { Encoder = [1, 2], Decoder = [1] }), StringComparison.Ordinal);
        using var narrow = Network(2, 4);
        Assert.Contains("needs layers that are alike", Fault(narrow, new FromLayersOptions { Encoder = [1, 2] }), StringComparison.Ordinal);
        using var other = kind == "gru" ? Create("conformer") : Create("gru");
        Assert.Contains("networks of a kind", Fault(other, new FromLayersOptions { Encoder = [1, 2] }), StringComparison.Ordinal);
    }

    [Fact]
    public void LayerStart_OtherAttentionHeads_AreRefused()
    {
        CtcConformer Network(int heads) => new(new CtcConformerOptions { Layers = 1, Width = 8, AttentionHeads = heads, FeedForward = 12, Channels = 16, Kernel = 3 }, Info);
        using var teacher = Network(2);
        using var student = Network(4);

        var error = Assert.Throws<ArgumentException>(() => SpeechLayerStart.Copy(teacher, student, new FromLayersOptions { Encoder = [1] }));

        Assert.Equal("from_layers needs layers that are alike: the teacher's have 2 attention_heads, the student's 4", error.Message);
    }

    [Fact]
    public void Require_AnotherNetworksFile_IsRefusedWithTheDifference()
    {
        using var scope = NewDisposeScope();
        using var folder = new TemporaryFolder();
        using var network = Create("gru");
        CtcExport.Write(network, folder.File("x.onnx"), new Dictionary<string, string>());
        using (no_grad())
        {
            network.get_parameter("classifier.bias")!.add_(tensor(new[] { 0f, 1f, 0f, 0f }));
        }

        var report = SpeechParity.Compare(network, folder.File("x.onnx"), size => new Utterances([30, 20, 10], size), new SymbolAlphabet("abc"), 4);
        Assert.Equal(1, report.LargestDifference!.Value, 4);
        Assert.Contains("differs from the network by 1", Assert.Throws<ParityException>(() => SpeechParity.Require(report, "x.onnx")).Message, StringComparison.Ordinal);
    }

    /// <summary>Random features of given lengths in batches; the numbers of an utterance do not depend on the batch.</summary>
    private sealed class Utterances(long[] lengths, int size) : IBatchSource
    {
        public DatasetInfo Info => CtcNetworkTests.Info;

        public bool IsAugmented => false;

        public int SampleCount => lengths.Length;

        public int BatchCount => (lengths.Length + size - 1) / size;

        public IEnumerable<Batch> Epoch(int epoch, int firstBatch = 0, CancellationToken cancellation = default)
        {
            foreach (var numbers in Enumerable.Range(0, lengths.Length).Chunk(size))
            {
                var longest = numbers.Max(number => lengths[number]);
                yield return new Batch
                {
                    Inputs = new Dictionary<string, Tensor> { [Batch.DefaultInput] = stack([.. numbers.Select(number => Padded(number, longest))], 0) },
                    Lengths = new Dictionary<string, Tensor> { [Batch.DefaultInput] = tensor(numbers.Select(number => lengths[number]).ToArray()) },
                    SampleIds = [.. numbers.Select(number => (long)number)],
                    AugmentationKeys = new ulong[numbers.Length],
                };
            }
        }

        private Tensor Padded(int number, long longest)
        {
            var random = new StableRandom((ulong)number);
            var values = Enumerable.Range(0, (int)lengths[number] * 6).Select(_ => (float)(6 * random.Unit())).ToArray();
            return cat([tensor(values).view(lengths[number], 6), zeros(longest - lengths[number], 6)], 0);
        }
    }
}
