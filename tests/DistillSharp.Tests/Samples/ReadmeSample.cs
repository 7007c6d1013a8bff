#region sample
using DistillSharp.Data;
using DistillSharp.Export;
using DistillSharp.Methods.Logits;
using DistillSharp.Models;
using DistillSharp.Training;
using TorchSharp;

namespace DistillSharp.Samples;

public static class ReadmeSample
{
    public static double Run(string file, int epochs)
    {
        TorchRuntime.Configure(threads: 1);
        torch.random.manual_seed(0);
        var digits = Digits.Load();
        var all = DataSplits.Create(digits.Train, digits.Test, validation: 0.2, seed: 0);
        var few = DataSplits.Create(digits.Train, digits.Test, validation: 0.2, seed: 0, trainSamples: 200);
        using var teacher = new SmallCnn(new SmallCnnOptions { Channels = [16, 16, 32, 32] }, Digits.Info);
        using var student = new Mlp(new MlpOptions { Widths = [128] }, Digits.Info);

        var school = new Distiller(all.Train, all.Validation);
        school.Train(teacher, new TrainingOptions { Epochs = epochs, LearningRate = 0.1 });

        var distiller = new Distiller(few.Train, few.Validation) { Normalisation = school.Normalisation };
        var soft = Distiller.Term(SoftTarget.Entry, new SoftTargetOptions { Temperature = 4 }, weight: 0.9);
        distiller.Distill(student, teacher, [soft], new TrainingOptions { Epochs = 2 * epochs, BatchSize = 32 }, hardLabels: 0.1);
        Safetensors.Write(file, student);
        return distiller.Evaluate(student, few.Test)["top1"];
    }
}
#endregion
