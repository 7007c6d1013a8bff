using DistillSharp.Export;
using DistillSharp.Methods;
using DistillSharp.Tests.Recipes;
using TorchSharp;
using static TorchSharp.torch;

namespace DistillSharp.Tests.Conformance;

/// <summary>What holds for every method of the catalog, as far as its traits say so.</summary>
[Collection(nameof(TorchGenerator))]
public sealed class MethodConformanceTests
{
    public static TheoryData<string> All => Named(_ => true);

    public static TheoryData<string> Independent => Named(entry => !entry.Traits.HasFlag(MethodTraits.CouplesSamples));

    public static TheoryData<string> Coupling => Named(entry => entry.Traits.HasFlag(MethodTraits.CouplesSamples));

    public static TheoryData<string> Padded => Named(entry => entry.Traits.HasFlag(MethodTraits.Sequences) && MethodCase.IsSequence(entry.Name));

    public static TheoryData<string> ShiftInvariant => Named(entry => entry.Traits.HasFlag(MethodTraits.ShiftInvariant));

    public static TheoryData<string> ZeroAtTeacher => Named(entry => entry.Traits.HasFlag(MethodTraits.ZeroAtTeacher));

    [Theory]
    [MemberData(nameof(All))]
    public void Compute_RandomSignals_GradientReachesStudentAndProjectorsNeverTheTeacher(string name)
    {
        using var scope = NewDisposeScope();
        var test = new MethodCase(name);

        var loss = test.Compute().Mean;
        loss.backward();

        Assert.True(double.IsFinite(loss.ToDouble()), $"the loss is {loss.ToDouble()}");
        Assert.All(test.StudentLeaves, leaf => Assert.True(HasGradient(leaf), "a student signal got no gradient"));
        Assert.All(test.Method.named_parameters(), entry => Assert.True(HasGradient(entry.parameter), $"{entry.name} got no gradient"));
        Assert.Equal(test.Entry.Traits.HasFlag(MethodTraits.HasProjectors), test.Method.parameters().Any(parameter => parameter.requires_grad));
        Assert.All(test.TeacherLeaves, leaf => Assert.True(leaf.grad is null, "a teacher signal got a gradient"));
        Assert.All(test.TeacherNetwork?.parameters() ?? [], parameter => Assert.True(parameter.grad is null, "a teacher parameter got a gradient"));
    }

    [Theory]
    [MemberData(nameof(ZeroAtTeacher))]
    public void Compute_StudentEqualsTeacher_IsZeroWithZeroGradient(string name)
    {
        using var scope = NewDisposeScope();
        var test = new MethodCase(name, same: true);

        var loss = test.Compute().Mean;
        loss.backward();

        Assert.Equal(0, loss.ToDouble(), 1e-6);
        Assert.All(test.StudentLeaves, leaf => Assert.Equal(0, leaf.grad?.abs().max().ToDouble() ?? 0, 1e-5));
    }

    [Theory]
    [MemberData(nameof(ShiftInvariant))]
    public void Compute_ConstantAddedToLogits_ChangesNothing(string name)
    {
        using var scope = NewDisposeScope();
        var test = new MethodCase(name);
        var before = test.Compute().Mean.ToDouble();

        var (student, teacher) = (MethodCase.Map(test.Student, logits => logits + 30), MethodCase.Map(test.Teacher, logits => logits - 20));

        Assert.Equal(before, test.Compute(student: student, teacher: teacher).Mean.ToDouble(), Math.Abs(before) * 1e-4 + 1e-5);
    }

