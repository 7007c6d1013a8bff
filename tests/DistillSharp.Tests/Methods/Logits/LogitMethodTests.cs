using System.Text.Json;
using DistillSharp.Config;
using DistillSharp.Losses.Golden;
using DistillSharp.Losses.Logits;
using DistillSharp.Methods;
using DistillSharp.Methods.Logits;
using static TorchSharp.torch;

namespace DistillSharp.Tests.Methods.Logits;

public sealed class LogitMethodTests
{
    private static readonly string[] Names =
    [
        "soft_target", "logit_matching", "dkd", "nkd", "dist", "logit_standardization", "weighted_soft_labels", "generalized_jsd", "skewed_kl",
        "total_variation", "virtual_teacher", "multi_level_logits",
    ];

    public static TheoryData<string> LogitMethods => [.. Names];

    public static TheoryData<string> MethodsZeroAtTeacher =>
        [.. Names.Where(name => MethodCatalog.Default().Find(name)!.Traits.HasFlag(MethodTraits.ZeroAtTeacher))];

    public static TheoryData<string> ShiftInvariantMethods =>
        [.. Names.Where(name => MethodCatalog.Default().Find(name)!.Traits.HasFlag(MethodTraits.ShiftInvariant))];

    // The prover and the catalog each know the published defaults: they must be the same.
    [Theory]
    [MemberData(nameof(LogitMethods))]
    public void Compute_DefaultOptions_IsTheProvedLoss(string name)
    {
        using var scope = NewDisposeScope();
        var test = new LogitCase([4, 6], [2, 0, 5, 3]);
        using var document = JsonDocument.Parse("{}");
        GoldenArray Array(Tensor values) => new(values.shape, values.detach().data<double>().ToArray());
        var inputs = new GoldenInputs(
            new Dictionary<string, GoldenArray> { ["student.logits"] = Array(test.Student), ["teacher.logits"] = Array(test.Teacher), ["labels"] = new([4], [2, 0, 5, 3]) },
            ScalarType.Float64, CPU);
        var proved = LossRegistry.Default().Get(name)(new GoldenOptions(document.RootElement), inputs).item<double>();
        Assert.Equal(proved, LogitCase.Create(name, test).Compute(test.Input).Mean.item<double>(), 1e-12);
    }

    [Theory]
    [MemberData(nameof(LogitMethods))]
    public void Compute_Gradient_ReachesTheStudentOnly(string name)
    {
        using var scope = NewDisposeScope();
        var test = new LogitCase([4, 6], [2, 0, 5, 3]);
        LogitCase.Create(name, test).Compute(test.Input).Mean.backward();
        Assert.True(test.Student.grad!.abs().max().item<double>() > 1e-6);
        Assert.Null(test.Teacher.grad);
    }

    [Theory]
    [MemberData(nameof(MethodsZeroAtTeacher))]
    public void Compute_StudentIsTeacher_IsZeroWithZeroGradient(string name)
    {
        using var scope = NewDisposeScope();
        var test = new LogitCase([4, 6], [2, 0, 5, 3]);
        var loss = LogitCase.Create(name, test).Compute(test.Input with { TeacherOrNone = test.Input.Student with { Logits = new(test.Student.detach()) } }).Mean;
        loss.backward();
        Assert.Equal(0, loss.item<double>(), 1e-12);
        Assert.Equal(0, test.Student.grad!.abs().max().item<double>(), 1e-7);
    }

    [Theory]
    [MemberData(nameof(ShiftInvariantMethods))]
    public void Compute_ConstantAdded_ChangesNothing(string name)
    {
        using var scope = NewDisposeScope();
        var test = new LogitCase([4, 6], [2, 0, 5, 3]);
        var method = LogitCase.Create(name, test);
        var input = test.Input;
        var shifted = input with { Student = input.Student with { Logits = new(test.Student + 3) }, TeacherOrNone = input.Teacher with { Logits = new(test.Teacher - 7) } };
        Assert.Equal(method.Compute(input).Mean.item<double>(), method.Compute(shifted).Mean.item<double>(), 1e-9);
    }

    [Theory]
    [InlineData("dkd")]
    [InlineData("nkd")]
    [InlineData("weighted_soft_labels")]
    [InlineData("virtual_teacher")]
    public void Compute_UnlabelledSamples_AreLeftOutOfSumAndCount(string name)
    {
        using var scope = NewDisposeScope();
        var test = new LogitCase([4, 6], [2, -1, 5, -1]);
        var method = LogitCase.Create(name, test);
        var term = method.Compute(test.Input);
        term.Mean.backward();
        Assert.Equal(2, term.Count);
        Assert.Equal(2, method.CountOf(test.Batch));
        Assert.Equal(0, test.Student.grad!.index_select(0, tensor(new long[] { 1, 3 })).abs().max().item<double>());
    }

    [Fact]
    public void Dkd_TeacherClass_TakesThePlaceOfMissingLabelsAlone()
    {
        using var scope = NewDisposeScope();
        var test = new LogitCase([4, 6], [2, -1, 5, -1]);
        var classes = test.Teacher.argmax(-1).data<long>().ToArray();
        var labelled = new LogitCase([4, 6], [2, classes[1], 5, classes[3]]);
        var method = LogitCase.Create("dkd", test, ("unlabelled", "teacher_class"));
        var term = method.Compute(test.Input);
        Assert.Equal(4, term.Count);
        Assert.Equal(4, method.CountOf(test.Batch));
        Assert.Equal(LogitCase.Create("dkd", labelled).Compute(labelled.Input).Mean.item<double>(), term.Mean.item<double>(), 1e-12);
    }

