using DistillSharp.Config;
using DistillSharp.Data;
using DistillSharp.Losses.Sequences;
using DistillSharp.Methods;
using DistillSharp.Methods.Sequences;
using DistillSharp.Signals;
using DistillSharp.Tests.Methods.Features;
using static TorchSharp.torch;

namespace DistillSharp.Tests.Methods.Sequences;

public sealed class LayerMethodTests
{
    [Fact]
    public void HiddenStates_WidthsDiffer_ProjectsAndReachesStudentOnly()
    {
        using var scope = NewDisposeScope();
        var test = new FeatureCase(HiddenStatesMethod.Entry, new HiddenStatesOptions(), [[4, 3, 6], [4, 3, 6]], [[4, 3, 8], [4, 3, 8]]);
        Assert.Equal(2, test.Method.parameters().Count());
        test.CheckGradients();
    }

    [Fact]
    public void HiddenStates_Cosine_IsOneMinusCosine()
    {
        using var scope = NewDisposeScope();
        var test = new FeatureCase(HiddenStatesMethod.Entry, new HiddenStatesOptions { Distance = "cosine", Projector = "none" }, [[4, 3, 6]], [[4, 3, 6]]);
        var expected = 1 - nn.functional.cosine_similarity(test.Student.Single(), test.Teacher.Single(), 2).mean();
        Assert.Equal(expected.item<float>(), test.Loss().item<float>(), 1e-5);
    }

    [Theory]
    [InlineData("mse")]
    [InlineData("kl")]
    public void AttentionMaps_Heads_GradientReachesStudentOnly(string distance)
    {
        using var scope = NewDisposeScope();
        new FeatureCase(AttentionMapsMethod.Entry, new AttentionMapsOptions { Distance = distance }, [[4, 2, 3, 3]], [[4, 2, 3, 3]]).CheckGradients();
    }

    [Fact]
    public void AttentionRelations_WidthsDiffer_GradientReachesStudentOnly()
    {
        using var scope = NewDisposeScope();
        new FeatureCase(AttentionRelationsMethod.Entry, new AttentionRelationsOptions { Heads = 2 }, [[4, 3, 6]], [[4, 3, 8]]).CheckGradients();
    }

    [Theory]
    [InlineData("hidden_states", new long[] { 4, 3, 6 }, new long[] { 4, 3, 8 }, "projector: linear")]
    [InlineData("hidden_states", new long[] { 4, 3 }, new long[] { 4, 3 }, "[batch, positions, width]")]
    [InlineData("attention_maps", new long[] { 4, 2, 3, 3 }, new long[] { 4, 4, 3, 3 }, "attention_relations")]
    [InlineData("attention_relations", new long[] { 4, 3, 6 }, new long[] { 4, 3, 8 }, "12 relation heads")]
    public void Constructor_ShapesThatDoNotFit_SaysWhatWouldBeRight(string name, long[] student, long[] teacher, string reason)
    {
        using var scope = NewDisposeScope();
        var entry = MethodCatalog.Default().Find(name)!;
        var options = name == "hidden_states" ? new HiddenStatesOptions { Projector = "none" } : FeatureCase.Options(entry);
        Assert.Contains(reason, Assert.Throws<ArgumentException>(() => new FeatureCase(entry, options, [student], [teacher])).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Compute_Mask_CountsValidPositionsAndIgnoresTheRest()
    {
        using var scope = NewDisposeScope();
        var mask = tensor([1f, 1, 1, 1, 0, 0], [2, 3]);
        var method = new HiddenStatesMethod(new HiddenStatesOptions { Projector = "none" }, FeatureCase.Context([[2, 3, 4]], [[2, 3, 4]]));
        manual_seed(1);
        var (student, teacher) = (randn(2, 3, 4), randn(2, 3, 4));
        var batch = new Batch
        {
            Inputs = new Dictionary<string, Tensor> { [Batch.DefaultInput] = zeros(2, 3) },
            Lengths = new Dictionary<string, Tensor> { [Batch.DefaultInput] = tensor(new long[] { 3, 1 }) },
            SampleIds = [0, 1],
            AugmentationKeys = [0, 0],
        };
        ModelSignals Signals(string name, Tensor value) => new(new Signal(zeros(2, 5)), new Dictionary<string, Signal> { [name] = new(value) { Mask = mask } });
        var term = method.Compute(new MethodInput(Signals("s0", student), Signals("t0", teacher), batch, Progress.Start));
        var rows = (student - teacher).square().mean([-1]).reshape(-1).narrow(0, 0, 4);
        Assert.Equal(rows.mean().item<float>(), term.Mean.item<float>(), 1e-5);
        Assert.Equal((4.0, 4.0), (term.Count, method.CountOf(batch)));
        Assert.Equal(HiddenStateLoss.OverPositions(HiddenStateLoss.MeanSquare(student, teacher), mask).Mean.item<float>(), term.Mean.item<float>());
    }
}
