using System.Diagnostics;
using DistillSharp.Data;
using DistillSharp.Models;
using DistillSharp.Signals;
using TorchSharp;
using static TorchSharp.torch;

namespace DistillSharp.Teachers;

/// <summary>
/// Chooses the engine of a network that teaches: ONNX Runtime where it gives the same signals for a batch of the training data and
/// takes at least a tenth less time for it.
/// </summary>
/// <param name="data">Shape of a sample.</param>
/// <param name="threads">Threads of one operation, of either engine.</param>
/// <param name="time">Seconds that a pass takes; measured where null.</param>
public sealed class EngineChooser(DatasetInfo data, int threads, Func<TeacherEngine, Action, double>? time = null)
{
    // What is faster by less than this may be slower in the next hour.
    private const double LeastGain = 1.1;

    // Below so many seconds of teacher's passes in a whole run, choosing costs more than it can gain.
    private const double WorthChoosing = 20;
    private const double Tolerance = 1e-4;
    private const int LeastRounds = 3;
    private const int MostRounds = 9;
    private const double EnoughSeconds = 2;

    /// <summary>Chooses for a teacher of whom <paramref name="features"/> are read beside the logits.</summary>
    /// <param name="wanted">What the recipe says.</param>
    /// <param name="network">The teacher, with its weights.</param>
    /// <param name="features">Every feature that any term reads.</param>
    /// <param name="batch">A batch of the training data.</param>
    /// <param name="passes">Batches that the teacher will see altogether.</param>
    /// <exception cref="NotSupportedException">ONNX Runtime is demanded and cannot run the network.</exception>
    /// <exception cref="InvalidOperationException">ONNX Runtime is demanded and gives something else than the network.</exception>
    public EngineChoice Choose(TeacherEngine wanted, Network network, IReadOnlyList<string> features, Batch batch, long passes)
    {
        var asked = new EngineChoice(TeacherEngine.Torch, "the recipe says so") { BatchSize = batch.Count, Threads = threads, Features = features };
        if (wanted == TeacherEngine.Torch)
        {
            return asked;
        }

        if (batch.Input.device.type != DeviceType.CPU)
        {
            return wanted == TeacherEngine.Auto
                ? asked with { Reason = $"the run is on {batch.Input.device}" }
                : throw new NotSupportedException("ONNX Runtime runs teachers on the CPU only; use `device: cpu`, or `engine: torch`");
        }

        try
        {
            return Compare(wanted, network, asked, batch, passes);
        }
        catch (NotSupportedException error) when (wanted == TeacherEngine.Auto)
        {
            return asked with { Reason = $"it cannot be exported: {error.Message}" };
        }
    }

    private EngineChoice Compare(TeacherEngine wanted, Network network, EngineChoice asked, Batch batch, long passes)
    {
        using var noGradient = no_grad();
        using var live = new LiveTeacher(network).Open(asked.Features);
        if (wanted == TeacherEngine.Auto)
        {
            var first = Seconds(TeacherEngine.Torch, live, batch);
            first = Math.Min(first, Seconds(TeacherEngine.Torch, live, batch));
            if (first * passes < WorthChoosing)
            {
                return asked with { Reason = FormattableString.Invariant($"its {passes} passes take about {first * passes:0.#} s in all, too little to choose for"), TorchMilliseconds = first * 1e3 };
            }
        }

        using var exported = new ExportedTeacher(network, data, threads).Open(asked.Features);
        var compared = Parity(live, exported, batch);
        if (compared.Fault is { } fault)
        {
            return wanted == TeacherEngine.Auto
                ? asked with { Reason = fault, LargestDifference = compared.Largest }
                : throw new InvalidOperationException($"{fault}; use `engine: torch`");
        }

        asked = asked with { LargestDifference = compared.Largest };
        return wanted == TeacherEngine.Auto ? Faster(live, exported, asked, batch) : asked with { Engine = TeacherEngine.Onnxruntime };
    }

    // In turn, since on a machine that does other things as well only what was timed side by side can be compared.
    private EngineChoice Faster(ISignalSource live, ISignalSource exported, EngineChoice asked, Batch batch)
    {
        var (torchSeconds, onnxSeconds) = (new List<double>(), new List<double>());
        Seconds(TeacherEngine.Onnxruntime, exported, batch);
        while (torchSeconds.Count < LeastRounds || (torchSeconds.Count < MostRounds && torchSeconds.Sum() + onnxSeconds.Sum() < EnoughSeconds))
        {
            torchSeconds.Add(Seconds(TeacherEngine.Torch, live, batch));
            onnxSeconds.Add(Seconds(TeacherEngine.Onnxruntime, exported, batch));
        }

        var gain = Median([.. torchSeconds.Zip(onnxSeconds, (slow, fast) => slow / fast)]);
        return asked with
        {
            Engine = gain >= LeastGain ? TeacherEngine.Onnxruntime : TeacherEngine.Torch,
            Reason = FormattableString.Invariant($"ONNX Runtime is {gain:0.00} times as fast as torch here ({Median(onnxSeconds) * 1e3:0.#} ms against {Median(torchSeconds) * 1e3:0.#} ms for {asked.BatchSize} samples; at least {LeastGain} is asked for)"),
            TorchMilliseconds = Median(torchSeconds) * 1e3,
            OnnxruntimeMilliseconds = Median(onnxSeconds) * 1e3,
        };
    }

    private double Seconds(TeacherEngine engine, ISignalSource source, Batch batch)
    {
        void Pass()
        {
            using var scope = NewDisposeScope();
            source.Read(batch);
        }

        if (time is not null)
        {
            return time(engine, Pass);
        }

        var started = Stopwatch.GetTimestamp();
        Pass();
        return Stopwatch.GetElapsedTime(started).TotalSeconds;
    }

    // Every value within 1e-4 of the largest of its tensor (and of 1): small values next to large ones carry their rounding.
    private static (double Largest, string? Fault) Parity(ISignalSource live, ISignalSource exported, Batch batch)
    {
        using var scope = NewDisposeScope();
        var (expected, actual) = (live.Read(batch), exported.Read(batch));
        var largest = 0.0;
        foreach (var (name, value) in expected.Features.Prepend(new("logits", expected.Logits)))
        {
            var other = (name == "logits" && ReferenceEquals(value, expected.Logits) ? actual.Logits : actual.Features[name]).Value;
            if (!other.shape.SequenceEqual(value.Value.shape))
            {
                return (double.PositiveInfinity, $"ONNX Runtime gives `{name}` in the shape [{string.Join(", ", other.shape)}], torch in [{string.Join(", ", value.Value.shape)}]");
            }

            var difference = (other - value.Value).abs().max().ToDouble();
            var allowed = Tolerance * (1 + value.Value.abs().max().ToDouble());
            largest = Math.Max(largest, difference);
            // Written so that NaN fails.
            if (!(difference <= allowed))
            {
                return (difference, FormattableString.Invariant($"ONNX Runtime's `{name}` differs from torch's by {difference:G3}, which may be {allowed:G3}"));
            }
        }

        return (largest, null);
    }

    private static double Median(List<double> values)
    {
        values.Sort();
        return (values[(values.Count - 1) / 2] + values[values.Count / 2]) / 2;
    }
}
