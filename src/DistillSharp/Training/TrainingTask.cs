using DistillSharp.Config;
using DistillSharp.Data;
using DistillSharp.Losses;
using DistillSharp.Losses.Logits;
using DistillSharp.Models;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DistillSharp.Training;

/// <summary>One named part of a step's loss.</summary>
/// <param name="Name">Name in logs.</param>
/// <param name="Term">Its sum and count over the batch.</param>
/// <param name="Weight">Factor of its mean in the total.</param>
public readonly record struct LossPart(string Name, LossTerm Term, double Weight)
{
    /// <summary>True where its gradient goes with that of distillation, in tasks that keep the two apart.</summary>
    public bool IsDistillation { get; init; }
}

/// <summary>
/// What a trainer trains in one stage: turns a batch into named loss parts and owns whatever is trained beside the student.
/// The trainer knows no method and no teacher.
/// </summary>
public abstract class TrainingTask : IDisposable
{
    /// <summary>What the names of the student's own parameters begin with.</summary>
    internal const string StudentPrefix = "student.";

    /// <summary>The network that is evaluated and kept.</summary>
    public abstract Network Student { get; }

    /// <summary>What is evaluated: the student, or the student with layers of a method in the place of its classifier.</summary>
    public virtual Network Deployed => Student;

    /// <summary>A network that outlives the task and computes what <see cref="Deployed"/> does; null where that is the student. The caller disposes it.</summary>
    public virtual Network? TakeDeployed() => null;

    /// <summary>True where companions are kept and deployed with the student, so that their weights are averaged with its own.</summary>
    public virtual bool DeploysCompanions => false;

    /// <summary>Projectors, heads and memory: trained and saved with the checkpoint, not with the student.</summary>
    public abstract nn.Module Companions { get; }

    /// <summary>Everything the optimizer moves: <c>student.…</c> and <c>companions.…</c>.</summary>
    public abstract IReadOnlyList<(string Name, Parameter Parameter)> TrainedParameters { get; }

    /// <summary>
    /// Above 0 where the student's gradients of the task and of distillation have momenta of their own: the optimizer's momentum
    /// less this for the former, plus this for the latter.
    /// </summary>
    public double MomentumGap { get; init; }

    /// <summary>Wall-clock seconds spent in the teacher's forward passes since the last call.</summary>
    public virtual double TakeTeacherSeconds() => 0;

    /// <summary>Why the batches of an accumulation group may not be taken apart; null where they may.</summary>
    public virtual string? CouplingTerm => null;

    /// <summary>What <see cref="CouplingTerm"/> does because of which they may not.</summary>
    internal virtual string CouplingReason => "compares the samples of a batch with each other";

    /// <summary>True where that is because samples of a batch are compared with each other, of which there must be two then.</summary>
    public virtual bool ComparesSamples => CouplingTerm is not null;

    /// <summary>
    /// What must be done once before the stage's first step, such as training a paraphraser on the teacher. Not called where a
    /// checkpoint of the stage is resumed: companions hold the outcome.
    /// </summary>
    /// <returns>True where something was done that is worth a checkpoint.</returns>
    public virtual bool Prepare(Preparation preparation) => false;

    /// <summary>The loss of a batch, part by part.</summary>
    public abstract IReadOnlyList<LossPart> Compute(Batch batch, Progress progress);

    /// <summary>What a part of a batch will be divided by, known before it is computed, for accumulation over several batches.</summary>
    public virtual double CountOf(string part, Batch batch) => batch.Count;

    /// <summary>Called after every optimizer step: brings networks back into the sets that they allow.</summary>
    public virtual void AfterStep() => Student.ApplyConstraints();

    /// <summary>The samples (or positions) of a batch that have a hard label; all of them where there are no targets.</summary>
    protected static double LabelledSamples(Batch batch) => HardLabels.CountOf(batch);

    /// <summary>Puts everything into training or evaluation mode; a teacher stays in evaluation mode.</summary>
    public virtual void Train(bool training)
    {
        Student.train(training);
        Companions.train(training);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Releases hooks and companions; never the student or a teacher, which belong to the caller.</summary>
    protected virtual void Dispose(bool disposing) => Companions.Dispose();

    /// <summary>The parameters of student and companions that require a gradient.</summary>
    protected IReadOnlyList<(string Name, Parameter Parameter)> CollectParameters() =>
    [
        .. Student.named_parameters().Select(entry => (StudentPrefix + entry.name, entry.parameter))
            .Concat(Companions.named_parameters().Select(entry => ("companions." + entry.name, entry.parameter)))
            .Where(entry => entry.parameter.requires_grad),
    ];
}

/// <summary>A module that only holds others by name.</summary>
internal sealed class ModuleBag : nn.Module
{
    public ModuleBag(IEnumerable<(string Name, nn.Module Module)> modules)
        : base("companions")
    {
        foreach (var (name, module) in modules)
        {
            register_module(name, module);
        }
    }
}
