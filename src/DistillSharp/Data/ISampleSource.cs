namespace DistillSharp.Data;

/// <summary>A part of an image in its own pixels.</summary>
/// <param name="Left">First column.</param>
/// <param name="Top">First row.</param>
/// <param name="Width">Columns, at least 1.</param>
/// <param name="Height">Rows, at least 1.</param>
public readonly record struct PixelRegion(int Left, int Top, int Width, int Height);

/// <summary>Samples of bytes that are read, such as decoded from image files, when a batch needs them. Threads read at the same time.</summary>
public interface ISampleSource
{
    /// <summary>Writes a sample's bytes, of the shape that the dataset has.</summary>
    /// <param name="index">Number of the sample.</param>
    /// <param name="region">
    /// Chooses, from width and height of what is in the file, the part that is scaled to the sample's shape; null for the part that is evaluated on.
    /// </param>
    /// <param name="target">The sample's bytes, channel by channel.</param>
    /// <exception cref="InvalidDataException">The file is damaged; names it.</exception>
    void Read(int index, Func<int, int, PixelRegion>? region, Span<byte> target);

    /// <summary>What tells the sample from any other, whenever its bytes would differ.</summary>
    string Fingerprint(int index);
}

/// <summary>The samples of one set behind those of another.</summary>
/// <param name="first">Reads the first.</param>
/// <param name="count">How many are in the first.</param>
/// <param name="second">Reads those behind them.</param>
internal sealed class JoinedSource(ISampleSource first, int count, ISampleSource second) : ISampleSource
{
    public void Read(int index, Func<int, int, PixelRegion>? region, Span<byte> target)
    {
        var (source, own) = Of(index);
        source.Read(own, region, target);
    }

    public string Fingerprint(int index)
    {
        var (source, own) = Of(index);
        return source.Fingerprint(own);
    }

    private (ISampleSource Source, int Index) Of(int index) => index < count ? (first, index) : (second, index - count);
}

/// <summary>Bytes in memory, read like those of files.</summary>
internal sealed class MemorySource(byte[] bytes, int sampleSize, int height, int width) : ISampleSource
{
    public void Read(int index, Func<int, int, PixelRegion>? region, Span<byte> target)
    {
        var sample = bytes.AsSpan(index * sampleSize, sampleSize);
        if (region?.Invoke(width, height) is { } part)
        {
            ImageResampler.Scale(new PlanarImage(sample, sampleSize / (height * width), height, width), part, height, width, target);
        }
        else
        {
            sample.CopyTo(target);
        }
    }

    public string Fingerprint(int index) => Config.FileHash.Sha256(bytes.AsSpan(index * sampleSize, sampleSize));
}
