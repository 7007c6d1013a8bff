using System.Runtime.Intrinsics;
using DistillSharp.Losses.Logits;
using DistillSharp.Losses.Sequences;
using static TorchSharp.torch;

namespace DistillSharp.Tests.Losses.Logits;

[Collection(nameof(TorchGenerator))]
public sealed class WideRowsTests
{
    // Classes that are no multiple of eight, so that a row has a rest.
    private const int Rows = 60;
    private const int Classes = 5003;

    [Theory]
    [InlineData(0)]
    [InlineData(0.1)]
    public void CrossEntropy_UnlabelledRows_IsTorchsInFloat64(double smoothing)
    {
        using var scope = NewDisposeScope();
        var (logits, labels) = (Logits(1), (arange(Rows) * 71) % Classes);
        labels[3] = tensor(-1L);
        Assert.True(WideRows.Fit(logits));

        var (value, gradient) = Evaluate(logits, z => HardLabels.CrossEntropy(z, labels, smoothing).Sum);
        var (expected, slope) = Evaluate(logits.to(ScalarType.Float64), z => nn.functional.cross_entropy(z, labels, ignore_index: -1, reduction: nn.Reduction.Sum, label_smoothing: smoothing));

        Assert.Equal(expected, value, 1e-5 * Math.Abs(expected));
        Assert.InRange((gradient - slope).abs().max().item<double>(), 0, 1e-6);
        Assert.Equal(0, gradient[3].abs().max().item<double>());
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2.5)]
    public void Divergence_PaddedRows_IsTorchsInFloat64(double temperature)
    {
        using var scope = NewDisposeScope();
        var (student, teacher) = (Logits(2), Logits(3));
        var mask = ones(2, Rows / 2);
        mask[1, 4] = tensor(0f);
        var row = (Rows / 2) + 4;
        student[row] = tensor(float.PositiveInfinity);

        var (value, gradient) = Evaluate(student, z => TokenLoss.SoftTarget(z.view(2, -1, Classes), teacher.view(2, -1, Classes), mask, temperature).Sum);
        var valid = mask.view(-1).nonzero().view(-1);
        var (expected, slope) = Evaluate(student.to(ScalarType.Float64), z => SoftTargetLoss.Compute(z.index_select(0, valid), teacher.to(ScalarType.Float64).index_select(0, valid), temperature).Sum);

        Assert.Equal(expected, value, 1e-5 * Math.Abs(expected));
        Assert.InRange((gradient - slope).abs().max().item<double>(), 0, 1e-6);
        Assert.Equal(0, gradient[row].abs().max().item<double>());
        Assert.Equal(Rows - 1, TokenLoss.SoftTarget(student.view(2, -1, Classes), teacher.view(2, -1, Classes), mask, temperature).Count);
    }

    [Fact]
    public void Divergence_TeacherItself_IsZeroToTheBit()
    {
        using var scope = NewDisposeScope();
        var (value, gradient) = Evaluate(Logits(4), z => WideRows.Divergence(z, z.detach(), null, 1));

        Assert.Equal(0, value);
        Assert.Equal(0, gradient.abs().max().item<double>());
    }

    [Fact]
    public void CrossEntropy_SeveralThreads_GivesTheSameBits()
    {
        using var scope = NewDisposeScope();
        var (logits, labels, threads) = (Logits(5), arange(Rows), get_num_threads());
        try
        {
            set_num_threads(1);
            var one = Evaluate(logits, z => WideRows.CrossEntropy(z, labels, 0.1));
            set_num_threads(3);
            var three = Evaluate(logits, z => WideRows.CrossEntropy(z, labels, 0.1));

            Assert.Equal(one.Value, three.Value);
            Assert.Equal(0, (one.Gradient - three.Gradient).abs().max().item<double>());
        }
        finally
        {
            set_num_threads(threads);
        }
    }

    [Fact]
    public void CrossEntropy_LabelBeyondTheClasses_IsRefused() =>
        Assert.Contains("label 5003 is none of 5003 classes", Assert.Throws<ArgumentException>(() => new CrossEntropyRows([0, Classes], Classes, 0)).Message);

    [Fact]
    public void Exp_WholeRange_IsTheExponentialToSevenDigits()
    {
        for (var x = -86.9f; x < 88; x += 0.137f)
        {
            Assert.Equal(1, Lanes.Exp(Vector256.Create(x))[0] / Math.Exp(x), 3e-7);
        }

        Assert.Equal(0, Lanes.Exp(Vector256.Create(-88f))[5]);
        Assert.Equal(0, Lanes.Exp(Vector256.Create(float.NegativeInfinity))[7]);
    }

    private static Tensor Logits(int seed)
    {
        var random = new Random(seed);
        return tensor([.. Enumerable.Range(0, Rows * Classes).Select(_ => (float)((random.NextDouble() * 12) - 6))], [Rows, Classes]);
    }

    private static (double Value, Tensor Gradient) Evaluate(Tensor at, Func<Tensor, Tensor> loss)
    {
        var given = at.detach().clone().requires_grad_();
        var value = loss(given);
        value.backward();
        return (value.to(ScalarType.Float64).item<double>(), given.grad!.to(ScalarType.Float64));
    }
}
