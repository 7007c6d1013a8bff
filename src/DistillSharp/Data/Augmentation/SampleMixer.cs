namespace DistillSharp.Data.Augmentation;

/// <summary>With what a sample is mixed.</summary>
/// <param name="Position">Position of the other sample.</param>
/// <param name="Key">The other sample's augmentation key.</param>
/// <param name="Share">λ: the sample's own share, 0 to 1; the rest is the other's.</param>
/// <param name="Cut">The rectangle that is the other's (CutMix); null where both are added up (mixup).</param>
internal readonly record struct SampleMix(int Position, ulong Key, double Share, PixelRegion? Cut);

/// <summary>
/// mixup (Zhang et al., ICLR 2018) and CutMix (Yun et al., ICCV 2019). The other sample, its view and λ ~ Beta(α, α) follow from a sample's
/// key alone and not from who is in the batch, so that a stored teacher output fits them.
/// </summary>
/// <param name="options">Strengths and chances.</param>
/// <param name="count">Samples that the other one is drawn from.</param>
/// <param name="height">Rows.</param>
/// <param name="width">Columns.</param>
internal sealed class SampleMixer(AugmentOptions options, int count, int height, int width)
{
    private const ulong Draws = 0x319;
    private const ulong OtherView = 0x0732;

    /// <summary>What a sample with that key is mixed with; null for nothing.</summary>
    public SampleMix? Of(ulong key)
    {
        if (key == 0)
        {
            return null;
        }

        var random = new StableRandom(StableRandom.Key(key, Draws));
        if (random.Unit() >= options.MixProbability)
        {
            return null;
        }

        var other = random.Below(count);
        var cuts = options.Mixup == 0 || (options.Cutmix > 0 && random.Unit() < options.CutmixShare);
        var share = random.Beta(cuts ? options.Cutmix : options.Mixup);
        var view = Math.Max(1, StableRandom.Key(key, OtherView));
        if (!cuts)
        {
            return new SampleMix(other, view, share, null);
        }

        var cut = Cut(share, ref random);
        return new SampleMix(other, view, 1 - ((double)cut.Width * cut.Height / (height * width)), cut);
    }

    /// <summary>Mixes the values of the other sample into those of the sample.</summary>
    public void Mix(SampleMix mix, Span<float> own, ReadOnlySpan<float> other)
    {
        if (mix.Cut is not { } cut)
        {
            // Not a fused operation, so that every processor gives the same bits.
            var (share, rest) = ((float)mix.Share, (float)(1 - mix.Share));
            for (var i = 0; i < own.Length; i++)
            {
                own[i] = (share * own[i]) + (rest * other[i]);
            }

            return;
        }

        for (var start = 0; start < own.Length; start += height * width)
        {
            for (var y = cut.Top; y < cut.Top + cut.Height; y++)
            {
                var row = start + (y * width) + cut.Left;
                other.Slice(row, cut.Width).CopyTo(own[row..]);
            }
        }
    }

    // A rectangle of the image's proportions and the area 1 − λ around a uniform middle, cut off at the image's edge (equation 2).
    private PixelRegion Cut(double share, ref StableRandom random)
    {
        var side = Math.Sqrt(1 - share);
        var (wide, high) = ((int)(width * side), (int)(height * side));
        var (middleX, middleY) = (random.Below(width), random.Below(height));
        var (left, right) = (Math.Clamp(middleX - (wide / 2), 0, width), Math.Clamp(middleX + (wide / 2), 0, width));
        var (top, bottom) = (Math.Clamp(middleY - (high / 2), 0, height), Math.Clamp(middleY + (high / 2), 0, height));
        return new PixelRegion(left, top, right - left, bottom - top);
    }
}
