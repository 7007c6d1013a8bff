using DistillSharp.Data;
using DistillSharp.Speech.Audio;

namespace DistillSharp.Speech.Corpora;

/// <summary>
/// Listens to every recording before anything is trained: those of 0 seconds and silent ones are left out, clipped ones and those of another length than their manifest says are
/// kept and named. Recordings are read one after the other and not kept.
/// </summary>
internal static class SoundCheck
{
    private const double MostClipped = 0.001;

    // Manifests round seconds, to tenths at the coarsest.
    private const double MostApart = 0.1;
    private const int Piece = 4096;

    /// <summary>The recordings in which something can be heard, in their order, with the durations that they have.</summary>
    /// <param name="utterances">The recordings; read only as far as the result is.</param>
    /// <param name="sampleRate">Samples a second that formats other than WAV are converted to.</param>
    /// <param name="leftOut">Gets a line for each that is left out.</param>
    /// <param name="remarks">Gets a line for each that is clipped.</param>
    /// <param name="mistimed">Gets a line for each whose manifest says another duration.</param>
    /// <exception cref="InvalidDataException">A file is damaged; says which and where.</exception>
    public static IEnumerable<SpeechUtterance> Audible(IEnumerable<SpeechUtterance> utterances, int sampleRate, List<string> leftOut, List<string> remarks, List<string> mistimed)
    {
        foreach (var piece in utterances.Chunk(Piece))
        {
            var (reasons, clipped, seconds) = (new string?[piece.Length], new double[piece.Length], new double[piece.Length]);
            InParallel.For(piece.Length, 0, i =>
            {
                var clip = AudioReader.ReadAny(piece[i].Path, sampleRate);
                reasons[i] = clip.Samples.Length == 0 ? "it is 0 seconds long" : clip.IsSilent ? "it is silent" : null;
                (clipped[i], seconds[i]) = (clip.ClippedShare, clip.Seconds);
            });
            for (var i = 0; i < piece.Length; i++)
            {
                if (reasons[i] is { } reason)
                {
                    leftOut.Add($"{piece[i].Path}: {reason}");
                    continue;
                }

                if (clipped[i] > MostClipped)
                {
                    remarks.Add(FormattableString.Invariant($"{piece[i].Path}: {clipped[i]:P1} of its samples are clipped"));
                }

                if (piece[i].Duration > 0 && Math.Abs(piece[i].Duration - seconds[i]) > MostApart)
                {
                    mistimed.Add(FormattableString.Invariant($"{piece[i].Path}: it is {seconds[i]:0.00} s long, and its manifest says {piece[i].Duration:0.00}"));
                }

                yield return piece[i] with { Duration = seconds[i] };
            }
        }
    }

    /// <summary>The recordings with durations: those whose manifest says none are read for it, the others trusted.</summary>
    /// <param name="utterances">The recordings; read only as far as the result is.</param>
    /// <param name="sampleRate">Samples a second that formats other than WAV are converted to.</param>
    /// <exception cref="InvalidDataException">A file is damaged; says which and where.</exception>
    public static IEnumerable<SpeechUtterance> Timed(IEnumerable<SpeechUtterance> utterances, int sampleRate)
    {
        foreach (var piece in utterances.Chunk(Piece))
        {
            InParallel.For(piece.Length, 0, i =>
                piece[i] = piece[i].Duration > 0 ? piece[i] : piece[i] with { Duration = AudioReader.ReadAny(piece[i].Path, sampleRate).Seconds });
            foreach (var utterance in piece)
            {
                yield return utterance;
            }
        }
    }
}
