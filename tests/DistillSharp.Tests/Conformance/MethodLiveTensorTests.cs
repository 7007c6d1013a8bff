using DistillSharp.Methods;
using static TorchSharp.torch;

namespace DistillSharp.Tests.Conformance;

/// <summary>Counts all tensors of the process, so no other test may run beside it.</summary>
[CollectionDefinition(nameof(MethodLiveTensorTests), DisableParallelization = true)]
[Collection(nameof(MethodLiveTensorTests))]
public class MethodLiveTensorTests
{
    public static TheoryData<string> All => new(MethodCatalog.Default().Entries.Select(entry => entry.Name));

    [Theory]
    [MemberData(nameof(All))]
    public void Compute_FiftySteps_LeaveNoTensorMoreThanTheFirst(string name)
    {
        using var scope = NewDisposeScope();
        var test = new MethodCase(name);
        var counts = new List<long>();
        for (var step = 0; step < 50; step++)
        {
            using (NewDisposeScope())
            {
                test.Compute().Mean.backward();
            }

            counts.Add(Tensor.TotalCount);
        }

        // The finalizer may take away what earlier tests left, so the count may fall, never rise.
        Assert.InRange(counts[^1], 0, counts[1]);
    }
}