    [Theory]
    [MemberData(nameof(Padded))]
    public void Compute_PaddedPositions_AddNothing(string name)
    {
        using var scope = NewDisposeScope();
        var test = new MethodCase(name);
        var lengths = tensor([.. Enumerable.Range(0, MethodCase.Samples).Select(i => 1L + (i % 6))]);
        var mask = arange(6).unsqueeze(0).lt(lengths.unsqueeze(1)).to_type(ScalarType.Float32);
        var before = test.Compute(mask: mask);

        // Attention maps are padded in queries and keys; what is put there must be a legal probability.
        Tensor Garbage(Tensor value) => value.dim() == 4
            ? where(mask[.., TensorIndex.None, .., TensorIndex.None].mul(mask[.., TensorIndex.None, TensorIndex.None, ..]).gt(0), value, rand_like(value))
            : where(mask.unsqueeze(-1).gt(0), value, randn_like(value) * 50);
        var student = MethodCase.Map(test.Student, Garbage, Garbage);
        var teacher = MethodCase.Map(test.Teacher, Garbage, Garbage);
        var after = test.Compute(student: student, teacher: teacher, mask: mask);
        after.Mean.backward();

        Assert.Equal(before.Count, after.Count);
        Assert.Equal(before.Mean.ToDouble(), after.Mean.ToDouble(), Math.Abs(before.Mean.ToDouble()) * 1e-5 + 1e-6);
        foreach (var leaf in test.Entry.Traits.HasFlag(MethodTraits.UsesFeatures) ? student.Features.Values.Select(signal => signal.Value) : [student.Logits.Value])
        {
            var padding = leaf.dim() == 4 ? mask[.., TensorIndex.None, .., TensorIndex.None].eq(0).expand_as(leaf) : mask.unsqueeze(-1).eq(0).expand_as(leaf);
            Assert.Equal(0, leaf.grad!.masked_select(padding).abs().max().ToDouble());
        }
    }

    [Theory]
    [MemberData(nameof(Independent))]
    public void Compute_TwoHalfBatches_AddUpToTheWhole(string name)
    {
        using var scope = NewDisposeScope();
        var test = new MethodCase(name);
        // Statistics of a batch (batch-norm) and random masks are the training mode's.
        test.Method.eval();

        var whole = test.Compute();
        var (first, second) = (test.Compute(..4), test.Compute(4..));

        Assert.Equal(whole.Count, first.Count + second.Count);
        var sum = whole.Sum.ToDouble();
        Assert.Equal(sum, first.Sum.ToDouble() + second.Sum.ToDouble(), (Math.Abs(sum) * 1e-5) + 1e-6);
    }

    [Theory]
    [MemberData(nameof(Coupling))]
    public void Check_AccumulationWithAMethodThatCouplesSamples_IsRefusedBeforeTheRun(string name)
    {
        var points = MethodCatalog.Default().Find(name)!.Traits.HasFlag(MethodTraits.UsesFeatures) ? ", student: penultimate, teacher: penultimate" : "";
        var faults = RecipeText.Faults(RecipeText.Start + $"objective: {{terms: [{{method: {name}{points}}}]}}\n", "training.accumulate=2");

        Assert.Contains(faults, fault => fault.Path == "objective.training" && fault.Message.Contains(name, StringComparison.Ordinal));
    }

    [Theory]
    [MemberData(nameof(All))]
    public void Compute_HalfPrecisionSignals_IsComputedInFloat32(string name)
    {
        using var scope = NewDisposeScope();
        var test = new MethodCase(name);
        Tensor Half(Tensor value) => value.to_type(ScalarType.BFloat16);
        Tensor Rounded(Tensor value) => Half(value).to_type(ScalarType.Float32);
        var (method, twin) = (test.Create(), test.Create());
        twin.load_state_dict(method.state_dict());

        var half = test.Compute(method: method, student: MethodCase.Map(test.Student, Half, Half), teacher: MethodCase.Map(test.Teacher, Half, Half)).Mean;
        var full = test.Compute(method: twin, student: MethodCase.Map(test.Student, Rounded, Rounded), teacher: MethodCase.Map(test.Teacher, Rounded, Rounded)).Mean;

        Assert.Equal(ScalarType.Float32, half.dtype);
        Assert.Equal(full.ToDouble(), half.ToDouble(), Math.Abs(full.ToDouble()) * 1e-6);
    }

