using System.Globalization;
using DistillSharp.Config;
using DistillSharp.Data;

namespace DistillSharp.Vision.Images;

/// <summary>How image files become samples.</summary>
/// <param name="Channels">1 for grey, 3 for colour.</param>
/// <param name="Size">Height and width of a sample in pixels.</param>
/// <param name="Resize">Shorter side that an image is scaled to before its middle is cut out.</param>
internal sealed record ImageShape(int Channels, int Size, int Resize);

/// <summary>Samples decoded from image files below a folder, each time they are asked for.</summary>
internal sealed class ImageFiles : ISampleSource
{
    // Up to here the files are hashed as a whole; beyond it their paths and lengths stand for them.
    private const long MostHashed = 1L << 28;

    private readonly string _root;
    private readonly IReadOnlyList<string> _paths;
    private readonly ImageShape _shape;
    private readonly Lazy<string[]> _fingerprints;

    /// <summary>Files by their paths relative to a folder.</summary>
    public ImageFiles(string root, IReadOnlyList<string> paths, ImageShape shape)
    {
        (_root, _paths, _shape) = (root, paths, shape);
        _fingerprints = new Lazy<string[]>(Fingerprints);
    }

    /// <summary>Number of files.</summary>
    public int Count => _paths.Count;

    /// <summary>Full path of a file.</summary>
    public string PathOf(int index) => Path.Combine(_root, _paths[index]);

    /// <inheritdoc/>
    public string Fingerprint(int index) => _fingerprints.Value[index];

    /// <inheritdoc/>
    public void Read(int index, Func<int, int, PixelRegion>? region, Span<byte> target)
    {
        using var image = DecodedImage.Of(PathOf(index));
        if (_shape.Channels == 3)
        {
            Scale(image, region, target);
            return;
        }

        Span<byte> colours = new byte[3 * _shape.Size * _shape.Size];
        Scale(image, region, colours);
        DecodedImage.Grey(colours, target);
    }

    private void Scale(DecodedImage image, Func<int, int, PixelRegion>? region, Span<byte> target)
    {
        var size = _shape.Size;
        if (region is not null)
        {
            ImageResampler.ScaleInterleaved(image.Pixels, image.Width, region(image.Width, image.Height), size, size, new PixelRegion(0, 0, size, size), target);
            return;
        }

        // torchvision's Resize and CenterCrop.
        image.Middle(_shape.Resize, size, size, target);
    }

    private string[] Fingerprints()
    {
        var lengths = new long[Count];
        InParallel.For(Count, 0, i => lengths[i] = FileTarget.Of(PathOf(i)).Length);
        var whole = lengths.Sum() <= MostHashed;
        var prints = new string[Count];
        InParallel.For(Count, 0, i => prints[i] = string.Create(
            CultureInfo.InvariantCulture, $"{_paths[i]}|{(whole ? FileHash.Sha256(PathOf(i)) : lengths[i])}|{_shape.Channels}|{_shape.Size}|{_shape.Resize}"));
        return prints;
    }
}
