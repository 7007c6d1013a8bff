using DistillSharp.Data;
using static TorchSharp.torch;

namespace DistillSharp.Signals;

/// <summary>
/// The samples of a batch beside themselves turned by 90, 180 and 270 degrees, for methods that need several views of a sample.
/// A model sees all of them in one pass.
/// </summary>
public static class RotatedViews
{
    /// <summary>Turned views of a sample, beside the sample itself.</summary>
    public const int Count = 3;

    /// <summary>Refuses samples that cannot be turned.</summary>
    /// <exception cref="ArgumentException">They are no square images.</exception>
    public static void Require(Batch batch, string method)
    {
        if (batch.Input is not { } input || input.dim() != 4 || input.shape[2] != input.shape[3])
        {
            throw new ArgumentException($"{method}: samples are turned by quarter turns, so they must be square images [N, C, H, W], not [{string.Join(", ", batch.Input.shape)}]");
        }
    }

    /// <summary>
    /// The signals of a batch, with those of its turned views as <see cref="ModelSignals.Rotated"/>: row (k − 1)·N + i is sample i
    /// after k quarter turns.
    /// </summary>
    public static ModelSignals Read(ISignalSource source, Batch batch)
    {
        var input = batch.Input;
        var views = Enumerable.Range(0, Count + 1).ToList();
        // Not disposed as a batch: the scope owns what it holds.
        var all = Batch.Of(
            cat([.. views.Select(turns => turns == 0 ? input : rot90(input, turns, (2, 3)))], 0),
            batch.Targets is { } targets ? cat([.. views.Select(_ => targets)], 0) : null,
            [.. views.SelectMany(_ => batch.SampleIds)],
            [.. views.SelectMany(_ => batch.AugmentationKeys)]);
        var signals = source.Read(all);
        return Rows(signals, 0, batch.Count) with { Rotated = Rows(signals, batch.Count, Count * batch.Count) };
    }

    private static ModelSignals Rows(ModelSignals signals, long first, long count) =>
        new(Rows(signals.Logits, first, count), signals.Features.ToDictionary(entry => entry.Key, entry => Rows(entry.Value, first, count)));

    private static Signal Rows(Signal signal, long first, long count) =>
        new(signal.Value.narrow(0, first, count)) { Mask = signal.Mask?.narrow(0, first, count) };
}
