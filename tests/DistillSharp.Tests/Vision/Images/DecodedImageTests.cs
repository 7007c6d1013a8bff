using DistillSharp.Vision.Images;
using SkiaSharp;

namespace DistillSharp.Tests.Vision.Images;

/// <summary>Files of every kind, and those that are damaged.</summary>
public sealed class DecodedImageTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("a.png", 0)]
    [InlineData("a.jpg", 6)]
    [InlineData("a.webp", 8)]
    public void Of_EveryFormat_HasTheColoursThatWereWritten(string name, int tolerance)
    {
        var path = ImageMaker.Write(_folder.File(name), 16, 8, new SKColor(100, 20, 180));
        using var image = DecodedImage.Of(path);
        Assert.Equal((16, 8), (image.Width, image.Height));
        Near([160, 80, 240], image, 2, 1, tolerance);
        Near([100, 20, 180], image, 13, 6, tolerance);
    }

    [Fact]
    public void Of_TransparentPixels_AreBlack()
    {
        using var bitmap = new SKBitmap(new SKImageInfo(2, 1, SKColorType.Rgba8888, SKAlphaType.Unpremul));
        bitmap.SetPixel(0, 0, new SKColor(200, 100, 50, 0));
        bitmap.SetPixel(1, 0, new SKColor(200, 100, 50, 255));
        using var image = DecodedImage.Of(ImageMaker.Write(_folder.File("a.png"), bitmap));
        Near([0, 0, 0], image, 0, 0, 0);
        Near([200, 100, 50], image, 1, 0, 0);
    }

    [Fact]
    public void Of_GreyPicture_HasThreeEqualChannels()
    {
        using var bitmap = new SKBitmap(new SKImageInfo(4, 4, SKColorType.Gray8, SKAlphaType.Opaque));
        bitmap.Erase(new SKColor(90, 90, 90));
        using var image = DecodedImage.Of(ImageMaker.Write(_folder.File("grey.jpg"), bitmap));
        Near([90, 90, 90], image, 1, 1, 2);
    }

    // A baseline JPEG of 8×8 pixels with four components whose blocks are flat: quantisation by 8 makes a DC difference of d a value of 128 + d.
    [Fact]
    public void Of_CmykJpeg_IsConverted()
    {
        byte[] table = [.. Enumerable.Repeat((byte)8, 64)];
        byte[] frame = [8, 0, 8, 0, 8, 4, 1, 0x11, 0, 2, 0x11, 0, 3, 0x11, 0, 4, 0x11, 0];
        // DC: the one code 0 for a difference of 7 bits, 10 for none. AC: 0 for the end of the block.
        byte[] huffman = [0, 1, 1, .. new byte[14], 7, 0, 0x10, 1, .. new byte[15], 0];
        // Adobe's CMYK is inverted: ink 0 is 255. 128 + 127, 128 − 127, 128, 128 + 127.
        var bits = Code(127) + Code(-127) + "10" + "0" + Code(127);
        var padded = bits.PadRight((bits.Length + 7) / 8 * 8, '1');
        byte[] scan = [.. Enumerable.Range(0, padded.Length / 8).SelectMany(i => Stuffed(Convert.ToByte(padded.Substring(8 * i, 8), 2)))];
        byte[] file =
        [
            0xFF, 0xD8, .. Segment(0xEE, [.. "Adobe"u8, 0, 100, 0, 0, 0, 0, 0]), .. Segment(0xDB, [0, .. table]), .. Segment(0xC0, frame), .. Segment(0xC4, huffman),
            .. Segment(0xDA, [4, 1, 0, 2, 0, 3, 0, 4, 0, 0, 63, 0]), .. scan, 0xFF, 0xD9,
        ];
        using var image = DecodedImage.Of(_folder.Write("cmyk.jpg", file));
        Assert.Equal((8, 8), (image.Width, image.Height));
        Near([255, 1, 128], image, 4, 4, 3);

        static string Code(int difference) => "0" + Convert.ToString(difference < 0 ? difference + 127 : difference, 2).PadLeft(7, '0') + "0";

        static IEnumerable<byte> Stuffed(byte value) => value == 0xFF ? [0xFF, 0] : [value];

        static byte[] Segment(byte marker, byte[] content) => [0xFF, marker, (byte)((content.Length + 2) >> 8), (byte)(content.Length + 2), .. content];
    }

    // The stored image has its lighter quarter in the upper left; where it is shown follows from EXIF's definition of each value.
    [Theory]
    [InlineData(1, false, 0, 0)]
    [InlineData(2, false, 1, 0)]
    [InlineData(3, false, 1, 1)]
    [InlineData(4, false, 0, 1)]
    [InlineData(5, true, 0, 0)]
    [InlineData(6, true, 1, 0)]
    [InlineData(7, true, 1, 1)]
    [InlineData(8, true, 0, 1)]
    public void Of_ExifOrientation_TurnsTheImage(byte orientation, bool swapped, int right, int down)
    {
        using var image = DecodedImage.Of(Oriented(ImageMaker.Write(_folder.File("plain.jpg"), 32, 16, new SKColor(60, 60, 60)), orientation));
        Assert.Equal(swapped ? (16, 32) : (32, 16), (image.Width, image.Height));
        for (var y = 0; y < 2; y++)
        {
            for (var x = 0; x < 2; x++)
            {
                var grey = (byte)((x, y) == (right, down) ? 120 : 60);
                Near([grey, grey, grey], image, (image.Width / 4) + (x * image.Width / 2), (image.Height / 4) + (y * image.Height / 2), 6);
            }
        }
    }

    [Theory]
    [InlineData(5, 8)]
    [InlineData(6, 24)]
    [InlineData(7, 24)]
    [InlineData(8, 8)]
    public void Of_ExifOrientationOfOneColumn_IsOneRow(byte orientation, int lighter)
    {
        using var bitmap = new SKBitmap(1, 32);
        for (var y = 0; y < 32; y++)
        {
            bitmap.SetPixel(0, y, y < 16 ? new SKColor(120, 120, 120) : new SKColor(60, 60, 60));
        }

        using var image = DecodedImage.Of(Oriented(ImageMaker.Write(_folder.File("plain.jpg"), bitmap), orientation));
        Assert.Equal((32, 1), (image.Width, image.Height));
        Near([120, 120, 120], image, lighter, 0, 6);
        Near([60, 60, 60], image, 32 - lighter, 0, 6);
    }

    [Theory]
    [InlineData("cut.png")]
    [InlineData("cut.jpg")]
    [InlineData("cut.webp")]
    public void Of_CutFile_IsRefusedByName(string name)
    {
        using var bitmap = new SKBitmap(64, 64);
        var random = new Random(1);
        for (var i = 0; i < 64 * 64; i++)
        {
            bitmap.SetPixel(i % 64, i / 64, new SKColor((uint)random.Next() | 0xFF000000));
        }

        var whole = File.ReadAllBytes(ImageMaker.Write(_folder.File(name), bitmap));
        File.WriteAllBytes(_folder.File(name), whole[..(whole.Length / 2)]);
        Assert.Contains(name, Assert.Throws<InvalidDataException>(() => DecodedImage.Of(_folder.File(name))).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("no image at all")]
    public void Of_NoImage_IsRefusedByName(string content) =>
        Assert.Contains("x.jpg", Assert.Throws<InvalidDataException>(() => DecodedImage.Of(_folder.Write("x.jpg", content))).Message, StringComparison.Ordinal);

    [Fact]
    public void Of_FileThatCannotBeOpened_IsNoFaultOfTheImage()
    {
        File.CreateSymbolicLink(_folder.File("lost.png"), "nowhere.png");
        Assert.Contains("lost.png: the image cannot be opened", Assert.Throws<IOException>(() => DecodedImage.Of(_folder.File("lost.png"))).Message, StringComparison.Ordinal);
    }

    // A JPEG file with EXIF's tag of orientation put behind its first marker.
    private string Oriented(string path, byte orientation)
    {
        var plain = File.ReadAllBytes(path);
        byte[] exif = [0xFF, 0xE1, 0, 34, .. "Exif\0\0"u8, .. "MM\0*"u8, 0, 0, 0, 8, 0, 1, 0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation, 0, 0, 0, 0, 0, 0];
        return _folder.Write("turned.jpg", [.. plain[..2], .. exif, .. plain[2..]]);
    }

    private static void Near(byte[] expected, DecodedImage image, int x, int y, int tolerance)
    {
        var pixel = image.Pixels.Slice(((y * image.Width) + x) * 4, 3);
        for (var i = 0; i < 3; i++)
        {
            Assert.InRange(pixel[i], expected[i] - tolerance, expected[i] + tolerance);
        }
    }
}
