using DistillSharp.Speech.Audio;
using static TorchSharp.torch;

namespace DistillSharp.Speech.Activity;

/// <summary>
/// Log-mel energies within a network: Hann windows of 32 ms every 16 ms, which are not centred and so need no sound to come. They are
/// fixed numbers and no weights.
/// </summary>
internal sealed class MelFrames : IDisposable
{
    /// <summary>Samples of a window.</summary>
    public const int Window = ActivityOptions.Chunk;

    /// <summary>Samples between windows.</summary>
    public const int Hop = Window / 2;

    /// <summary>Smallest energy, below the rounding of 16-bit samples.</summary>
    public const float Floor = 1e-6f;

    private const int Bins = (Window / 2) + 1;

    /// <summary>Prepares the transform.</summary>
    public MelFrames(int mels)
    {
        var hann = Enumerable.Range(0, Window).Select(i => 0.5 - (0.5 * Math.Cos(2 * Math.PI * i / Window))).ToArray();
        var basis = new float[2 * Bins * Window];
        for (var i = 0; i < basis.Length; i++)
        {
            var (row, at) = (i / Window, i % Window);
            var angle = 2 * Math.PI * (row % Bins) * at / Window;
            basis[i] = (float)(hann[at] * (row < Bins ? Math.Cos(angle) : -Math.Sin(angle)));
        }

        Hann = tensor(Array.ConvertAll(hann, value => (float)value)).DetachFromDisposeScope();
        Basis = tensor(basis, [2 * Bins, 1, Window]).DetachFromDisposeScope();
        Bands = tensor(LogMel.Bands(ActivityOptions.SampleRate, Bins, mels).SelectMany(band => band).ToArray(), [mels, Bins]).DetachFromDisposeScope();
    }

    /// <summary>The window [samples].</summary>
    public Tensor Hann { get; }

    /// <summary>Windowed cosines and sines [2 × bins, 1, samples].</summary>
    public Tensor Basis { get; }

    /// <summary>Weights of the bins in each band [mels, bins].</summary>
    public Tensor Bands { get; }

    /// <summary>Features [N, mels, frames] of sound [N, samples].</summary>
    public Tensor Of(Tensor sound)
    {
        var parts = nn.functional.conv1d(sound.unsqueeze(1), Basis.to(sound.device), stride: Hop).chunk(2, 1);
        var power = parts[0].square() + parts[1].square();
        return nn.functional.conv1d(power, Bands.to(sound.device).unsqueeze(-1)).clamp_min(Floor).log();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Hann.Dispose();
        Basis.Dispose();
        Bands.Dispose();
    }
}
