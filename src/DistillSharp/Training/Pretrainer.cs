using DistillSharp.Data;
using DistillSharp.Methods;
using DistillSharp.Signals;
using TorchSharp;
using static TorchSharp.torch;

namespace DistillSharp.Training;

/// <summary>What a task prepares its stage with.</summary>
/// <param name="Source">The stage's training data.</param>
/// <param name="Device">Where networks live.</param>
/// <param name="Seed">The job's seed.</param>
/// <param name="Stage">Index of the stage.</param>
/// <param name="Note">Told in one line what was done.</param>
/// <param name="Cancellation">Interrupts it; it starts over when the job is resumed.</param>
public sealed record Preparation(IBatchSource Source, Device Device, int Seed, int Stage, Action<string> Note, CancellationToken Cancellation);

/// <summary>
/// Trains the modules of methods that learn from the teacher before the student does. The outcome is a function of seed, stage and
/// data, so that a job that is interrupted here starts over to the same bits.
/// </summary>
internal static class Pretrainer
{
    /// <summary>Freezes the module, so that a student's training leaves it alone.</summary>
    public static void Freeze(nn.Module module)
    {
        module.eval();
        foreach (var parameter in module.parameters())
        {
            parameter.requires_grad = false;
        }
    }

    /// <summary>Trains one method's module and freezes it.</summary>
    /// <param name="name">Name of the term.</param>
    /// <param name="method">The method.</param>
    /// <param name="teacher">Reads the teacher, without gradients.</param>
    /// <param name="preparation">Data, seed and so on.</param>
    /// <exception cref="InvalidOperationException">The loss is not a finite number.</exception>
    public static void Train(string name, IPretrainedMethod method, Func<Batch, ModelSignals> teacher, Preparation preparation)
    {
        var (module, plan) = (method.PretrainedModule, method.Pretraining);
        foreach (var parameter in module.parameters())
        {
            parameter.requires_grad = true;
        }

        module.train();
        using var optimizer = new Optimizer(
            [.. module.named_parameters().Select(entry => (entry.name, entry.parameter))],
            new TrainingOptions { Optimizer = OptimizerKind.Sgd, Momentum = 0.9, WeightDecay = 5e-4, Nesterov = false });
        var (step, first, last) = (0L, double.NaN, double.NaN);
        for (var epoch = 0; epoch < plan.Epochs; epoch++)
        {
            var sum = 0.0;
            foreach (var batch in preparation.Source.Epoch(epoch, 0, preparation.Cancellation))
            {
                using var owned = batch;
                random.manual_seed(DerivedSeed.Of(preparation.Seed, $"pretraining.{preparation.Stage}.{name}", step++));
                sum += Step(name, method, teacher, batch, preparation.Device) * batch.Count;
                optimizer.Step(plan.RateAt(epoch));
            }

            last = sum / preparation.Source.SampleCount;
            first = epoch == 0 ? last : first;
        }

        Freeze(module);
        preparation.Note(string.Create(
            System.Globalization.CultureInfo.InvariantCulture, $"{name}: trained on the teacher for {plan.Epochs} epochs before the student; mean loss {first:G5} in the first, {last:G5} in the last"));
    }

    private static double Step(string name, IPretrainedMethod method, Func<Batch, ModelSignals> teacher, Batch batch, Device device)
    {
        using var scope = NewDisposeScope();
        using var moved = device.type == DeviceType.CPU ? null : batch.To(device);
        var loss = method.PretrainingLoss(teacher(moved ?? batch));
        var value = loss.ToDouble();
        if (!double.IsFinite(value))
        {
            throw new InvalidOperationException($"{name}: the loss of its training on the teacher is {value}; a lower pretrain_learning_rate may help");
        }

        loss.backward();
        return value;
    }
}
