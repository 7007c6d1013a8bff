using DistillSharp.Config;
using DistillSharp.Data;
using DistillSharp.Evaluation;
using DistillSharp.Models;
using DistillSharp.RunLog;
using DistillSharp.Runs;
using TorchSharp;
using static TorchSharp.torch;

namespace DistillSharp.Training;

/// <summary>One stage of a job: its task, optimizer and averages live as long as this.</summary>
internal sealed class StageRun : IDisposable
{
    private const int LoggedStepsPerEpoch = 10;

    private readonly TrainingJob _job;
    private readonly StagePlan _stage;
    private readonly TrainingOptions _options;
    private readonly IBatchSource _source;
    private readonly TrainingTask _task;
    private readonly Optimizer _optimizer;
    private readonly WeightAverage? _average;
    private readonly IRunEventSink _events;
    private readonly TimeProvider _clock;
    private readonly int _firstEpoch;
    private readonly int _stepsPerEpoch;
    private readonly long _totalSteps;
    private readonly Device _device;
    private readonly bool _resumes;
    private readonly EpochLosses _losses;
    private readonly List<string> _overtaken = [];
    private TrainingState _state;
    private CostMeter _cost;
    private long[] _lastSampleIds = [];
    private IReadOnlyDictionary<string, double>? _bestValidation;

    public StageRun(TrainingJob job, StagePlan stage, TrainingState state, IReadOnlyDictionary<string, Tensor>? saved, IRunEventSink events, TimeProvider clock)
    {
        (_job, _stage, _options, _state, _events, _clock) = (job, stage, stage.Training, state, events, clock);
        _cost = CostMeter.Start();
        _source = job.Source(stage);
        var checks = new StageChecks(_source, _options);
        checks.CheckSamples();
        _firstEpoch = job.Plan.Stages.Take(state.Stage).Sum(earlier => earlier.Training.Epochs);
        _stepsPerEpoch = StepsPerEpoch(stage, _source);
        _totalSteps = job.Plan.Stages.Sum(each => (long)each.Training.Epochs * StepsPerEpoch(each, each == stage ? _source : job.Source(each)));
        _device = job.Student.parameters().First().device;
        checks.CheckBatchNorm(job.Student);
        MemoryFormats.Apply(job.Student, _options.MemoryFormat);
        _task = CreateTask();
        _job.BeforeStep?.Invoke();
        MemoryFormats.Apply(_task.Companions, _options.MemoryFormat);
        checks.CheckBatchNorm(_task.Companions);
        checks.CheckCoupling(_task);
        _optimizer = new Optimizer(_task.TrainedParameters, _options, _task.MomentumGap);
        _average = _options.Ema > 0 ? new WeightAverage(job.Student, _options.Ema, _task.DeploysCompanions ? _task.Companions : null) : null;
        _resumes = saved is not null;
        if (saved is not null)
        {
            StudentTensors.Restore(saved, _task, _optimizer, _average);
        }

        _losses = new EpochLosses(state);
    }

    /// <summary>Steps of the optimizer in an epoch of a stage.</summary>
    public static int StepsPerEpoch(StagePlan stage, IBatchSource source) =>
        (source.BatchCount + stage.Training.Accumulate - 1) / stage.Training.Accumulate;

    public (TrainingState State, IReadOnlyDictionary<string, double> Validation) Train(CancellationToken cancellation)
    {
        IReadOnlyDictionary<string, double>? validation = null;
        if (!_resumes && _task.Prepare(new Preparation(_source, _device, _job.Seed, _state.Stage, Note, cancellation)))
        {
            _job.BeforeStep?.Invoke();
            SaveCheckpoint();
        }

        for (var epoch = _state.Epoch; epoch < _options.Epochs; epoch++)
        {
            var started = _clock.GetTimestamp();
            TrainEpoch(epoch, cancellation);
            validation = EndEpoch(epoch, started);
        }

        // Averaged weights are the stage's result: the next stage and the export start from them.
        _average?.Swap();
        if (IsLastStage)
        {
            validation = TakeBest() ?? validation;
            _job.Finished?.Invoke(_task);
        }

        return (_state, validation ?? Validate());
    }

    public void Dispose()
    {
        _average?.Dispose();
        _optimizer.Dispose();
        _task.Dispose();
    }

    // Earlier stages have other aims (a hint stage does not even train the classifier), so only the last one is selected from.
    private bool SelectsBest => _options.Select == Selection.Best && IsLastStage;

    private bool IsLastStage => _state.Stage == _job.Plan.Stages.Count - 1;

    private void Note(string message) => _events.Write(new NoteLogged("info", $"{JobResult.JobName(_job.Arm, _job.Seed)}: {message}") { Time = _clock.GetUtcNow() });

    private TrainingTask CreateTask()
    {
        using var probe = _source.Epoch(0).First();
        using var moved = probe.To(_device);
        random.manual_seed(DerivedSeed.Of(_job.Seed, "companions", _state.Stage));
        return _job.CreateTask(_stage, moved, _source);
    }

