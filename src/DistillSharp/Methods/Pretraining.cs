using DistillSharp.Signals;
using static TorchSharp.torch;

namespace DistillSharp.Methods;

/// <summary>
/// A method with modules that learn from the teacher alone before the student is trained, and then stay as they are. A task
/// trains them when its stage begins; they are saved with the checkpoint.
/// </summary>
public interface IPretrainedMethod
{
    /// <summary>For how long and how.</summary>
    PretrainingPlan Pretraining { get; }

    /// <summary>What is trained: a child module of the method, in which the student's training changes nothing.</summary>
    nn.Module PretrainedModule { get; }

    /// <summary>The mean loss of one batch of the teacher's signals.</summary>
    Tensor PretrainingLoss(ModelSignals teacher);
}

/// <summary>SGD with momentum 0.9 and weight decay 5e-4, as in the code of every method that has such a stage.</summary>
/// <param name="Epochs">Epochs over the training split; 0 leaves the modules as they are.</param>
/// <param name="LearningRate">Learning rate.</param>
/// <param name="Drops">Shares of the epochs after which the learning rate is divided by 10.</param>
public sealed record PretrainingPlan(int Epochs, double LearningRate, params IReadOnlyList<double> Drops)
{
    /// <summary>The learning rate of an epoch, from 0.</summary>
    public double RateAt(int epoch) => LearningRate * Math.Pow(0.1, Drops.Count(drop => epoch >= drop * Epochs));
}
