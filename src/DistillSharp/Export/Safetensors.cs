using System.Buffers.Binary;
using static TorchSharp.torch;

namespace DistillSharp.Export;

/// <summary>
/// Weights as safetensors files: 8 bytes of header length, a JSON header, then the raw little-endian tensors back to back.
/// The same tensors and metadata always give the same bytes.
/// </summary>
public static class Safetensors
{
    /// <summary>Writes tensors, atomically. Wide element types come first, then names in ordinal order, so that every tensor is aligned.</summary>
    /// <param name="path">The file; its folder must exist.</param>
    /// <param name="tensors">Tensors by name, on any device and of any layout.</param>
    /// <param name="metadata">Free texts.</param>
    public static void Write(string path, IEnumerable<KeyValuePair<string, Tensor>> tensors, IReadOnlyDictionary<string, string>? metadata = null)
    {
        var sorted = tensors
            .OrderByDescending(pair => pair.Value.ElementSize)
            .ThenBy(pair => pair.Key, StringComparer.Ordinal)
            .ToList();
        var entries = new List<SafetensorsEntry>(sorted.Count);
        var names = new HashSet<string>(StringComparer.Ordinal);
        long position = 0;
        foreach (var (name, tensor) in sorted)
        {
            if (name == "__metadata__" || !names.Add(name))
            {
                throw new ArgumentException($"`{name}` cannot be a tensor's name: it is {(name == "__metadata__" ? "reserved" : "used twice")}");
            }

            var end = position + (tensor.NumberOfElements * tensor.ElementSize);
            entries.Add(new SafetensorsEntry(name, ElementTypes.NameOf(tensor.dtype, name), tensor.shape, position, end));
            position = end;
        }

        var header = SafetensorsHeader.Format(entries, metadata);
        AtomicFile.Write(path, stream =>
        {
            Span<byte> prefix = stackalloc byte[8];
            BinaryPrimitives.WriteInt64LittleEndian(prefix, header.Length);
            stream.Write(prefix);
            stream.Write(header);
            foreach (var (_, tensor) in sorted)
            {
                UseBytes(tensor, bytes => stream.Write(bytes));
            }
        });
    }

    /// <summary>Writes a module's parameters and buffers.</summary>
    public static void Write(string path, nn.Module module, IReadOnlyDictionary<string, string>? metadata = null) =>
        Write(path, module.state_dict(), metadata);

    /// <summary>Reads every tensor; the caller owns them.</summary>
    /// <exception cref="InvalidDataException">No sound safetensors file; the message says what is wrong where.</exception>
    public static Dictionary<string, Tensor> Read(string path)
    {
        using var file = new SafetensorsFile(path);
        return file.ReadAll();
    }

    /// <summary>Reads a file into a module; see <see cref="SafetensorsFile.LoadInto"/>.</summary>
    public static void LoadInto(nn.Module module, string path)
    {
        using var file = new SafetensorsFile(path);
        file.LoadInto(module);
    }

    /// <summary>The tensor's bytes in row-major order, piece by piece.</summary>
    internal static void UseBytes(Tensor tensor, Chunks.Use use)
    {
        using var noGradient = no_grad();
        using var detached = tensor.detach();
        using var local = detached.cpu();
        using var contiguous = local.contiguous();
        using var flat = contiguous.view(-1);
        Chunks.ForEach(flat, use);
    }
}
