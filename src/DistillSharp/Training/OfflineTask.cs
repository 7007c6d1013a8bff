using System.Diagnostics;
using DistillSharp.Config;
using DistillSharp.Data;
using DistillSharp.Losses;
using DistillSharp.Losses.Logits;
using DistillSharp.Losses.Sequences;
using DistillSharp.Methods;
using DistillSharp.Models;
using DistillSharp.Signals;
using DistillSharp.Teachers;
using DistillSharp.Teachers.Store;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DistillSharp.Training;

/// <summary>
/// Hard labels and any number of distillation terms from a fixed teacher; without terms it is supervised training.
/// The teacher stays in evaluation mode and gets no gradient.
/// </summary>
public sealed class OfflineTask : TrainingTask
{
    /// <summary>Name of the hard-label part.</summary>
    public const string HardLabelPart = "hard_labels";

    private readonly StagePlan _stage;
    private readonly SignalReader _student;
    private readonly ISignalSource? _teacher;
    private readonly List<(MethodPlan Plan, Method Method)> _terms = [];
    private TeacherLogits? _teacherLogits;
    private readonly Stopwatch _teacherTime = new();
    private readonly List<Parameter> _frozen = [];
    private readonly List<nn.Module> _frozenModules = [];
    private readonly bool _rotates;
    private readonly bool _isCtc;
    private readonly CoveredClasses? _covered;
    private readonly DeployedNetwork? _deployed;

    /// <summary>Builds the terms from the shapes that one batch has on both sides.</summary>
    /// <param name="student">The network to train.</param>
    /// <param name="teacher">The fixed teacher, which belongs to the caller; null for supervised training.</param>
    /// <param name="stage">Hard-label weight, terms, and how far the student is trained.</param>
    /// <param name="probe">A batch of the training data.</param>
    /// <param name="source">The training data, for class count and size.</param>
    /// <exception cref="ArgumentException">A feature point does not exist, or shapes do not fit a method; the message names them.</exception>
    public OfflineTask(Network student, Teacher? teacher, StagePlan stage, Batch probe, IBatchSource source)
    {
        Student = student;
        _stage = stage;
        _isCtc = source.Info is { Ctc: not null, Sequence: null };
        _rotates = stage.Terms.Any(term => term.Entry.Traits.HasFlag(MethodTraits.NeedsRotations));
        var studentFeatures = stage.Terms.SelectMany(term => term.StudentFeatures);
        _student = new SignalReader(student, stage.TrainUpTo is { } last ? studentFeatures.Append(last) : studentFeatures);
        if (stage.NeedsTeacher)
        {
            _ = teacher ?? throw new ArgumentException($"stage `{stage.Name}` has distillation terms but there is no teacher");
            _covered = teacher.CoveredClasses is { } covered ? new CoveredClasses(covered, source.Info.Classes.Count) : null;
            if (teacher.Network?.Sequence is { } given && student.Sequence is { } own && given.VocabularySha256 != own.VocabularySha256)
            {
                throw new ArgumentException($"stage `{stage.Name}` has word-level terms, and the teacher's vocabulary is not the student's; learn what the teacher writes instead (sequence-level distillation: `targets:`)");
            }

            _teacher = teacher.Open(stage.Terms.SelectMany(term => term.TeacherFeatures));
        }

        if (stage.Terms.Count > 0)
        {
            BuildTerms(teacher, probe, source);
        }

        Companions = new ModuleBag(_terms.Select(term => (term.Plan.Name, (nn.Module)term.Method)));
        foreach (var (_, method) in Pretrained)
        {
            Pretrainer.Freeze(method.PretrainedModule);
            _frozenModules.Add(method.PretrainedModule);
        }

        if (stage.TrainUpTo is { } point)
        {
            FreezeAfter(point, probe);
        }

        _deployed = DeployedMethod is { } deployed ? DeployedNetwork.Of(student, deployed, probe) : null;
        TrainedParameters = CollectParameters();
    }

    /// <inheritdoc/>
    public override Network Student { get; }

    /// <inheritdoc/>
    public override Network Deployed => _deployed ?? Student;