    [Theory]
    [InlineData("dkd")]
    [InlineData("nkd")]
    public void Create_TwoClasses_SaysWhatWouldBeRight(string name)
    {
        using var scope = NewDisposeScope();
        var error = Assert.Throws<ArgumentException>(() => LogitCase.Create(name, new LogitCase([4, 2], [0, 1, 0, 1])));
        Assert.Contains("at least 3 classes, not 2", error.Message, StringComparison.Ordinal);
        Assert.Contains("soft_target", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(LogitMethods))]
    public void Compute_WithoutTeacher_WorksWhereDeclaredAndElseSaysSo(string name)
    {
        using var scope = NewDisposeScope();
        var test = new LogitCase([4, 6], [2, 0, 5, 3]);
        var method = LogitCase.Create(name, test);
        var without = test.Input with { TeacherOrNone = null };
        if (MethodCatalog.Default().Find(name)!.Traits.HasFlag(MethodTraits.ReadsNoTeacher))
        {
            Assert.Equal(method.Compute(test.Input).Mean.item<double>(), method.Compute(without).Mean.item<double>());
        }
        else
        {
            Assert.Contains("ReadsNoTeacher", Assert.Throws<InvalidOperationException>(() => method.Compute(without)).Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Compute_NoLabels_NamesTheMethod()
    {
        using var scope = NewDisposeScope();
        var test = new LogitCase([4, 6]);
        Assert.Contains("dkd", Assert.Throws<InvalidOperationException>(() => LogitCase.Create("dkd", test).Compute(test.Input)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Compute_TemperatureSchedule_IsTakenAtTheProgress()
    {
        using var scope = NewDisposeScope();
        var test = new LogitCase([4, 6]);
        var method = LogitCase.Create("soft_target", test, ("temperature", new ValueSchedule { Schedule = ValueShape.Linear, From = 2, To = 6 }));
        var expected = SoftTargetLoss.Compute(test.Student, test.Teacher, 5).Mean.item<double>();
        Assert.Equal(expected, method.Compute(test.Input with { Progress = new Progress(3, 4) }).Mean.item<double>(), 1e-12);
    }

    [Fact]
    public void Compute_Outputs_ChooseTheFormula()
    {
        using var scope = NewDisposeScope();
        var test = new LogitCase([4, 6]);
        double Loss(OutputKind outputs) => LogitCase.Create("soft_target", test, ("outputs", outputs)).Compute(test.Input).Mean.item<double>();
        Assert.Equal(SoftTargetLoss.Sigmoid(test.Student, test.Teacher, 4).Mean.item<double>(), Loss(OutputKind.Sigmoid));
        Assert.Equal(SoftTargetLoss.Regression(test.Student, test.Teacher).Mean.item<double>(), Loss(OutputKind.Regression));
    }

    [Fact]
    public void Compute_Hard_IsTheCrossEntropyWithTheTeachersChoice()
    {
        using var scope = NewDisposeScope();
        var test = new LogitCase([4, 6]);
        var term = LogitCase.Create("soft_target", test, ("hard", true)).Compute(test.Input);
        var (student, teacher) = (test.Student.detach().data<double>().ToArray().Chunk(6).ToArray(), test.Teacher.detach().data<double>().ToArray().Chunk(6).ToArray());
        var expected = student.Zip(teacher).Average(row => Math.Log(row.First.Sum(logit => Math.Exp(logit))) - row.First[Array.IndexOf(row.Second, row.Second.Max())]);
        Assert.Equal(expected, term.Mean.item<double>(), 1e-12);
        Assert.Equal(4, term.Count);
    }

    [Fact]
    public void LogitStandardization_Wraps_GivesStandardizedLogitsToTheMethod()
    {
        using var scope = NewDisposeScope();
        var test = new LogitCase([4, 6], [2, 0, -1, 3]);
        var options = YamlConfig.Parse("{beta: 2, temperature: 3}", new ConfigErrors())!;
        var method = LogitCase.Create("logit_standardization", test, ("wraps", "dkd"), ("with", options));
        var expected = DecoupledLoss.Compute(StandardizedLogits.Of(test.Student), StandardizedLogits.Of(test.Teacher), test.Batch.Targets!, 1, 2, 3);
        var actual = method.Compute(test.Input);
        Assert.Equal(expected.Mean.item<double>(), actual.Mean.item<double>(), 1e-12);
        Assert.Equal(3, actual.Count);
        Assert.Equal(3, method.CountOf(test.Batch));
    }

    [Fact]
    public void LogitStandardization_FaultyWrappedOption_IsReportedWithItsPath()
    {
        var errors = new ConfigErrors();
        var node = YamlConfig.Parse("{wraps: dkd, with: {gamma: 2}}", errors)!;
        new ConfigBinder(errors).Bind<LogitStandardizationOptions>(node);
        Assert.Equal("with.gamma", Assert.Single(errors.All).Path);
    }
}