    [Theory]
    [MemberData(nameof(All))]
    public void Compute_OneStepOfSgd_LowersTheLoss(string name)
    {
        using var scope = NewDisposeScope();
        var test = new MethodCase(name);
        var start = test.Method.state_dict().ToDictionary(entry => entry.Key, entry => entry.Value.clone());
        var before = test.Compute().Mean;
        before.backward();

        var leaves = test.StudentLeaves.Concat(test.Method.parameters().Where(parameter => parameter.requires_grad)).ToList();
        var norm = Math.Sqrt(leaves.Sum(leaf => leaf.grad!.square().sum().ToDouble()));
        using (no_grad())
        {
            // The memory of what was seen goes back as well, so that both losses are of the same function.
            foreach (var (key, buffer) in test.Method.named_buffers())
            {
                buffer.copy_(start[key]);
            }

            foreach (var leaf in leaves)
            {
                leaf.sub_(leaf.grad! * (0.01 / norm));
            }
        }

        Assert.True(test.Compute().Mean.ToDouble() < before.ToDouble(), $"{before.ToDouble()} did not fall");
    }

    [Theory]
    [MemberData(nameof(All))]
    public void State_SavedAndLoaded_GivesTheSameLossBitForBit(string name)
    {
        using var scope = NewDisposeScope();
        using var folder = new TemporaryFolder();
        var test = new MethodCase(name);
        test.Compute();
        var file = folder.File("state.safetensors");
        Safetensors.Write(file, test.Method.state_dict());
        var loaded = test.Create();
        using (no_grad())
        {
            foreach (var (key, value) in Safetensors.Read(file))
            {
                loaded.state_dict()[key].copy_(value);
            }
        }

        Assert.Equal(test.Compute().Sum.ToDouble(), test.Compute(method: loaded).Sum.ToDouble());
        Assert.All(test.Method.state_dict(), entry => Assert.True(entry.Value.equal(loaded.state_dict()[entry.Key]).all().ToBoolean(), entry.Key));
    }

    [Theory]
    [MemberData(nameof(All))]
    public void Compute_LastShortBatch_IsFinite(string name)
    {
        using var scope = NewDisposeScope();
        var test = new MethodCase(name);
        var smallest = test.Entry.Traits.HasFlag(MethodTraits.CouplesSamples) ? 2 : 1;
        // One sample has no batch statistics, which the check before the run says where projectors have batch-norm.
        test.Method.train(smallest > 1);

        var term = test.Compute(..smallest);

        Assert.True(double.IsFinite(term.Sum.ToDouble()));
        Assert.InRange(term.Count, 1, test.Compute().Count * smallest / MethodCase.Samples);
    }

    [Theory]
    [MemberData(nameof(All))]
    public void Compute_LargeLogits_HaveAFiniteLossAndGradient(string name)
    {
        using var scope = NewDisposeScope();
        var test = new MethodCase(name);
        var student = MethodCase.Map(test.Student, logits => logits * 500);
        var loss = test.Compute(student: student, teacher: MethodCase.Map(test.Teacher, logits => logits * -500)).Mean;
        loss.backward();

        Assert.True(double.IsFinite(loss.ToDouble()), $"the loss is {loss.ToDouble()}");
        Assert.All(new[] { student.Logits.Value.grad }.Where(grad => grad is not null), grad => Assert.True(grad!.isfinite().all().ToBoolean(), "the gradient is not finite"));
    }

    private static bool HasGradient(Tensor tensor) => !tensor.requires_grad || (tensor.grad is { } gradient && gradient.abs().sum().ToDouble() > 0);

    private static TheoryData<string> Named(Func<MethodEntry, bool> chosen) => new(MethodCatalog.Default().Entries.Where(chosen).Select(entry => entry.Name));
}
