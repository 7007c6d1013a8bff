using System.Buffers.Binary;

namespace DistillSharp.Speech.Audio;

/// <summary>
/// RIFF WAVE files: PCM of 8, 16, 24 and 32 bits (also in the upper bytes of larger containers), floats of 32 and 64, µ-law and A-law (ITU-T G.711).
/// Several channels become their mean.
/// </summary>
public static class WavFile
{
    private const int Pcm = 1;
    private const int Float = 3;
    private const int ALaw = 6;
    private const int MuLaw = 7;
    private const int Extensible = 0xFFFE;
    private const int HighestRate = 384_000;

    /// <summary>Reads a file.</summary>
    /// <exception cref="InvalidDataException">It is no sound WAV file; says what is wrong at which byte.</exception>
    public static AudioClip Read(string path) => Parse(File.ReadAllBytes(path), path);

    /// <summary>Reads a file's bytes.</summary>
    /// <param name="bytes">The whole file.</param>
    /// <param name="name">What messages call it.</param>
    /// <exception cref="InvalidDataException">They are no sound WAV file; says what is wrong at which byte.</exception>
    public static AudioClip Parse(ReadOnlySpan<byte> bytes, string name) => NotEmpty(ParseAny(bytes, name), name);

    /// <summary>The same where a file may hold no samples.</summary>
    internal static AudioClip ParseAny(ReadOnlySpan<byte> bytes, string name)
    {
        if (!IsWave(bytes))
        {
            throw new InvalidDataException($"{name} is no WAV file: it does not begin with RIFF … WAVE");
        }

        Format? format = null;
        var position = 12;
        while (position + 8 <= bytes.Length)
        {
            var kind = bytes.Slice(position, 4);
            var length = BinaryPrimitives.ReadUInt32LittleEndian(bytes[(position + 4)..]);
            var left = bytes.Length - position - 8;
            if (kind.SequenceEqual("fmt "u8))
            {
                format = Format.Read(bytes.Slice(position + 8, (int)Math.Min(length, (uint)left)), name, position);
            }
            else if (kind.SequenceEqual("data"u8))
            {
                CheckData(length, left, name, position);
                return Decode(bytes.Slice(position + 8, (int)length), format ?? throw new InvalidDataException($"{name}: the samples at byte {position} come before any format"), name);
            }

            if (length > left)
            {
                throw new InvalidDataException($"{name}: the chunk at byte {position} says {length} bytes, and {left} follow: the file is cut off, or its length is false");
            }

            // Chunks are padded to whole words.
            position += 8 + (int)length + (int)(length & 1);
        }

        throw new InvalidDataException($"{name} has no chunk of samples: it ends at byte {bytes.Length}, cut off or without sound");
    }

    /// <summary>Writes 16-bit PCM of one channel; what is louder than full scale is clipped.</summary>
    public static void Write(string path, AudioClip clip)
    {
        var data = new byte[44 + (2 * clip.Samples.Length)];
        var span = data.AsSpan();
        "RIFF"u8.CopyTo(span);
        BinaryPrimitives.WriteInt32LittleEndian(span[4..], data.Length - 8);
        "WAVEfmt "u8.CopyTo(span[8..]);
        BinaryPrimitives.WriteInt32LittleEndian(span[16..], 16);
        BinaryPrimitives.WriteInt16LittleEndian(span[20..], Pcm);
        BinaryPrimitives.WriteInt16LittleEndian(span[22..], 1);
        BinaryPrimitives.WriteInt32LittleEndian(span[24..], clip.SampleRate);
        BinaryPrimitives.WriteInt32LittleEndian(span[28..], 2 * clip.SampleRate);
        BinaryPrimitives.WriteInt16LittleEndian(span[32..], 2);
        BinaryPrimitives.WriteInt16LittleEndian(span[34..], 16);
        "data"u8.CopyTo(span[36..]);
        BinaryPrimitives.WriteInt32LittleEndian(span[40..], 2 * clip.Samples.Length);
        for (var i = 0; i < clip.Samples.Length; i++)
        {
            BinaryPrimitives.WriteInt16LittleEndian(span[(44 + (2 * i))..], (short)Math.Clamp(MathF.Round(clip.Samples[i] * 32768), short.MinValue, short.MaxValue));
        }

        File.WriteAllBytes(path, data);
    }

    /// <summary>True where bytes begin as a WAV file does.</summary>
    internal static bool IsWave(ReadOnlySpan<byte> bytes) => bytes.Length >= 12 && bytes[..4].SequenceEqual("RIFF"u8) && bytes[8..12].SequenceEqual("WAVE"u8);

    /// <summary>A clip, refused where it has no samples.</summary>
    /// <exception cref="InvalidDataException">It has none.</exception>
    internal static AudioClip NotEmpty(AudioClip clip, string name) => clip.Samples.Length > 0 ? clip : throw new InvalidDataException($"{name} has no samples: it is 0 seconds long");

    private static void CheckData(uint length, int left, string name, int position)
    {
        if (length > left)
        {
            throw new InvalidDataException($"{name}: the samples at byte {position} are said to be {length} bytes, and {left} follow: the file is cut off, or its header has a false length");
        }

        if (length == 0 && left > 0)
        {
            throw new InvalidDataException($"{name}: the samples at byte {position} are said to be 0 bytes, and {left} follow: its header has a false length");
        }
    }

