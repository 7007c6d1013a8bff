namespace DistillSharp.Vision.Models.Mobile;

/// <summary>Channels of networks whose width can be scaled.</summary>
internal static class ChannelWidths
{
    /// <summary>The multiple of 8 that is nearest to the scaled channels and not more than a tenth below them, as in MobileNet's own code.</summary>
    public static long Divisible(double channels)
    {
        const int Divisor = 8;
        var rounded = Math.Max(Divisor, (long)(channels + (Divisor / 2.0)) / Divisor * Divisor);
        return rounded < 0.9 * channels ? rounded + Divisor : rounded;
    }

    /// <summary>Scaled channels rounded down, at least one.</summary>
    public static long Down(double channels) => Math.Max(1, (long)channels);
}
