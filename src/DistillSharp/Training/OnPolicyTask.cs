using DistillSharp.Config;
using DistillSharp.Data;
using DistillSharp.Models;
using DistillSharp.Sequences;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DistillSharp.Training;

/// <summary>
/// Some of the batches have targets that the student draws itself, and the teacher says token by token what it would have thought of them
/// (Agarwal et al., On-Policy Distillation of Language Models, ICLR 2024, algorithm 1): the student learns from its own mistakes. No
/// gradient goes through the draws, and hard labels count on the other batches alone.
/// </summary>
public sealed class OnPolicyTask : TrainingTask
{
    private const ulong WhichBatch = 0x09CE;

    private readonly TrainingTask _task;
    private readonly TeacherTargetsOptions _options;
    private readonly ISequenceNetwork _network;
    private readonly SequenceInfo _tokens;
    private readonly DecodingOptions _length = new();

    /// <summary>Wraps the task that computes the terms, which it owns.</summary>
    /// <exception cref="ArgumentException">The student writes no sequences.</exception>
    public OnPolicyTask(TrainingTask task, TeacherTargetsOptions options)
    {
        (_task, _options) = (task, options);
        _network = task.Student as ISequenceNetwork ?? throw new ArgumentException($"`targets: {{by: student}}` needs a student that writes sequences, and {task.Student.GetName()} does not");
        _tokens = task.Student.Sequence!;
        MomentumGap = task.MomentumGap;
    }

    /// <inheritdoc/>
    public override Network Student => _task.Student;

    /// <inheritdoc/>
    public override nn.Module Companions => _task.Companions;

    /// <inheritdoc/>
    public override IReadOnlyList<(string Name, Parameter Parameter)> TrainedParameters => _task.TrainedParameters;

    /// <inheritdoc/>
    public override string CouplingTerm => _task.CouplingTerm ?? "on-policy distillation (`targets: {by: student}`)";

    /// <inheritdoc/>
    internal override string CouplingReason => _task.CouplingTerm is null ? "counts tokens that the student has yet to write" : _task.CouplingReason;

    /// <inheritdoc/>
    public override bool ComparesSamples => _task.ComparesSamples;

    /// <inheritdoc/>
    public override double TakeTeacherSeconds() => _task.TakeTeacherSeconds();

    /// <inheritdoc/>
    public override bool Prepare(Preparation preparation) => _task.Prepare(preparation);

    /// <inheritdoc/>
    public override void AfterStep() => _task.AfterStep();

    /// <inheritdoc/>
    public override void Train(bool training) => _task.Train(training);

    /// <inheritdoc/>
    public override IReadOnlyList<LossPart> Compute(Batch batch, Progress progress)
    {
        // From torch's generator, which is seeded for every step: a resumed run draws the same.
        using var drawn = randint(0, long.MaxValue, [1], ScalarType.Int64);
        var seed = unchecked((ulong)drawn.cpu().data<long>()[0]);
        if (new StableRandom(StableRandom.Key(seed, WhichBatch)).Unit() >= _options.Share)
        {
            return _task.Compute(batch, progress);
        }

        return [.. _task.Compute(Written(batch, seed), progress).Where(part => part.Name != OfflineTask.HardLabelPart)];
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        _task.Dispose();
        base.Dispose(disposing);
    }

    // The scope of the step owns the new tensors.
    private Batch Written(Batch batch, ulong seed)
    {
        List<int[]> sources = [.. Rows(batch.Input)];
        Student.eval();
        Hypothesis[] outputs;
        using (var model = _network.OpenSteps(sources, 1))
        {
            outputs = SampledSearch.Run(model, _tokens.Begin, _tokens.End, [.. sources.Select(source => _length.LongestFor(source.Length))], _options.Temperature, seed);
        }

        _task.Train(true);
        // What was cut off has no end that it could learn.
        List<int[]> targets = [.. outputs.Select(output => output.IsEnded ? [.. output.Tokens, _tokens.End] : output.Tokens)];
        var longest = targets.Max(target => target.Length);
        var (inputs, labels) = (new long[targets.Count * longest], new long[targets.Count * longest]);
        Array.Fill(inputs, _tokens.Pad);
        Array.Fill(labels, -1);
        for (var row = 0; row < targets.Count; row++)
        {
            for (var i = 0; i < targets[row].Length; i++)
            {
                inputs[(row * longest) + i] = i == 0 ? _tokens.Begin : targets[row][i - 1];
                labels[(row * longest) + i] = targets[row][i];
            }
        }

        var device = batch.Input.device;
        return new Batch
        {
            Inputs = new Dictionary<string, Tensor> { [Batch.DefaultInput] = batch.Input, [Batch.DecoderInput] = tensor(inputs, [targets.Count, longest]).to(device) },
            Lengths = new Dictionary<string, Tensor> { [Batch.DefaultInput] = batch.Lengths[Batch.DefaultInput], [Batch.DecoderInput] = tensor(targets.Select(target => (long)target.Length).ToArray()).to(device) },
            Targets = tensor(labels, [targets.Count, longest]).to(device),
            SampleIds = batch.SampleIds,
            AugmentationKeys = batch.AugmentationKeys,
        };
    }

    private IEnumerable<int[]> Rows(Tensor padded)
    {
        var (values, width) = (padded.cpu().contiguous().data<long>().ToArray(), (int)padded.shape[1]);
        for (var row = 0; row < padded.shape[0]; row++)
        {
            yield return [.. values.AsSpan(row * width, width).ToArray().Where(token => token != _tokens.Pad).Select(token => (int)token)];
        }
    }
}