    private static AudioClip Decode(ReadOnlySpan<byte> data, Format format, string name)
    {
        var width = format.Bits / 8;
        var frame = format.Container * format.Channels;
        if (data.Length % frame != 0)
        {
            throw new InvalidDataException($"{name}: {data.Length} bytes of samples are no whole number of frames of {frame} bytes ({format.Channels} channels of {format.Bits} bits): the file is cut off");
        }

        var samples = new float[data.Length / frame];
        for (var i = 0; i < samples.Length; i++)
        {
            var sum = 0f;
            for (var channel = 0; channel < format.Channels; channel++)
            {
                // Little-endian and left-justified: the bytes below the sample's come first.
                sum += Sample(data.Slice((i * frame) + ((channel + 1) * format.Container) - width, width), format.Tag);
            }

            samples[i] = sum / format.Channels;
        }

        var broken = Array.FindIndex(samples, sample => !float.IsFinite(sample));
        return broken < 0
            ? new AudioClip(samples, format.Rate)
            : throw new InvalidDataException($"{name}: sample {broken} is no finite number");
    }

    private static float Sample(ReadOnlySpan<byte> bytes, int tag) => (tag, bytes.Length) switch
    {
        (Float, 4) => BinaryPrimitives.ReadSingleLittleEndian(bytes),
        (Float, 8) => (float)BinaryPrimitives.ReadDoubleLittleEndian(bytes),
        (MuLaw, 1) => FromMuLaw(bytes[0]) / 32768f,
        (ALaw, 1) => FromALaw(bytes[0]) / 32768f,
        (_, 1) => (bytes[0] - 128) / 128f,
        (_, 2) => BinaryPrimitives.ReadInt16LittleEndian(bytes) / 32768f,
        (_, 3) => ((bytes[0] | (bytes[1] << 8) | ((sbyte)bytes[2] << 16)) / 8388608f),
        _ => BinaryPrimitives.ReadInt32LittleEndian(bytes) / 2147483648f,
    };

    // G.711: sign, three bits of segment, four of mantissa, all inverted.
    private static int FromMuLaw(byte code)
    {
        var value = ~code & 0xFF;
        var magnitude = ((((value & 0x0F) << 3) + 0x84) << ((value & 0x70) >> 4)) - 0x84;
        return (value & 0x80) != 0 ? -magnitude : magnitude;
    }

    // G.711: even bits inverted; a set sign bit is positive.
    private static int FromALaw(byte code)
    {
        var value = code ^ 0x55;
        var segment = (value & 0x70) >> 4;
        var magnitude = segment == 0 ? ((value & 0x0F) << 4) + 8 : (((value & 0x0F) << 4) + 0x108) << (segment - 1);
        return (value & 0x80) != 0 ? magnitude : -magnitude;
    }

    // The container is the bytes that a sample takes.
    private sealed record Format(int Tag, int Channels, int Rate, int Bits, int Container)
    {
        private const int LargestContainer = 4;

        public static Format Read(ReadOnlySpan<byte> chunk, string name, int position)
        {
            if (chunk.Length < 16)
            {
                throw new InvalidDataException($"{name}: the format at byte {position} has {chunk.Length} bytes, 16 are the least: the file is cut off");
            }

            int tag = BinaryPrimitives.ReadUInt16LittleEndian(chunk);
            var bits = BinaryPrimitives.ReadUInt16LittleEndian(chunk[14..]);
            if (tag == Extensible && chunk.Length >= 26)
            {
                tag = BinaryPrimitives.ReadUInt16LittleEndian(chunk[24..]);
            }

            int channels = BinaryPrimitives.ReadUInt16LittleEndian(chunk[2..]);
            int frame = BinaryPrimitives.ReadUInt16LittleEndian(chunk[12..]);
            var format = new Format(tag, channels, BinaryPrimitives.ReadInt32LittleEndian(chunk[4..]), bits, channels == 0 ? 0 : frame / channels);
            var known = (tag, (int)bits) is (Pcm, 8 or 16 or 24 or 32) or (Float, 32 or 64) or (ALaw or MuLaw, 8);
            if (!known)
            {
                throw new InvalidDataException($"{name}: format {tag} of {bits} bits is not read; PCM of 8, 16, 24, 32 bits, floats of 32 and 64, A-law and µ-law are. `ffmpeg -i in.wav -c:a pcm_s16le out.wav` converts it");
            }

            if (format.Rate is <= 0 or > HighestRate)
            {
                throw new InvalidDataException($"{name}: the format at byte {position} says {format.Rate} samples a second; 1 to {HighestRate} are read: its header is damaged, or `ffmpeg -i in.wav -ar 48000 out.wav` converts it");
            }

            if (format.Channels is not (> 0 and <= 64))
            {
                throw new InvalidDataException($"{name}: the format at byte {position} says {format.Channels} channels; 1 to 64 are read: its header is damaged");
            }

            var width = bits / 8;
            return frame % channels == 0 && (format.Container == width || (tag == Pcm && width > 1 && format.Container > width && format.Container <= LargestContainer))
                ? format
                : throw new InvalidDataException($"{name}: the format at byte {position} says {frame} bytes a frame for {channels} channels of {bits} bits, which take {channels * width}: its header is damaged");
        }
    }
}
