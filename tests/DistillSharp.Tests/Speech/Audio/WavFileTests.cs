using System.Buffers.Binary;
using DistillSharp.Speech.Audio;

namespace DistillSharp.Tests.Speech.Audio;

public sealed class WavFileTests
{
    [Theory]
    [InlineData(1, 8, new byte[] { 128, 255, 0 }, new[] { 0f, 127 / 128f, -1f })]
    [InlineData(1, 16, new byte[] { 0, 0, 0, 64, 0, 128 }, new[] { 0f, 0.5f, -1f })]
    [InlineData(1, 24, new byte[] { 0, 0, 64, 0, 0, 128, 1, 0, 0 }, new[] { 0.5f, -1f, 1 / 8388608f })]
    [InlineData(1, 32, new byte[] { 0, 0, 0, 64, 0, 0, 0, 128 }, new[] { 0.5f, -1f })]
    [InlineData(3, 32, new byte[] { 0, 0, 128, 62, 0, 0, 0, 191 }, new[] { 0.25f, -0.5f })]
    [InlineData(7, 8, new byte[] { 0xFF, 0x80, 0x00, 0x7F }, new[] { 0f, 32124 / 32768f, -32124 / 32768f, 0f })]
    [InlineData(6, 8, new byte[] { 0xD5, 0x55, 0xAA, 0x2A }, new[] { 8 / 32768f, -8 / 32768f, 32256 / 32768f, -32256 / 32768f })]
    public void Parse_EveryFormat_GivesTheValuesOfItsStandard(int tag, int bits, byte[] data, float[] expected)
    {
        var clip = WavFile.Parse(Wave(tag, 1, 8000, bits, data), "x");
        Assert.Equal(8000, clip.SampleRate);
        Assert.Equal(expected, clip.Samples);
    }

    [Fact]
    public void Parse_Doubles_AreRead()
    {
        var data = new byte[8];
        BinaryPrimitives.WriteDoubleLittleEndian(data, -0.125);
        Assert.Equal([-0.125f], WavFile.Parse(Wave(3, 1, 8000, 64, data), "x").Samples);
    }

    [Fact]
    public void Parse_Stereo_IsTheMean() =>
        Assert.Equal([0.25f, -0.75f], WavFile.Parse(Wave(1, 2, 44100, 16, [0, 64, 0, 0, 0, 128, 0, 192]), "x").Samples);

    [Fact]
    public void Parse_ChunksBeforeTheSamples_AreSkippedWithTheirPadding()
    {
        var plain = Wave(1, 1, 8000, 16, [0, 64]);
        byte[] list = [.. "LIST"u8, 3, 0, 0, 0, 1, 2, 3, 0];
        Assert.Equal([0.5f], WavFile.Parse([.. plain[..36], .. list, .. plain[36..]], "x").Samples);
    }

    [Fact]
    public void Parse_ExtensibleFormat_ReadsTheKindWithin()
    {
        byte[] format = [0xFE, 0xFF, 1, 0, 0x40, 0x1F, 0, 0, 0x80, 0x3E, 0, 0, 2, 0, 16, 0, 22, 0, 16, 0, 4, 0, 0, 0, 1, 0, .. new byte[14]];
        byte[] bytes = [.. "RIFF"u8, 0, 0, 0, 0, .. "WAVEfmt "u8, 40, 0, 0, 0, .. format, .. "data"u8, 2, 0, 0, 0, 0, 192];
        Assert.Equal([-0.5f], WavFile.Parse(bytes, "x").Samples);
    }

    [Fact]
    public void Parse_TruncatedFile_SaysHowMuchIsMissingWhere()
    {
        var bytes = Wave(1, 1, 8000, 16, new byte[200]);
        var error = Assert.Throws<InvalidDataException>(() => WavFile.Parse(bytes.AsSpan(0, 144), "cut.wav"));
        Assert.Equal("cut.wav: the samples at byte 36 are said to be 200 bytes, and 100 follow: the file is cut off, or its header has a false length", error.Message);
    }

