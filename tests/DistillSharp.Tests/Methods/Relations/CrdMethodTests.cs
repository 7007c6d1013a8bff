using DistillSharp.Config;
using DistillSharp.Data;
using DistillSharp.Losses.Relations;
using DistillSharp.Methods;
using DistillSharp.Methods.Relations;
using DistillSharp.Signals;
using DistillSharp.Tests.Methods.Features;
using TorchSharp;
using static TorchSharp.torch;

namespace DistillSharp.Tests.Methods.Relations;

[Collection(nameof(TorchGenerator))]
public sealed class CrdMethodTests
{
    private static readonly CrdOptions Options = new() { EmbeddingWidth = 4, Negatives = 6 };

    // −log h(positive) − Σ log(1 − h(negative)), h = x/(x + K/n).
    [Fact]
    public void NoiseContrastive_Scores_IsTheEstimate() => Tests.Losses.LossCheck.Agrees(
        (s, _) => new DistillSharp.Losses.LossTerm(ContrastiveLoss.NoiseContrastive(s.exp(), 10).sum(), 3),
        (s, _) => s.Average(row =>
        {
            double Share(double logit) => Math.Exp(logit) / (Math.Exp(logit) + 0.4 + 1e-7);
            return -Math.Log(Share(row[0])) - row.Skip(1).Sum(logit => Math.Log(0.4 / (Math.Exp(logit) + 0.4 + 1e-7)));
        }),
        Tests.Losses.NaiveRows.Random(3, 5, 1), Tests.Losses.NaiveRows.Random(3, 5, 2));

    [Fact]
    public void Compute_Features_GradientReachesStudentAndEmbeddingsOnly()
    {
        using var scope = NewDisposeScope();
        new FeatureCase(CrdMethod.Entry, Options, [[4, 3, 2, 2]], [[4, 7]]).CheckGradients();
    }

    [Fact]
    public void Compute_IdsBeyondTheSplit_GetSlots()
    {
        using var scope = NewDisposeScope();
        var method = Method(4);
        Assert.True(double.IsFinite(Loss(method, [1_000_000, 7]).item<float>()));
        Loss(method, [7, 3]);
        Loss(method, [12, 1_000_000]);
        Assert.Equal([1_000_000, 7, 3, 12], Buffer(method, "bank.ids").data<long>().ToArray());
        Assert.Contains("keeps 4 samples", Assert.Throws<InvalidOperationException>(() => Loss(method, [5, 6])).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Similarities_FewSlotsOrMany_AreTheInnerProductsAndTheirGradient()
    {
        using var scope = NewDisposeScope();
        var (bank, embeddings) = (randn(50, 4), randn(3, 4));
        var (few, many) = (randint(0, 50, [3, 2], ScalarType.Int64), randint(0, 50, [3, 40], ScalarType.Int64));
        foreach (var slots in new[] { few, many })
        {
            var (given, naive) = (embeddings.detach().requires_grad_(), embeddings.clone().requires_grad_());
            var similarities = MemoryBank.Similarities(bank, given, slots);
            var expected = (bank[slots] * naive.unsqueeze(1)).sum(2);
            similarities.square().sum().backward();
            expected.square().sum().backward();
            Assert.True(similarities.allclose(expected, 1e-5, 1e-6));
            Assert.True(given.grad!.allclose(naive.grad!, 1e-5, 1e-5));
        }
    }

    [Fact]
    public void Compute_SameSamples_MovesTheirMemoryAlone()
    {
        using var scope = NewDisposeScope();
        var method = Method(6);
        Loss(method, [4, 5]);
        var before = Buffer(method, "bank.student").clone();
        Loss(method, [5, 9]);
        var moved = (Buffer(method, "bank.student") - before).abs().sum(1).data<float>().ToArray();
        Assert.Equal([false, true, true, false, false, false], moved.Select(change => change > 1e-6));
        Assert.Equal(1, Buffer(method, "bank.student")[1].square().sum().item<float>(), 1e-5);
    }

    [Fact]
    public void Compute_StateLoaded_ContinuesBitIdentically()
    {
        using var scope = NewDisposeScope();
        var first = Method(6);
        Loss(first, [4, 5]);
        var second = Method(6, seed: 99);
        Loss(second, [2, 3]);
        using (no_grad())
        {
            foreach (var (name, value) in first.state_dict())
            {
                second.state_dict()[name].copy_(value);
            }
        }

        manual_seed(11);
        var expected = Loss(first, [5, 8]).item<float>();
        manual_seed(11);
        Assert.Equal(expected, Loss(second, [5, 8]).item<float>());
        Assert.Equal(Buffer(first, "bank.teacher").data<float>().ToArray(), Buffer(second, "bank.teacher").data<float>().ToArray());
    }

    [Fact]
    public void Draw_OtherLabels_NeverDrawsTheOwnLabelNorItself()
    {
        using var scope = NewDisposeScope();
        var bank = new MemoryBank(6, 4);
        var slots = bank.SlotsOf([10, 11, 12, 13, 14, 15], tensor(new long[] { 0, 0, 1, 1, 2, -1 }));
        var drawn = bank.Draw(slots, 200, otherLabels: true);
        long[] Row(Tensor draws, int row) => [.. draws[row].data<long>().ToArray().Distinct().Order()];
        Assert.Equal([2, 3, 4, 5], Row(drawn, 0));
        Assert.Equal([0, 1, 4, 5], Row(drawn, 2));
        Assert.Equal([0, 1, 2, 3, 4], Row(drawn, 5));
        Assert.Equal([0, 1, 2, 4, 5], Row(bank.Draw(slots, 200, otherLabels: false), 3));
    }

    [Fact]
    public void Compute_BuiltInAScopeThatEnded_WorksAndLeavesNoTensorBehind()
    {
        CrdMethod method;
        using (NewDisposeScope())
        {
            method = Method(6);
        }

        long before = 0;
        for (var step = 0; step < 20; step++)
        {
            using (var scope = NewDisposeScope())
            {
                Loss(method, [step % 5, 5]).backward();
            }

            if (step == 4)
            {
                before = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
            }
        }

        Assert.Equal(before, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
        method.Dispose();
    }

    [Fact]
    public void Constructor_TwoPairs_SaysThatOneIsNeeded()
    {
        using var scope = NewDisposeScope();
        var error = Assert.Throws<ArgumentException>(() => new FeatureCase(CrdMethod.Entry, Options, [[4, 3], [4, 3]], [[4, 7], [4, 7]]));
        Assert.Contains("one feature", error.Message, StringComparison.Ordinal);
    }

    private static CrdMethod Method(int samples, int seed = 3)
    {
        manual_seed(seed);
        return new CrdMethod(Options, FeatureCase.Context([[2, 3]], [[2, 5]]) with { TrainingSamples = samples });
    }

    private static Tensor Loss(CrdMethod method, long[] ids)
    {
        var features = (Dictionary<string, Signal>)new() { ["s0"] = new(ones(2, 3) * tensor(new float[] { 1, 2 }, [2, 1])), ["t0"] = new(eye(2, 5)) };
        var signals = new ModelSignals(new Signal(zeros(2, 5)), features);
        return method.Compute(new MethodInput(signals, signals, Batch.Of(zeros(2, 1), tensor(new long[] { 0, 1 }), ids), Progress.Start)).Mean;
    }

    private static Tensor Buffer(CrdMethod method, string name) => method.named_buffers().Single(entry => entry.name == name).buffer;
}
