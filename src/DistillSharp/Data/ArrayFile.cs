using System.Globalization;

namespace DistillSharp.Data;

/// <summary>What every file with an array of one's own samples must be, whatever its format.</summary>
internal static class ArrayFile
{
    // An axis of fewer may as well be one of channels.
    private const int LeastSide = 5;

    /// <summary>Refuses images with their channels last, as Keras and Pillow have them: they would be read as images of other pixels.</summary>
    /// <param name="path">The file.</param>
    /// <param name="shape">Its axes, the samples first.</param>
    /// <exception cref="InvalidDataException">The axes are [N, H, W, C], with as many channels as grey, coloured or transparent images have.</exception>
    public static void CheckChannelsFirst(string path, long[] shape)
    {
        if (shape is [_, >= LeastSide, >= LeastSide, 1 or 3 or 4])
        {
            throw new InvalidDataException(
                $"{path} is [{string.Join(", ", shape)}], which are images with their channels last; samples are channels first, [N, C, H, W]: save numpy.transpose(images, (0, 3, 1, 2))");
        }
    }

    /// <summary>Refuses more values than one array in memory holds.</summary>
    /// <param name="path">The file.</param>
    /// <param name="shape">Its axes, the samples first.</param>
    /// <param name="bytes">What its values take.</param>
    /// <exception cref="InvalidDataException">They are more; says how many can be read.</exception>
    public static void CheckSize(string path, IEnumerable<long> shape, long bytes)
    {
        if (bytes > Array.MaxLength)
        {
            throw new InvalidDataException(string.Create(
                CultureInfo.InvariantCulture,
                $"{path}: at most {Array.MaxLength:N0} bytes (2 GiB) can be read from one file, and its {string.Join('×', shape)} values take {bytes:N0}; give fewer samples, or keep images as files (dataset `image_folder`)"));
        }
    }
}