    private void TrainEpoch(int epoch, CancellationToken cancellation)
    {
        _task.Train(true);
        var group = new List<Batch>(_options.Accumulate);
        try
        {
            var done = _state.Batch;
            foreach (var batch in _source.Epoch(_firstEpoch + epoch, _state.Batch, cancellation))
            {
                group.Add(batch);
                done++;
                if (group.Count < _options.Accumulate && done < _source.BatchCount)
                {
                    continue;
                }

                Step(group, epoch);
                group.ForEach(each => each.Dispose());
                group.Clear();
                _state = _state with { Batch = done, Step = _state.Step + 1, StageStep = _state.StageStep + 1 };
                AfterStep(done, cancellation);
            }
        }
        catch (OperationCanceledException)
        {
            SaveCheckpoint();
            throw;
        }
        finally
        {
            group.ForEach(each => each.Dispose());
        }
    }

    private void AfterStep(int done, CancellationToken cancellation)
    {
        FaultInjection.Reach("step");
        cancellation.ThrowIfCancellationRequested();

        if (_options.CheckpointSteps > 0 && _state.StageStep % _options.CheckpointSteps == 0 && done < _source.BatchCount)
        {
            SaveCheckpoint();
        }
    }

    private void Step(List<Batch> group, int epoch)
    {
        using var scope = NewDisposeScope();
        var progress = new Progress(epoch + ((double)_state.Batch / _source.BatchCount), _options.Epochs);
        var rate = LearningRateSchedule.At(_options, _state.StageStep, _stepsPerEpoch);
        var total = 0.0;
        var parts = new Dictionary<string, double>();
        for (var i = 0; i < group.Count; i++)
        {
            random.manual_seed(DerivedSeed.Of(_job.Seed, "step", (_state.Step * _options.Accumulate) + i));
            total += Backward(group, i, progress, parts);
        }

        _job.BeforeStep?.Invoke();
        if (_options.ClipNorm > 0)
        {
            _optimizer.ClipNorm(_options.ClipNorm);
        }

        _optimizer.Step(rate);
        _lastSampleIds = group[^1].SampleIds;
        _task.AfterStep();
        _average?.Update();
        LogStep(total, parts, rate);
    }

    private double Backward(List<Batch> group, int index, Progress progress, Dictionary<string, double> parts)
    {
        using var scope = NewDisposeScope();
        using var moved = _device.type == DeviceType.CPU ? null : group[index].To(_device);
        var batch = moved ?? group[index];
        var computed = _task.Compute(batch, progress);
        var totals = new Tensor?[2];
        foreach (var part in computed)
        {
            // Over an accumulation group a part is divided by the group's count, not by the batch's.
            var count = CountOf(part, group, index);
            if (count > 0 && part.Weight != 0)
            {
                var weighted = part.Term.Sum * (part.Weight / count);
                var apart = _task.MomentumGap > 0 && part.IsDistillation ? 1 : 0;
                totals[apart] = totals[apart] is { } total ? total + weighted : weighted;
            }

            var sum = part.Term.Sum.ToDouble();
            ThrowIfNotFinite(sum, part.Name, batch);
            _losses.Add(part.Name, sum, part.Term.Count);
            parts[part.Name] = sum / Math.Max(1e-12, part.Term.Count);
        }

        if (totals.All(total => total is null))
        {
            return 0;
        }

        if (totals[1] is { } distillation)
        {
            _optimizer.CollectDistillation(true);
            distillation.backward(retain_graph: totals[0] is not null);
            _optimizer.CollectDistillation(false);
        }

        totals[0]?.backward();
        var loss = totals.Sum(total => total?.ToDouble() ?? 0);
        _losses.AddTotal(loss * group.Sum(each => each.Count), batch.Count);
        return loss;
    }

    private double CountOf(LossPart part, List<Batch> group, int index)
    {
        if (group.Count == 1)
        {
            return part.Term.Count;
        }

        var counts = group.Select(each => _task.CountOf(part.Name, each)).ToArray();
        // Shares of mixed samples are summed in single precision.
        return Math.Abs(counts[index] - part.Term.Count) <= 1e-3
            ? counts.Sum()
            : throw new InvalidOperationException(FormattableString.Invariant(
                $"{part.Name} counts {part.Term.Count} in a batch for which {counts[index]} were expected, so that its gradients cannot be accumulated; set accumulate to 1"));
    }

    private void ThrowIfNotFinite(double value, string part, Batch batch)
    {
        if (!double.IsFinite(value))
        {
            throw new TrainingDivergedException(_job.Arm, _job.Seed, _state.Step + 1, part, value, batch.SampleIds, _job.Checkpoints?.LatestPath);
        }
    }

