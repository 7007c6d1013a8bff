using DistillSharp.Config;

namespace DistillSharp.Training;

/// <summary>Options of <c>dot</c>: task and distillation have momenta of their own.</summary>
public sealed record DotOptions
{
    /// <summary>Δ: the momentum is μ − Δ for the gradient of the task and μ + Δ for that of distillation.</summary>
    [Option("what the momentum is lowered by for the hard labels and raised by for the terms; 0.075 for CIFAR-100 and Tiny-ImageNet, 0.09 for ImageNet", Min = 0, AboveMin = true, Max = 0.5)]
    public double Delta { get; init; } = 0.075;
}

/// <summary>
/// Distillation-oriented trainer (Zhao, Cui, Song, Liang, ICCV 2023, section 4): a larger momentum for the gradient of distillation than
/// for that of the hard labels, so that the former leads the way. Around any terms; everything else is <see cref="OfflineTask"/>.
/// </summary>
public static class DotScheme
{
    /// <summary>The catalog's entry.</summary>
    public static SchemeEntry Entry { get; } = new(
        "dot", "a fixed teacher, with a larger momentum for the gradient of the terms than for that of the hard labels",
        "Zhao, Cui, Song, Liang: DOT: A Distillation-Oriented Trainer, ICCV 2023", typeof(DotOptions), NeedsTeacher: true,
        (options, context) => new OfflineTask(context.Student, context.Teacher, context.Stage, context.Probe, context.Source) { MomentumGap = ((DotOptions)options).Delta })
    {
        TakesMixedSamples = true,
        Refuses = (options, training) => Optimizer.FaultsOfGap(training, ((DotOptions)options).Delta),
    };
}
