using DistillSharp.Config;
using DistillSharp.Data;
using DistillSharp.Models;

namespace DistillSharp.Training;

/// <summary>Optimizers that recipes can name.</summary>
public enum OptimizerKind
{
    /// <summary>Stochastic gradient descent with (Nesterov) momentum.</summary>
    Sgd,

    /// <summary>Adam with L2 added to the gradient (Kingma and Ba, ICLR 2015).</summary>
    Adam,

    /// <summary>Adam with decoupled weight decay (Loshchilov and Hutter, ICLR 2019).</summary>
    Adamw,
}

/// <summary>Learning-rate schedules that recipes can name.</summary>
public enum LearningRateShape
{
    /// <summary>The same rate throughout.</summary>
    Constant,

    /// <summary>Multiplied by <c>decay</c> every <c>step_epochs</c>.</summary>
    Step,

    /// <summary>Multiplied by <c>decay</c> at each of <c>milestones</c>.</summary>
    Multistep,

    /// <summary>Half a cosine down to <c>final_learning_rate</c> (Loshchilov and Hutter, ICLR 2017, without restarts).</summary>
    Cosine,

    /// <summary>A straight line down to <c>final_learning_rate</c>.</summary>
    Linear,

    /// <summary>Falls with the inverse square root of the step after warm-up (Vaswani et al., NeurIPS 2017, section 5.3).</summary>
    InverseSqrt,
}

/// <summary>Which epoch's weights a job ends with.</summary>
public enum Selection
{
    /// <summary>The last epoch's.</summary>
    Last,

    /// <summary>Those of the epoch with the best validation accuracy.</summary>
    Best,
}

/// <summary>How a network is trained: the keys of <c>training:</c>.</summary>
public sealed record TrainingOptions : ICheckedOptions
{
    /// <summary>Passes over the training split.</summary>
    [Option("passes over the training split", Min = 1, Max = 100000)]
    public int Epochs { get; init; } = 20;

    /// <summary>Samples in a step.</summary>
    [Option("samples in a batch", Min = 1, Max = 65536)]
    public int BatchSize { get; init; } = 128;

    /// <summary>Tokens in a batch of sequences; 0 counts samples.</summary>
    [Option("sequences: tokens of the longer side in a batch, padding counted, in place of batch_size; 0 makes batches of batch_size samples", Min = 0)]
    public int BatchTokens { get; init; }

    /// <summary>Batches whose gradients are summed for one optimizer step.</summary>
    [Option("batches whose gradients make one optimizer step", Min = 1, Max = 4096)]
    public int Accumulate { get; init; } = 1;

    /// <summary>The optimizer.</summary>
    [Option("sgd, adam or adamw")]
    public OptimizerKind Optimizer { get; init; } = OptimizerKind.Sgd;

    /// <summary>Peak learning rate.</summary>
    [Option("learning rate after warm-up", Min = 0, AboveMin = true)]
    public double LearningRate { get; init; } = 0.05;

    /// <summary>Momentum of SGD.</summary>
    [Option("momentum (sgd)", Min = 0, Max = 0.9999)]
    public double Momentum { get; init; } = 0.9;

    /// <summary>Nesterov's form of momentum.</summary>
    [Option("Nesterov momentum (sgd)")]
    public bool Nesterov { get; init; } = true;

    /// <summary>First moment's decay of Adam.</summary>
    [Option("decay of the first moment (adam, adamw)", Min = 0, Max = 0.99999)]
    public double Beta1 { get; init; } = 0.9;

    /// <summary>Second moment's decay of Adam.</summary>
    [Option("decay of the second moment (adam, adamw)", Min = 0, Max = 0.9999999)]
    public double Beta2 { get; init; } = 0.999;

    /// <summary>Term added to the denominator of Adam.</summary>
    [Option("term added to the denominator (adam, adamw)", Min = 0, AboveMin = true)]
    public double Epsilon { get; init; } = 1e-8;

    /// <summary>Weight decay, on weights only (not on biases and normalisation) unless <see cref="DecayAll"/>.</summary>
    [Option("weight decay of weights; biases and normalisation are left out unless decay_all", Min = 0, Max = 1)]
    public double WeightDecay { get; init; } = 5e-4;

    /// <summary>True where biases and weights of normalisation decay too.</summary>
    [Option("weight decay also of biases and normalisation, as torch's SGD over all parameters does")]
    public bool DecayAll { get; init; }

    /// <summary>Shape of the learning rate over the stage, stepped per optimizer step.</summary>
    [Option("constant, step, multistep, cosine, linear or inverse_sqrt")]
    public LearningRateShape Schedule { get; init; } = LearningRateShape.Cosine;

    /// <summary>Epochs in which the rate rises linearly from 0.</summary>
    [Option("epochs in which the learning rate rises from 0", Min = 0)]
    public double WarmUpEpochs { get; init; }

    /// <summary>Interval of <see cref="LearningRateShape.Step"/>.</summary>
    [Option("epochs between two decays (step)", Min = 1)]
    public int StepEpochs { get; init; } = 30;

