using DistillSharp.Data;
using DistillSharp.Models;
using DistillSharp.Teachers;
using DistillSharp.Tests.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace DistillSharp.Tests.Teachers;

/// <summary>A network run by ONNX Runtime gives what it gives in torch.</summary>
public sealed class ExportedTeacherTests
{
    private static readonly DatasetInfo Images = SampleData.Images(3, 16, 7);

    public static TheoryData<string> Models => ["mlp", "small_cnn", "resnet8x4", "resnet20"];

    [Theory]
    [MemberData(nameof(Models))]
    public void Read_EveryFeaturePoint_IsThatOfTheLiveNetwork(string model)
    {
        using var scope = NewDisposeScope();
        using var network = Create(model);
        string[] features = [.. network.FeaturePoints.Select(point => point.Name), network.FeaturePoints[0].ModulePath + ":input"];
        using var live = new LiveTeacher(network).Open(features);
        using var exported = new ExportedTeacher(network, Images).Open(features);
        foreach (var rows in new[] { 1, 5 })
        {
            using var batch = Samples(rows);
            using var noGradient = no_grad();
            var (expected, actual) = (live.Read(batch), exported.Read(batch));
            AssertNear(expected.Logits.Value, actual.Logits.Value, "logits");
            Assert.Equal(features.Order(), actual.Features.Keys.Order());
            Assert.All(features, name => AssertNear(expected.Features[name].Value, actual.Features[name].Value, name));
        }
    }

    [Fact]
    public void Read_BatchThatIsAView_ReadsItsOwnRows()
    {
        using var scope = NewDisposeScope();
        using var network = Create("mlp");
        using var exported = new ExportedTeacher(network, Images).Open([]);
        var all = rand(6, 3, 16, 16);
        var whole = exported.Read(Batch.Of(all, null, [0, 1, 2, 3, 4, 5])).Logits.Value;
        var part = exported.Read(Batch.Of(all.narrow(0, 2, 3), null, [2, 3, 4])).Logits.Value;
        AssertNear(whole.narrow(0, 2, 3), part, "rows");
    }

    [Fact]
    public void Network_StaysAtHandAndUnchanged()
    {
        using var network = Create("mlp");
        using var teacher = new ExportedTeacher(network, Images);
        var before = teacher.Fingerprint();
        using var source = teacher.Open(["penultimate"]);

        Assert.Same(network, teacher.Network);
        Assert.False(network.training);
        Assert.Equal(before, teacher.Fingerprint());
        Assert.NotEqual(before, new LiveTeacher(network).Fingerprint());
    }

    [Fact]
    public void Open_UnknownFeature_ListsThoseThereAre()
    {
        using var network = Create("mlp");
        var error = Assert.Throws<ArgumentException>(() => new ExportedTeacher(network, Images).Open(["hidden9"]));
        Assert.Contains("hidden1", error.Message, StringComparison.Ordinal);
    }

    internal static Network Create(string model)
    {
        var catalog = ModelCatalog.Default();
        var entry = catalog.Find(model)!;
        var network = entry.Create(Activator.CreateInstance(entry.OptionsType)!, Images);
        using var noGradient = no_grad();
        // Fresh batch-norm statistics are those of doing nothing.
        foreach (var (name, buffer) in network.named_buffers().Where(entry => entry.buffer.is_floating_point()))
        {
            buffer.copy_(name.EndsWith("var", StringComparison.Ordinal) ? rand_like(buffer) + 0.5 : rand_like(buffer) - 0.5);
        }

        return network;
    }

    internal static Batch Samples(int rows) => Batch.Of(rand(rows, 3, 16, 16), null, [.. Enumerable.Range(0, rows).Select(i => (long)i)]);

    private static void AssertNear(Tensor expected, Tensor actual, string what)
    {
        Assert.Equal(expected.shape, actual.shape);
        var difference = (expected - actual).abs().max().ToDouble();
        Assert.True(difference <= 1e-5 * (1 + expected.abs().max().ToDouble()), $"{what}: {difference}");
    }
}
