using System;
using System.IO;
using System.Text;
using Microsoft.Build.Framework;
using Microsoft.Build.Utilities;

/// <summary>
/// Copies an ELF64 library and marks one version it needs as weak (VER_FLG_WEAK in its .gnu.version_r entry), so
/// that a loader whose libstdc++ lacks that version loads it. Right only where no relocation uses the version:
/// libLibTorchSharp.so asks for GLIBCXX_3.4.32 through _ZSt21ios_base_library_initv, which it never binds.
/// </summary>
public class WeakenVersionNeed : Task
{
    private const uint SectionTypeVersionNeed = 0x6ffffffe;
    private const ushort WeakFlag = 2;

    [Required]
    public string Source { get; set; }

    [Required]
    public string Destination { get; set; }

    /// <summary>The version name, such as GLIBCXX_3.4.32.</summary>
    [Required]
    public string VersionName { get; set; }

    public override bool Execute()
    {
        try
        {
            var info = new FileInfo(Destination);
            if (info.Exists && info.LastWriteTimeUtc >= File.GetLastWriteTimeUtc(Source) && info.Length == new FileInfo(Source).Length)
            {
                return true;
            }

            var bytes = File.ReadAllBytes(Source);
            var count = Weaken(bytes);
            Directory.CreateDirectory(Path.GetDirectoryName(Destination));
            var temporary = Destination + "." + Guid.NewGuid().ToString("N");
            File.WriteAllBytes(temporary, bytes);
            if (File.Exists(Destination))
            {
                File.Delete(Destination);
            }

            File.Move(temporary, Destination);
            Log.LogMessage(MessageImportance.Normal, "{0}: {1} entry of {2} marked weak", Path.GetFileName(Source), count, VersionName);
            return true;
        }
        catch (Exception error)
        {
            Log.LogError(
                "Could not prepare {0} for systems whose libstdc++ lacks {1} (Debian 12, Ubuntu 22.04): {2}. "
                + "Check that {3} is writable and the package is whole.",
                Source, VersionName, error.Message, Path.GetDirectoryName(Destination));
            return false;
        }
    }

    private int Weaken(byte[] elf)
    {
        if (elf.Length < 64 || elf[0] != 0x7f || elf[1] != 'E' || elf[2] != 'L' || elf[3] != 'F' || elf[4] != 2 || elf[5] != 1)
        {
            throw new InvalidDataException("not a 64-bit little-endian ELF file");
        }

        var sectionOffset = (long)BitConverter.ToUInt64(elf, 40);
        var entrySize = BitConverter.ToUInt16(elf, 58);
        var sectionCount = BitConverter.ToUInt16(elf, 60);
        var weakened = 0;
        for (var i = 0; i < sectionCount; i++)
        {
            var header = (int)(sectionOffset + ((long)i * entrySize));
            if (BitConverter.ToUInt32(elf, header + 4) != SectionTypeVersionNeed)
            {
                continue;
            }

            var link = BitConverter.ToUInt32(elf, header + 40);
            var stringsHeader = (int)(sectionOffset + (link * entrySize));
            var strings = (int)BitConverter.ToUInt64(elf, stringsHeader + 24);
            weakened += WeakenSection(elf, (int)BitConverter.ToUInt64(elf, header + 24), strings);
        }

        return weakened;
    }

    private int WeakenSection(byte[] elf, int needOffset, int strings)
    {
        var weakened = 0;
        while (true)
        {
            var auxiliaries = BitConverter.ToUInt16(elf, needOffset + 2);
            var auxiliary = needOffset + (int)BitConverter.ToUInt32(elf, needOffset + 8);
            for (var i = 0; i < auxiliaries; i++)
            {
                var name = ReadString(elf, strings + (int)BitConverter.ToUInt32(elf, auxiliary + 8));
                if (name == VersionName)
                {
                    elf[auxiliary + 4] |= (byte)WeakFlag;
                    weakened++;
                }

                auxiliary += (int)BitConverter.ToUInt32(elf, auxiliary + 12);
            }

            var next = (int)BitConverter.ToUInt32(elf, needOffset + 12);
            if (next == 0)
            {
                return weakened;
            }

            needOffset += next;
        }
    }

    private static string ReadString(byte[] bytes, int start)
    {
        var end = start;
        while (bytes[end] != 0)
        {
            end++;
        }

        return Encoding.ASCII.GetString(bytes, start, end - start);
    }
}