    /// <summary>Epochs of <see cref="LearningRateShape.Multistep"/>.</summary>
    [Option("epochs of the decays (multistep)", Min = 0)]
    public IReadOnlyList<double> Milestones { get; init; } = [];

    /// <summary>Factor of step and multistep.</summary>
    [Option("factor of a decay (step, multistep)", Min = 0, AboveMin = true, Max = 1)]
    public double Decay { get; init; } = 0.1;

    /// <summary>Rate at the end of cosine and linear.</summary>
    [Option("learning rate at the end (cosine, linear)", Min = 0)]
    public double FinalLearningRate { get; init; }

    /// <summary>Largest norm of the whole gradient; 0 leaves it as it is.</summary>
    [Option("largest norm of the gradient; 0 for no clipping", Min = 0)]
    public double ClipNorm { get; init; }

    /// <summary>Share of the hard label spread over all classes (Szegedy et al., CVPR 2016).</summary>
    [Option("label smoothing of the hard-label term", Min = 0, Max = 0.9)]
    public double LabelSmoothing { get; init; }

    /// <summary>Decay a step of the averaged weights that are evaluated and exported; 0 for none.</summary>
    [Option("decay of the moving average of weights that is evaluated and kept; 0 for none", Min = 0, Max = 0.999999)]
    public double Ema { get; init; }

    /// <summary>Whether a fixed teacher sees each sample once only where that is the same.</summary>
    [Option("compute the teacher's logits once where no augmentation changes what it sees; false runs it in every step")]
    public bool CacheTeacher { get; init; } = true;

    /// <summary>Random changes of the training images in place of the data's own; null for those.</summary>
    [Option("random changes of the training images, for what has this `training` alone: keys of data.augment, in whose place it stands")]
    public AugmentOptions? Augment { get; init; }

    /// <summary>Order in memory of a convolution's weights and outputs, on the CPU.</summary>
    [Option("order in memory of what convolutions write: channels_last, which is faster on CPUs, or contiguous")]
    public MemoryFormat MemoryFormat { get; init; } = MemoryFormat.ChannelsLast;

    /// <summary>Which epoch's weights are kept.</summary>
    [Option("which weights are kept: last epoch, or best by validation")]
    public Selection Select { get; init; } = Selection.Last;

    /// <summary>Epochs between evaluations on the validation split (the last epoch is always evaluated).</summary>
    [Option("epochs between evaluations on the validation split", Min = 1)]
    public int EvaluateEvery { get; init; } = 1;

    /// <summary>Epochs between checkpoints.</summary>
    [Option("epochs between checkpoints", Min = 1)]
    public int CheckpointEvery { get; init; } = 1;

    /// <summary>Optimizer steps between checkpoints within an epoch; 0 for none.</summary>
    [Option("optimizer steps between checkpoints within an epoch; 0 for none", Min = 0)]
    public int CheckpointSteps { get; init; }

    /// <summary>Checkpoints that stay on disk beside the best one.</summary>
    [Option("newest checkpoints that stay on disk", Min = 1)]
    public int KeepCheckpoints { get; init; } = 2;

    /// <inheritdoc/>
    public void Check(ConfigNode node, ConfigErrors errors)
    {
        if (Nesterov && Momentum == 0 && Optimizer == OptimizerKind.Sgd && node.Get("nesterov") is { } nesterov)
        {
            errors.Add(nesterov, "needs momentum above 0");
        }

        if (WarmUpEpochs > Epochs)
        {
            errors.Add(node.PathOf("warm_up_epochs"), $"must be at most epochs ({Epochs})", node.Line);
        }

        if (Schedule == LearningRateShape.Multistep && Milestones.Count == 0)
        {
            errors.Add(node.PathOf("milestones"), "missing; multistep needs the epochs of its decays, such as [60, 90]", node.Line);
        }

        CheckUnread(node, "milestones", errors, LearningRateShape.Multistep);
        CheckUnread(node, "step_epochs", errors, LearningRateShape.Step);
        CheckUnread(node, "decay", errors, LearningRateShape.Step, LearningRateShape.Multistep);
        CheckUnread(node, "final_learning_rate", errors, LearningRateShape.Cosine, LearningRateShape.Linear);
    }

    // A key that is given further out than the schedule may be there for others, which keep their schedule.
    private void CheckUnread(ConfigNode node, string key, ConfigErrors errors, params LearningRateShape[] readers)
    {
        if (readers.Contains(Schedule) || node.Get(key) is not { Items: not { Count: 0 } } given)
        {
            return;
        }

        if (node.Get("schedule") is not { } chosen || (chosen.Scalar == ConfigBinder.SnakeCase(Schedule.ToString()) && Depth(chosen) <= Depth(given)))
        {
            var needed = string.Join(" or ", readers.Select(reader => $"`schedule: {ConfigBinder.SnakeCase(reader.ToString())}`"));
            errors.Add(given, $"does nothing without {needed}; give that beside it, or leave {key} out");
        }
    }

    private static int Depth(ConfigNode node) => node.Path.Count(character => character is '.' or '[');
}
