using DistillSharp.Data;

namespace DistillSharp.Tests.Models;

internal static class SampleData
{
    public static DatasetInfo Images(int channels, int side, int classes) =>
        new("sample", [channels, side, side], [.. Enumerable.Range(0, classes).Select(index => $"class {index}")]);

    public static DatasetInfo Vectors(int size, int classes) =>
        new("sample", [size], [.. Enumerable.Range(0, classes).Select(index => $"class {index}")]);
}
