using DistillSharp.Data;
using DistillSharp.Export;
using DistillSharp.Methods.Features;
using DistillSharp.Methods.Logits;
using DistillSharp.Models;
using DistillSharp.RunLog;
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
    public void Distill_MethodThatDeploysLayersOfItsOwn_IsRefused()
    {
        var few = Few();
        using var teacher = new SmallCnn(new SmallCnnOptions { Channels = [8, 8] }, Digits.Info);
        using var student = new SmallCnn(new SmallCnnOptions { Channels = [4, 4] }, Digits.Info);
        var term = Distiller.Term(SimkdMethod.Entry, new SimkdOptions(), 1, ("layer2", "layer2"));

        var error = Assert.Throws<ArgumentException>(() => new Distiller(few.Train, few.Validation).Distill(student, teacher, [term], new TrainingOptions(), cancellation: TestContext.Current.CancellationToken));

        Assert.Contains("`simkd` deploys layers of its own", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Train_AugmentOfTheTrainingOptions_TakesThePlaceOfTheDistillers()
    {
        var few = Few();
        using var start = new Mlp(new MlpOptions { Widths = [8] }, Digits.Info);
        var (shifted, options) = (new AugmentOptions { Shift = 2 }, new TrainingOptions { Epochs = 1 });

        var expected = Trained(new Distiller(few.Train, few.Validation) { Augment = shifted }, options);
        Assert.Equal(expected, Trained(new Distiller(few.Train, few.Validation), options with { Augment = shifted }));
        Assert.NotEqual(expected, Trained(new Distiller(few.Train, few.Validation) { Augment = shifted }, options with { Augment = new AugmentOptions() }));

        string Trained(Distiller distiller, TrainingOptions training)
        {
            using var student = Copy(start);
            distiller.Train(student, training, TestContext.Current.CancellationToken);
            return WeightsHash.Of(student);
        }
    }

    [Fact]
    public void Train_FolderOfAFinishedTraining_IsForTheSameOneAlone()
    {
        using var folder = new TemporaryFolder();
        var few = Few();
        var distiller = new Distiller(few.Train, few.Validation) { CheckpointFolder = folder.File("checkpoints") };
        var options = new TrainingOptions { Epochs = 1 };
        using var first = new Mlp(new MlpOptions { Widths = [8] }, Digits.Info);
        using var same = Copy(first);
        using var changed = Copy(first);
        using var other = new Mlp(new MlpOptions { Widths = [8] }, Digits.Info);
        distiller.Train(first, options, TestContext.Current.CancellationToken);

        distiller.Train(same, options with { KeepCheckpoints = 3 }, TestContext.Current.CancellationToken);
        Assert.Equal(WeightsHash.Of(first), WeightsHash.Of(same));
        Assert.Contains("began with other weights", Assert.Throws<InvalidOperationException>(() => distiller.Train(other, options, TestContext.Current.CancellationToken)).Message, StringComparison.Ordinal);
        Assert.Contains("epochs: 2", Assert.Throws<InvalidOperationException>(() => distiller.Train(changed, options with { Epochs = 2 }, TestContext.Current.CancellationToken)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Train_FolderOfAnInterruptedTraining_GoesOnFromItsWeights()
    {
        using var folder = new TemporaryFolder();
        using var source = new CancellationTokenSource();
        var few = Few();
        var options = new TrainingOptions { Epochs = 3 };
        using var first = new Mlp(new MlpOptions { Widths = [8] }, Digits.Info);
        using var second = new Mlp(new MlpOptions { Widths = [8] }, Digits.Info);
        var stopped = new Distiller(few.Train, few.Validation)
        {
            CheckpointFolder = folder.File("checkpoints"),
            Events = new CallbackSink(runEvent =>
            {
                if (runEvent is EpochEnded { Epoch: 1 })
                {
                    source.Cancel();
                }
            }),
        };
        Assert.ThrowsAny<OperationCanceledException>(() => stopped.Train(first, options, source.Token));

        var events = new RecordingSink();
        new Distiller(few.Train, few.Validation) { CheckpointFolder = folder.File("checkpoints"), Events = events }.Train(second, options, TestContext.Current.CancellationToken);

        Assert.DoesNotContain(events.Written, runEvent => runEvent is EpochEnded { Epoch: 1 });
        Assert.Contains(events.Written, runEvent => runEvent is EpochEnded { Epoch: 3 });
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

    private static DataSplits Few()
    {
        var digits = Digits.Load();
        return DataSplits.Create(digits.Train, digits.Test, validation: 0.2, seed: 0, trainSamples: 100);
    }

    private static Mlp Copy(Mlp network)
    {
        var copy = new Mlp(new MlpOptions { Widths = [8] }, Digits.Info);
        copy.load_state_dict(network.state_dict());
        return copy;
    }
}
