using DistillSharp.Data;

namespace DistillSharp.Models;

/// <summary>Checks that a dataset fits a network, before anything is built.</summary>
public static class InputShapes
{
    /// <summary>Channels, height and width of the dataset's images.</summary>
    /// <exception cref="ArgumentException">Its samples are no images.</exception>
    public static (long Channels, long Height, long Width) Image(DatasetInfo data, string model) =>
        data.InputShape is [var channels, var height, var width]
            ? (channels, height, width)
            : throw new ArgumentException($"{model} needs images of shape [channels, height, width]; samples of `{data.Name}` have shape [{string.Join(", ", data.InputShape)}]");

    /// <summary>Numbers in one sample.</summary>
    public static long Size(DatasetInfo data) => data.InputShape.Aggregate(1L, (product, axis) => product * axis);

    /// <summary>Number of classes.</summary>
    /// <exception cref="ArgumentException">The dataset has fewer than two.</exception>
    public static int Classes(DatasetInfo data, string model) =>
        data.Classes.Count >= 2
            ? data.Classes.Count
            : throw new ArgumentException($"{model} is a classifier and needs at least 2 classes; `{data.Name}` has {data.Classes.Count}");
}
