using DistillSharp.Data;
using DistillSharp.Export;
using DistillSharp.Methods.Features;
using DistillSharp.Methods.Logits;
using DistillSharp.Models;
using DistillSharp.Samples;
using DistillSharp.Training;

namespace DistillSharp.Tests.Samples;

public sealed class ReadmeSampleTests
{
    [Fact]
    public void Readme_CSharpSnippet_EqualsTheCompiledSample()
    {
        var sample = Documents.Between(Documents.Read("tests", "DistillSharp.Tests", "Samples", "ReadmeSample.cs"), "#region sample", "#endregion");
        Assert.Equal(sample, Documents.Between(Documents.Read("README.md"), "```csharp", "```"));
        Assert.InRange(sample.Split('\n').Length, 10, 35);
    }

    [Fact]
    public void Run_OnTheDigits_WritesAStudentThatLearned()
    {
        var file = Path.Combine(Directory.CreateTempSubdirectory().FullName, "student.safetensors");
        var top1 = ReadmeSample.Run(file, epochs: 4);
        Assert.InRange(top1, 0.6, 1);

        using var student = new Mlp(new MlpOptions { Widths = [128] }, Digits.Info);
        Safetensors.LoadInto(student, file);
        Directory.Delete(Path.GetDirectoryName(file)!, recursive: true);
    }

    [Fact]
    public void Term_OptionsOfAnotherMethod_AreRefused()
    {
        var error = Assert.Throws<ArgumentException>(() => Distiller.Term(SoftTarget.Entry, new DkdOptions(), 1));
        Assert.Contains("SoftTargetOptions", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Distill_WithFeatures_KeepsTheTeacherAndImprovesTheStudent()
    {
        var digits = Digits.Load();
        var few = DataSplits.Create(digits.Train, digits.Test, validation: 0.2, seed: 0, trainSamples: 200);
        using var teacher = new SmallCnn(new SmallCnnOptions { Channels = [8, 8] }, Digits.Info);
        using var student = new SmallCnn(new SmallCnnOptions { Channels = [4, 4] }, Digits.Info);
        var (teacherBefore, studentBefore) = (WeightsHash.Of(teacher), WeightsHash.Of(student));
        teacher.train();

        var distiller = new Distiller(few.Train, few.Validation);
        var attention = Distiller.Term(AttentionMethod.Entry, new AttentionOptions(), 1, ("layer2", "layer2"));
        var metrics = distiller.Distill(student, teacher, [attention], new TrainingOptions { Epochs = 2 }, cancellation: TestContext.Current.CancellationToken);

        Assert.Equal(teacherBefore, WeightsHash.Of(teacher));
        Assert.True(teacher.training);
        Assert.NotEqual(studentBefore, WeightsHash.Of(student));
        Assert.InRange(metrics["top1"], 0, 1);
    }

    [Fact]
    public void Distill_TwoTermsOfOneName_AreRefused()
    {
        var digits = Digits.Load();
        var few = DataSplits.Create(digits.Train, digits.Test, validation: 0.2, seed: 0, trainSamples: 50);
        using var teacher = new Mlp(new MlpOptions { Widths = [8] }, Digits.Info);
        using var student = new Mlp(new MlpOptions { Widths = [8] }, Digits.Info);
        var term = Distiller.Term(SoftTarget.Entry, new SoftTargetOptions(), 1);
        Assert.Throws<ArgumentException>(() => new Distiller(few.Train, few.Validation).Distill(student, teacher, [term, term], new TrainingOptions(), cancellation: TestContext.Current.CancellationToken));
    }
}
