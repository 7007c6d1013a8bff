using System.IO.Compression;
using System.Security.Cryptography;

namespace DistillSharp.Config;

/// <summary>Hashes of files.</summary>
public static class FileHash
{
    /// <summary>SHA-256 of a file as 64 hexadecimal digits.</summary>
    public static string Sha256(string path)
    {
        using var stream = File.OpenRead(path);
        return Convert.ToHexStringLower(SHA256.HashData(stream));
    }

    /// <summary>SHA-256 of the bytes that a gzip file holds, as 64 hexadecimal digits.</summary>
    /// <exception cref="InvalidDataException">It is not gzip, or damaged.</exception>
    public static string Sha256OfUnpacked(string path)
    {
        using var stream = new GZipStream(File.OpenRead(path), CompressionMode.Decompress);
        return Convert.ToHexStringLower(SHA256.HashData(stream));
    }

    /// <summary>SHA-256 of bytes as 64 hexadecimal digits.</summary>
    public static string Sha256(ReadOnlySpan<byte> bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes));
}
