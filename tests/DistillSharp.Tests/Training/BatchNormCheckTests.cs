using DistillSharp.Data;
using DistillSharp.Training;

namespace DistillSharp.Tests.Training;

public class BatchNormCheckTests
{
    [Theory]
    [InlineData(9, 4)]
    [InlineData(1, 4)]
    [InlineData(5, 1)]
    public void ThrowIfTooSmall_ABatchOfOne_NamesLayerAndNumbers(int samples, int batchSize)
    {
        using var network = new TrainingCase().Cnn([2]);
        var error = Assert.Throws<InvalidOperationException>(() => BatchNormCheck.ThrowIfTooSmall(network, Source(samples, batchSize), batchSize));
        Assert.Contains("bn1", error.Message, StringComparison.Ordinal);
        Assert.Contains($"{samples} training samples in batches of {batchSize}", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(10, 4)]
    [InlineData(8, 4)]
    [InlineData(3, 4)]
    public void ThrowIfTooSmall_LargerBatches_Passes(int samples, int batchSize)
    {
        using var network = new TrainingCase().Cnn([2]);
        BatchNormCheck.ThrowIfTooSmall(network, Source(samples, batchSize), batchSize);
    }

    [Fact]
    public void ThrowIfTooSmall_NetworkWithoutBatchNorm_Passes()
    {
        using var network = new TrainingCase().Mlp(16, 4);
        BatchNormCheck.ThrowIfTooSmall(network, Source(9, 4), 4);
    }

    private static Loader Source(int samples, int batchSize) =>
        new(TrainingCase.Samples(samples, [1, 4, 4]), new LoaderOptions { BatchSize = batchSize });
}