    /// <inheritdoc/>
    public override nn.Module Companions { get; }

    /// <inheritdoc/>
    public override IReadOnlyList<(string Name, Parameter Parameter)> TrainedParameters { get; }

    /// <inheritdoc/>
    public override double TakeTeacherSeconds()
    {
        var seconds = _teacherTime.Elapsed.TotalSeconds;
        _teacherTime.Reset();
        return seconds;
    }

    /// <inheritdoc/>
    public override string? CouplingTerm => ComparingTerm ?? FrameTerm;

    /// <inheritdoc/>
    internal override string CouplingReason => ComparingTerm is null ? "counts frames, which are known only once a batch is computed" : base.CouplingReason;

    /// <inheritdoc/>
    public override bool ComparesSamples => ComparingTerm is not null;

    private string? ComparingTerm =>
        _terms.FirstOrDefault(term => term.Plan.Entry.Traits.HasFlag(MethodTraits.CouplesSamples)).Plan?.Name;

    // The frames of other batches of a group cannot be counted before their turn.
    private string? FrameTerm => _isCtc ? _terms.FirstOrDefault(term => term.Method.CountsPositions).Plan?.Name : null;

    private IEnumerable<(string Name, IPretrainedMethod Method)> Pretrained =>
        _terms.Where(term => term.Method is IPretrainedMethod).Select(term => (term.Plan.Name, (IPretrainedMethod)term.Method));

    private IDeployedMethod? DeployedMethod => _terms.Select(term => term.Method).OfType<IDeployedMethod>().FirstOrDefault();

    /// <inheritdoc/>
    public override Network? TakeDeployed() => _deployed?.Copy();

    /// <inheritdoc/>
    public override bool DeploysCompanions => _deployed is not null;

    /// <inheritdoc/>
    public override bool Prepare(Preparation preparation)
    {
        var due = Pretrained.Where(term => term.Method.Pretraining.Epochs > 0).ToList();
        due.ForEach(term => Pretrainer.Train(term.Name, term.Method, batch => ReadTeacher(_teacher!, batch), preparation));
        return due.Count > 0;
    }

    /// <inheritdoc/>
    public override IReadOnlyList<LossPart> Compute(Batch batch, Progress progress)
    {
        var teacher = _teacher is null ? null : ReadTeacher(_teacher, batch);
        var student = _rotates ? RotatedViews.Read(_student, batch) : _student.Read(batch);
        var parts = new List<LossPart>(_terms.Count + 1);
        var hardWeight = _stage.HardLabels.ValueAt(progress);
        if (hardWeight > 0 && batch.Targets is not null)
        {
            parts.Add(new LossPart(HardLabelPart, HardLabelLoss(student.Logits, batch), hardWeight));
        }

        var (seen, labelled) = (Covered(student), _covered?.Of(batch) ?? batch);
        foreach (var (plan, method) in _terms)
        {
            var own = plan.LogitsPoint is { } point ? Covered(student with { Logits = student.Logits with { Value = student.Features[point].Value } }) : seen;
            parts.Add(new LossPart(plan.Name, method.Compute(new MethodInput(own, teacher, labelled, progress)), plan.Weight.ValueAt(progress)) { IsDistillation = true });
        }

        return parts;
    }

    /// <inheritdoc/>
    public override double CountOf(string part, Batch batch)
    {
        using var scope = NewDisposeScope();
        return _terms.Find(term => term.Plan.Name == part).Method is { } method ? method.CountOf(_covered?.Of(batch) ?? batch) : LabelledSamples(batch);
    }

    /// <inheritdoc/>
    public override void Train(bool training)
    {
        base.Train(training);
        foreach (var module in _frozenModules)
        {
            module.eval();
        }
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        _deployed?.Dispose();
        _student.Dispose();
        _teacher?.Dispose();
        foreach (var parameter in _frozen)
        {
            parameter.requires_grad = true;
        }

        base.Dispose(disposing);
    }

    private ModelSignals Covered(ModelSignals signals) => _covered?.Of(signals) ?? signals;

