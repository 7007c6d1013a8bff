using System.Buffers.Binary;
using System.Numerics;

namespace DistillSharp.Teachers.Store;

/// <summary>
/// The bytes of a shard, little-endian. A header of 64: magic, bytes of a row, most rows in a block, the manifest's hash, CRC-32C.
/// Then blocks: a header of 24 (magic, rows, view, CRC-32C of the body, reserved, CRC-32C of the header), the sample ids (int64),
/// the rows, and zeros up to a multiple of 8.
/// </summary>
internal static class ShardFormat
{
    public const string Extension = ".shard";
    public const string SealExtension = ".sealed";
    public const int HeaderBytes = 64;
    public const int BlockHeaderBytes = 24;

    private const ulong ShardMagic = 0x3130_5744_5244_5344; // "DSDRDW01"
    private const uint BlockMagic = 0x4B4C_4244; // "DBLK"

    /// <summary>Bytes of a whole block.</summary>
    public static long BlockBytes(int rows, int rowBytes) => BlockHeaderBytes + ((((long)rows * (sizeof(long) + rowBytes)) + 7) / 8 * 8);

    /// <summary>The header of a shard of a store.</summary>
    public static byte[] Header(int rowBytes, int blockRows, string manifestHash)
    {
        var header = new byte[HeaderBytes];
        BinaryPrimitives.WriteUInt64LittleEndian(header, ShardMagic);
        BinaryPrimitives.WriteInt32LittleEndian(header.AsSpan(8), rowBytes);
        BinaryPrimitives.WriteInt32LittleEndian(header.AsSpan(12), blockRows);
        Convert.FromHexString(manifestHash).CopyTo(header.AsSpan(16));
        BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(60), Checksum(header.AsSpan(0, 60)));
        return header;
    }

    /// <summary>Whether these bytes are a sound header of a shard, of whichever store.</summary>
    public static bool IsHeader(ReadOnlySpan<byte> header) => header.Length == HeaderBytes
        && BinaryPrimitives.ReadUInt64LittleEndian(header) == ShardMagic && BinaryPrimitives.ReadUInt32LittleEndian(header[60..]) == Checksum(header[..60]);

    /// <summary>A block with its checksums.</summary>
    public static byte[] Block(int view, ReadOnlySpan<long> ids, ReadOnlySpan<byte> rows, int rowBytes)
    {
        var block = new byte[checked((int)BlockBytes(ids.Length, rowBytes))];
        var body = block.AsSpan(BlockHeaderBytes);
        for (var i = 0; i < ids.Length; i++)
        {
            BinaryPrimitives.WriteInt64LittleEndian(body[(i * sizeof(long))..], ids[i]);
        }

        rows.CopyTo(body[(ids.Length * sizeof(long))..]);
        BinaryPrimitives.WriteUInt32LittleEndian(block, BlockMagic);
        BinaryPrimitives.WriteInt32LittleEndian(block.AsSpan(4), ids.Length);
        BinaryPrimitives.WriteInt32LittleEndian(block.AsSpan(8), view);
        BinaryPrimitives.WriteUInt32LittleEndian(block.AsSpan(12), Checksum(body));
        BinaryPrimitives.WriteUInt32LittleEndian(block.AsSpan(20), Checksum(block.AsSpan(0, 20)));
        return block;
    }

    /// <summary>Rows, view and the body's checksum of a block; null where this is no block's header.</summary>
    public static (int Rows, int View, uint Checksum)? ReadBlockHeader(ReadOnlySpan<byte> header, int blockRows)
    {
        if (BinaryPrimitives.ReadUInt32LittleEndian(header) != BlockMagic || BinaryPrimitives.ReadUInt32LittleEndian(header[20..]) != Checksum(header[..20]))
        {
            return null;
        }

        var (rows, view) = (BinaryPrimitives.ReadInt32LittleEndian(header[4..]), BinaryPrimitives.ReadInt32LittleEndian(header[8..]));
        return rows >= 1 && rows <= blockRows && view >= 0 ? (rows, view, BinaryPrimitives.ReadUInt32LittleEndian(header[12..])) : null;
    }

    /// <summary>CRC-32C; it finds every change within 32 bits in a row, and any other with a chance of 1 − 2⁻³².</summary>
    public static uint Checksum(ReadOnlySpan<byte> bytes)
    {
        var checksum = uint.MaxValue;
        while (bytes.Length >= 8)
        {
            checksum = BitOperations.Crc32C(checksum, BinaryPrimitives.ReadUInt64LittleEndian(bytes));
            bytes = bytes[8..];
        }

        foreach (var value in bytes)
        {
            checksum = BitOperations.Crc32C(checksum, value);
        }

        return ~checksum;
    }
}

/// <summary>Says that a shard was closed with so many bytes, beside it: what is shorter was truncated afterwards.</summary>
internal sealed record ShardSeal(long Bytes, long Rows);
