using static TorchSharp.torch;

namespace DistillSharp.Export;

/// <summary>Element types of safetensors files, their sizes in bytes and their names in torch.</summary>
internal static class ElementTypes
{
    private static readonly (string Name, ScalarType Type, int Size)[] All =
    [
        ("F64", ScalarType.Float64, 8),
        ("F32", ScalarType.Float32, 4),
        ("F16", ScalarType.Float16, 2),
        ("BF16", ScalarType.BFloat16, 2),
        ("I64", ScalarType.Int64, 8),
        ("I32", ScalarType.Int32, 4),
        ("I16", ScalarType.Int16, 2),
        ("I8", ScalarType.Int8, 1),
        ("U8", ScalarType.Byte, 1),
        ("BOOL", ScalarType.Bool, 1),
    ];

    public static string Names => string.Join(", ", All.Select(type => type.Name));

    public static int? SizeOf(string name) => Array.Find(All, type => type.Name == name) is { Name: not null } found ? found.Size : null;

    public static ScalarType TypeOf(string name) => Array.Find(All, type => type.Name == name).Type;

    /// <exception cref="NotSupportedException">A type that safetensors files do not hold.</exception>
    public static string NameOf(ScalarType type, string tensor) => Array.Find(All, known => known.Type == type) is { Name: { } name }
        ? name
        : throw new NotSupportedException($"tensor `{tensor}` has element type {type}; safetensors hold {Names}");

    public static bool IsFloat(string name) => name is "F64" or "F32" or "F16" or "BF16";
}