    [Theory]
    [InlineData(0, "cut.wav: the samples at byte 36 are said to be 0 bytes, and 8 follow: its header has a false length")]
    [InlineData(7, "cut.wav: 7 bytes of samples are no whole number of frames of 2 bytes (1 channels of 16 bits): the file is cut off")]
    [InlineData(-1, "cut.wav: the samples at byte 36 are said to be 4294967295 bytes, and 8 follow: the file is cut off, or its header has a false length")]
    public void Parse_FalseLengths_AreNamed(int length, string message)
    {
        var bytes = Wave(1, 1, 8000, 16, new byte[8]);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(40), length);
        Assert.Equal(message, Assert.Throws<InvalidDataException>(() => WavFile.Parse(bytes, "cut.wav")).Message);
    }

    [Fact]
    public void Parse_NoSamples_SaysZeroSeconds() =>
        Assert.Equal("x has no samples: it is 0 seconds long", Assert.Throws<InvalidDataException>(() => WavFile.Parse(Wave(1, 1, 8000, 16, []), "x")).Message);

    [Fact]
    public void Parse_OtherFormatsAndFiles_AreRefusedByName()
    {
        Assert.Contains("format 85 of 16 bits is not read", Assert.Throws<InvalidDataException>(() => WavFile.Parse(Wave(85, 1, 8000, 16, [0, 0]), "x")).Message, StringComparison.Ordinal);
        Assert.Contains("no WAV file", Assert.Throws<InvalidDataException>(() => WavFile.Parse("OggS............"u8, "x")).Message, StringComparison.Ordinal);
        Assert.Contains("no finite number", Assert.Throws<InvalidDataException>(() => WavFile.Parse(Wave(3, 1, 8000, 32, [0, 0, 192, 127]), "x")).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1, 384_001, "x: the format at byte 12 says 384001 samples a second; 1 to 384000 are read")]
    [InlineData(1, 0, "x: the format at byte 12 says 0 samples a second; 1 to 384000 are read")]
    [InlineData(65, 8000, "x: the format at byte 12 says 65 channels; 1 to 64 are read")]
    public void Parse_RatesAndChannelsOutOfRange_AreRefused(int channels, int rate, string message) =>
        Assert.StartsWith(message, Assert.Throws<InvalidDataException>(() => WavFile.Parse(Wave(1, channels, rate, 16, [0, 0]), "x")).Message, StringComparison.Ordinal);

    [Fact]
    public void Parse_SamplesInLargerContainers_AreTheirUpperBytes()
    {
        Assert.Equal([0.5f, -1f, 1 / 8388608f], WavFile.Parse(Framed(1, 1, 24, 4, [0, 0, 0, 64, 0, 0, 0, 128, 255, 1, 0, 0]), "x").Samples);
        Assert.Equal([0.25f], WavFile.Parse(Framed(1, 2, 16, 8, [0, 0, 0, 64, 0, 0, 0, 0]), "x").Samples);
    }

    [Theory]
    [InlineData(1, 1, 16, 1, "x: the format at byte 12 says 1 bytes a frame for 1 channels of 16 bits, which take 2: its header is damaged")]
    [InlineData(1, 2, 24, 7, "x: the format at byte 12 says 7 bytes a frame for 2 channels of 24 bits, which take 6: its header is damaged")]
    [InlineData(1, 1, 8, 2, "x: the format at byte 12 says 2 bytes a frame for 1 channels of 8 bits, which take 1: its header is damaged")]
    [InlineData(1, 1, 24, 5, "x: the format at byte 12 says 5 bytes a frame for 1 channels of 24 bits, which take 3: its header is damaged")]
    [InlineData(3, 1, 32, 8, "x: the format at byte 12 says 8 bytes a frame for 1 channels of 32 bits, which take 4: its header is damaged")]
    [InlineData(1, 1, 16, 0, "x: the format at byte 12 says 0 bytes a frame for 1 channels of 16 bits, which take 2: its header is damaged")]
    public void Parse_FramesThatContradictTheBits_AreRefused(int tag, int channels, int bits, int frame, string message) =>
        Assert.Equal(message, Assert.Throws<InvalidDataException>(() => WavFile.Parse(Framed(tag, channels, bits, frame, new byte[frame]), "x")).Message);

    [Fact]
    public void IsSilent_SilenceOfALaw_IsSilent()
    {
        Assert.True(WavFile.Parse(Wave(6, 1, 8000, 8, [.. Enumerable.Repeat((byte)0xD5, 400)]), "x").IsSilent);
        Assert.False(WavFile.Parse(Wave(6, 1, 8000, 8, [.. Enumerable.Repeat((byte)0xD5, 400), 0xAA]), "x").IsSilent);
    }

    [Fact]
    public void Parse_AnyPrefixOfAFile_ThrowsInvalidDataOnly()
    {
        var bytes = Wave(1, 1, 8000, 16, [1, 2, 3, 4]);
        for (var length = 0; length < bytes.Length; length++)
        {
            Assert.Throws<InvalidDataException>(() => WavFile.Parse(bytes.AsSpan(0, length), "x"));
        }
    }

    [Fact]
    public void Write_ThenRead_KeepsSamplesAndClipsLoudOnes()
    {
        using var folder = new TemporaryFolder();
        WavFile.Write(folder.File("a.wav"), new AudioClip([0.5f, -0.25f, 3f, -3f], 16000));
        var read = AudioReader.Read(folder.File("a.wav"), 16000);
        Assert.Equal([0.5f, -0.25f, 32767 / 32768f, -1f], read.Samples);
        Assert.Equal(0.5, read.ClippedShare);
        Assert.False(read.IsSilent);
    }

    [Fact]
    public void Reader_OtherFormatsWithoutPrograms_SaysWhatIsNeeded()
    {
        using var folder = new TemporaryFolder();
        var file = folder.Write("a.ogg", "OggS............");
        Assert.Contains("ffmpeg or sox, and neither is installed", Assert.Throws<InvalidDataException>(() => AudioReader.Read(file, 8000, folder.Path)).Message, StringComparison.Ordinal);
        Assert.Contains("is empty", Assert.Throws<InvalidDataException>(() => AudioReader.Read(folder.Write("b.wav", ""), 8000)).Message, StringComparison.Ordinal);
        Assert.Throws<FileNotFoundException>(() => AudioReader.Read(folder.File("c.wav"), 8000));
    }

    [Fact]
    public void Reader_Folder_SaysToNameItsFiles()
    {
        using var folder = new TemporaryFolder();

        var error = Assert.Throws<InvalidDataException>(() => AudioReader.Read(folder.Path, 8000));

        Assert.Contains($"{folder.Path} is a folder; name its files, such as {folder.File("*.wav")}", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Reader_OtherFormats_GoThroughTheProgram()
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        using var folder = new TemporaryFolder();
        var program = folder.Write("ffmpeg", "#!/bin/sh\nprintf '\\000\\000\\000\\077\\000\\000\\200\\276'\n");
        File.SetUnixFileMode(program, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        Assert.Equal([0.5f, -0.25f], AudioReader.Read(folder.Write("a.ogg", "OggS............"), 8000, folder.Path).Samples);
        File.SetUnixFileMode(program, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        folder.Write("ffmpeg", "#!/bin/sh\necho broken header >&2\nexit 1\n");
        Assert.Contains("ffmpeg could not read it: broken header", Assert.Throws<InvalidDataException>(() => AudioReader.Read(folder.File("a.ogg"), 8000, folder.Path)).Message, StringComparison.Ordinal);
        File.SetUnixFileMode(program, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        Assert.Contains($"{program}, which converts other formats, cannot be started", Assert.Throws<InvalidDataException>(() => AudioReader.Read(folder.File("a.ogg"), 8000, folder.Path)).Message, StringComparison.Ordinal);
    }

    private static byte[] Framed(int tag, int channels, int bits, int frame, byte[] data)
    {
        var bytes = Wave(tag, channels, 8000, bits, data);
        BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(32), (ushort)frame);
        return bytes;
    }

    private static byte[] Wave(int tag, int channels, int rate, int bits, byte[] data)
    {
        byte[] bytes = [.. "RIFF"u8, 0, 0, 0, 0, .. "WAVEfmt "u8, 16, 0, 0, 0, (byte)tag, 0, (byte)channels, 0, .. BitConverter.GetBytes(rate), .. BitConverter.GetBytes(rate * channels * bits / 8), (byte)(channels * bits / 8), 0, (byte)bits, 0, .. "data"u8, .. BitConverter.GetBytes(data.Length), .. data];
        return bytes;
    }
}
