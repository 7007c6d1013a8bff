using DistillSharp.Data;
using DistillSharp.Speech.Audio;

namespace DistillSharp.Speech.Corpora;

/// <summary>
/// Listens to every recording before anything is trained: those of 0 seconds and silent ones are left out, clipped ones are kept and named. Recordings
/// are read one after the other and not kept.
/// </summary>
internal static class SoundCheck
{
    private const double MostClipped = 0.001;
    private const int Piece = 4096;

    /// <summary>The recordings in which something can be heard, in their order.</summary>
    /// <param name="utterances">The recordings; read only as far as the result is.</param>
    /// <param name="sampleRate">Samples a second that formats other than WAV are converted to.</param>
    /// <param name="leftOut">Gets a line for each that is left out.</param>
    /// <param name="remarks">Gets a line for each that is clipped.</param>
    /// <exception cref="InvalidDataException">A file is damaged; says which and where.</exception>
    public static IEnumerable<SpeechUtterance> Audible(IEnumerable<SpeechUtterance> utterances, int sampleRate, List<string> leftOut, List<string> remarks)
    {
        foreach (var piece in utterances.Chunk(Piece))
        {
            var (reasons, clipped) = (new string?[piece.Length], new double[piece.Length]);
            InParallel.For(piece.Length, 0, i =>
            {
                var clip = AudioReader.ReadAny(piece[i].Path, sampleRate);
                reasons[i] = clip.Samples.Length == 0 ? "it is 0 seconds long" : clip.IsSilent ? "it is silent" : null;
                clipped[i] = clip.ClippedShare;
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

                yield return piece[i];
            }
        }
    }
}
