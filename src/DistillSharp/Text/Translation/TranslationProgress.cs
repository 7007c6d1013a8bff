namespace DistillSharp.Text.Translation;

/// <summary>Says how far a teacher has come, about every ten seconds and at the end.</summary>
/// <param name="before">Sentences that were there already.</param>
/// <param name="total">All sentences.</param>
/// <param name="report">Told.</param>
/// <param name="clock">Time.</param>
internal sealed class TranslationProgress(int before, int total, Action<string> report, TimeProvider clock)
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(10);

    private readonly long _started = clock.GetTimestamp();
    private TimeSpan _told;

    /// <summary>Takes note of the sentences that are translated by now.</summary>
    public void Hear(int translated)
    {
        var elapsed = clock.GetElapsedTime(_started);
        if (translated < total && elapsed - _told < Interval)
        {
            return;
        }

        _told = elapsed;
        var pace = (translated - before) / Math.Max(1e-3, elapsed.TotalSeconds);
        var left = TimeSpan.FromSeconds((total - translated) / pace);
        report(FormattableString.Invariant($"{translated} of {total} sentences are translated ({pace:0} a second){(translated < total ? $", about {(int)left.TotalHours}:{left:mm\\:ss} left" : "")}"));
    }
}