    private LossTerm HardLabelLoss(Signal logits, Batch batch) => _isCtc
        ? CtcLoss.Labels(logits.Value, logits.Mask, batch.Targets!)
        : HardLabels.CrossEntropy(logits.Value, batch, _stage.Training.LabelSmoothing);

    private ModelSignals ReadTeacher(ISignalSource teacher, Batch batch)
    {
        _teacherTime.Start();
        using var noGradient = no_grad();
        var signals = _teacherLogits is null
            ? _rotates ? RotatedViews.Read(teacher, batch) : teacher.Read(batch)
            : new ModelSignals(new Signal(_teacherLogits.Of(batch)), new Dictionary<string, Signal>());
        _teacherTime.Stop();
        return signals;
    }

    private void BuildTerms(Teacher? teacher, Batch probe, IBatchSource source)
    {
        var studentShapes = _student.Probe(probe);
        foreach (var plan in _stage.Terms)
        {
            if (plan.LogitsPoint is { } point && studentShapes.Features[point] is var shape && !shape.SequenceEqual(studentShapes.Logits))
            {
                throw new ArgumentException(
                    $"{plan.Name} takes the student's {point} for its logits, and it has the shape [{string.Join(", ", shape)}] where the logits have [{string.Join(", ", studentShapes.Logits)}]; name a point of their shape");
            }
        }

        var isStored = teacher is StoreTeacher;
        if (isStored && _rotates)
        {
            throw new ArgumentException("a store of teacher outputs holds no turned images; leave the store out");
        }

        // Without a teacher nobody looks at its shapes; the student's stand in.
        _teacherTime.Start();
        var teacherShapes = _teacher?.Probe(probe) ?? studentShapes;
        _teacherTime.Stop();
        studentShapes = _covered?.Of(studentShapes) ?? studentShapes;
        if (source.Info.Classes.Count > 0 && studentShapes.Logits[^1] != teacherShapes.Logits[^1])
        {
            throw new ArgumentException(
                $"the teacher has {teacherShapes.Logits[^1]} outputs and the student {studentShapes.Logits[^1]}; both must have the {source.Info.Classes.Count} classes of {source.Info.Name}");
        }

        foreach (var plan in _stage.Terms)
        {
            if (plan.Entry.Traits.HasFlag(MethodTraits.NeedsRotations))
            {
                RotatedViews.Require(probe, plan.Name);
            }

            if (probe.Mix is not null && plan.WhyNotMixed is { } reason)
            {
                throw new ArgumentException($"{plan.Name} {reason}, and mixup or cutmix leave samples without one: take them off, or the term");
            }

            var context = new MethodContext(
                studentShapes, teacherShapes, plan.StudentFeatures, plan.TeacherFeatures,
                _covered?.Count ?? source.Info.Classes.Count, source.SampleCount, probe.Input.device)
            {
                TeacherNetwork = teacher?.Network,
                StudentNetwork = Student,
            };
            _terms.Add((plan, plan.Entry.Create(plan.Options, context)));
        }

        if (_teacher is not null && !isStored && !_rotates && _stage.Training is { CacheTeacher: true, Epochs: > 1 } && _stage.Terms.All(term => term.TeacherFeatures.Count == 0))
        {
            _teacherTime.Start();
            _teacherLogits = TeacherLogits.Create(_teacher, source, probe.Input.device, teacherShapes.Logits);
            _teacherTime.Stop();
        }
    }

    private void FreezeAfter(string point, Batch probe)
    {
        // Whatever a gradient of the feature does not reach comes after it.
        using var scope = NewDisposeScope();
        Student.eval();
        _student.Read(probe).Features[point].Value.sum().backward();
        foreach (var parameter in Student.parameters())
        {
            if (parameter.grad is null)
            {
                parameter.requires_grad = false;
                _frozen.Add(parameter);
            }
            else
            {
                parameter.grad = null;
            }
        }

        // Batch-norm statistics are part of a layer that must not move.
        _frozenModules.AddRange(Student.modules().Where(module => module.parameters(recurse: false).Any() && module.parameters(recurse: false).All(parameter => !parameter.requires_grad)));
    }
}