    // A finite loss can have a gradient that is not, after which neither a checkpoint nor a result is worth keeping.
    private void ThrowIfWeightsNotFinite()
    {
        using var noGradient = no_grad();
        var norm = FusedKernels.Norm([.. _task.TrainedParameters.Select(entry => (Tensor)entry.Parameter)]);
        if (!double.IsFinite(norm))
        {
            throw new TrainingDivergedException(_job.Arm, _job.Seed, _state.Step, "weights", norm, _lastSampleIds, _job.Checkpoints?.LatestPath);
        }
    }

    private void LogStep(double total, Dictionary<string, double> parts, double rate)
    {
        var step = _state.Step + 1;
        if (step % Math.Max(1, _stepsPerEpoch / LoggedStepsPerEpoch) == 0)
        {
            _events.Write(new StepLogged(_job.Arm, _job.Seed, step, _totalSteps, total, parts, rate) { Time = _clock.GetUtcNow() });
        }
    }

    private IReadOnlyDictionary<string, double> EndEpoch(int epoch, long started)
    {
        ThrowIfWeightsNotFinite();
        var last = epoch + 1 == _options.Epochs;
        var jobEpoch = _firstEpoch + epoch + 1;
        IReadOnlyDictionary<string, double> validation = new Dictionary<string, double>();
        if (last || (epoch + 1) % _options.EvaluateEvery == 0)
        {
            _average?.Swap();
            validation = Validate();
            KeepIfBest(validation, jobEpoch);
            _average?.Swap();
        }

        var (loss, means) = _losses.Take();
        var rate = LearningRateSchedule.At(_options, Math.Max(0, _state.StageStep - 1), _stepsPerEpoch);
        _state = _state with { Epoch = epoch + 1, Batch = 0 };
        if (last || (epoch + 1) % _options.CheckpointEvery == 0)
        {
            SaveCheckpoint();
        }

        _events.Write(new EpochEnded(
            _job.Arm, _job.Seed, _stage.Name, jobEpoch, _job.Plan.Epochs, _state.Step, loss,
            means, validation, rate, _clock.GetElapsedTime(started).TotalSeconds)
        {
            Time = _clock.GetUtcNow(),
        });
        return validation;
    }

    private IReadOnlyDictionary<string, double>? TakeBest()
    {
        if (_job.Checkpoints is null)
        {
            return _bestValidation;
        }

        if (!SelectsBest || _state.BestFile is null)
        {
            return null;
        }

        using var best = _job.Checkpoints.ReadBest(_state.BestFile);
        StudentTensors.RestoreNetworks(best.Tensors, _task);
        return Validate();
    }

    // Weights can be finite where what they make of other samples is not.
    private IReadOnlyDictionary<string, double> Validate()
    {
        try
        {
            return _job.Validate(_task.Deployed);
        }
        catch (NonFiniteLogitsException error)
        {
            throw new TrainingDivergedException(_job.Arm, _job.Seed, _state.Step, "validation", error.Value, [], _job.Checkpoints?.LatestPath, error);
        }
    }

    private void KeepIfBest(IReadOnlyDictionary<string, double> validation, int jobEpoch)
    {
        if (!SelectsBest || !(validation[_job.SelectionMetric] > (_state.Best ?? double.NegativeInfinity)))
        {
            return;
        }

        if (_job.Checkpoints is null)
        {
            // A trial keeps no weights; what it is judged by is the accuracy of those that would be kept.
            _state = _state with { Best = validation[_job.SelectionMetric], BestEpoch = jobEpoch };
            _bestValidation = validation;
            return;
        }

        var stale = _state.BestFile;
        var file = _job.Checkpoints.WriteBest(_state.Step, StudentTensors.OfNetworks(_task));
        _state = _state with { Best = validation[_job.SelectionMetric], BestEpoch = jobEpoch, BestFile = file };
        if (stale is not null && stale != file)
        {
            _overtaken.Add(stale);
        }
    }

    private void SaveCheckpoint()
    {
        ThrowIfWeightsNotFinite();
        var now = CostMeter.Start();
        _state = _state with
        {
            PartSums = _losses.Sums,
            PartCounts = _losses.Counts,
            Seconds = _state.Seconds + _cost.SecondsUntil(now),
            CpuSeconds = _state.CpuSeconds + _cost.CpuSecondsUntil(now),
            TeacherSeconds = _state.TeacherSeconds + _task.TakeTeacherSeconds(),
        };
        _cost = now;
        if (_job.Checkpoints is null)
        {
            return;
        }

        var path = _job.Checkpoints.Write(_state.Step, StudentTensors.Collect(_task, _optimizer, _average), _state.ToJson());
        // Whoever resumes reads the newest checkpoint, which named them until now.
        _overtaken.ForEach(_job.Checkpoints.DeleteBest);
        _overtaken.Clear();
        _events.Write(new CheckpointSaved(_job.Arm, _job.Seed, _state.Step, path) { Time = _clock.GetUtcNow() });
    }
}
