using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using static TorchSharp.torch;

namespace DistillSharp.Export;

/// <summary>
/// SHA-256 of a set of tensors: for each name in ordinal order its name, element type, shape and bytes. The same for a live
/// network and for the file it was written to, whatever else stands in the file.
/// </summary>
public static class WeightsHash
{
    /// <summary>Hash of a module's parameters and buffers, as 64 hexadecimal digits.</summary>
    public static string Of(nn.Module module) => Of(module.state_dict());

    /// <summary>Hash of tensors by name.</summary>
    public static string Of(IReadOnlyDictionary<string, Tensor> tensors)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var (name, tensor) in tensors.OrderBy(pair => pair.Key, StringComparer.Ordinal))
        {
            AppendHead(hash, name, ElementTypes.NameOf(tensor.dtype, name), tensor.shape);
            Safetensors.UseBytes(tensor, bytes => hash.AppendData(bytes));
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>Hash of the tensors of an open file, without holding them in memory.</summary>
    public static string Of(SafetensorsFile file)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var entry in file.Entries.OrderBy(entry => entry.Name, StringComparer.Ordinal))
        {
            AppendHead(hash, entry.Name, entry.ElementType, entry.Shape);
            file.ReadBytes(entry.Name, bytes => hash.AppendData(bytes));
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private static void AppendHead(IncrementalHash hash, string name, string elementType, IReadOnlyList<long> shape)
    {
        AppendText(hash, name);
        AppendText(hash, elementType);
        AppendNumber(hash, shape.Count);
        foreach (var axis in shape)
        {
            AppendNumber(hash, axis);
        }
    }

    private static void AppendText(IncrementalHash hash, string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        AppendNumber(hash, bytes.Length);
        hash.AppendData(bytes);
    }

    private static void AppendNumber(IncrementalHash hash, long number)
    {
        Span<byte> bytes = stackalloc byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, number);
        hash.AppendData(bytes);
    }
}
