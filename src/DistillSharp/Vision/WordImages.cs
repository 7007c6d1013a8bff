using DistillSharp.Data;
using SkiaSharp;

namespace DistillSharp.Vision;

/// <summary>
/// Draws a line of text as a reader of scanned text gets it: 48 pixels high, its own width up to the image's, the rest grey; ink
/// and paper of any shade, a little turned, blurred and noisy.
/// </summary>
public sealed class WordImages : IDisposable
{
    /// <summary>Height of an image in pixels.</summary>
    public const int Height = 48;

    /// <summary>What stands right of the text: the value that readers which pad with zeros after normalising to −1…1 see.</summary>
    public const byte Padding = 127;

    private static readonly string[] Words =
        """
        able above across act after again age air all alone also always amount animal answer apple area arm ask autumn away baby back bad
        bag ball bank base bath bear beat bed before begin behind bell below best between big bird black blood blue board boat body bone book
        both bottle bottom box boy branch bread break bridge bright bring brother brown build burn business butter buy cake call camp card
        care carry case cause centre certain chair chance change cheap child circle city class clean clear clock close cloth cloud coal coat
        coffee cold colour come common company complete condition cook copper copy cork cotton cough country cover crack cream crime cross
        cup current curtain curve damage danger dark daughter day dead dear death debt deep degree desire detail different direction dirty
        discovery distance division dog door doubt down drawer dress drink drive drop dry dust early earth east edge education effect egg
        electric end engine enough equal error even event ever example exchange existence expert eye face fact fall false family farm fat
        father fear feather feeling female fertile field fight finger fire first fish fixed flag flame flat flight floor flower fly fold
        food foolish foot force fork form forward frame free frequent friend front fruit full future garden general girl give glass glove
        go goat gold good government grain grass great green grey grip group growth guide gun hair hammer hand hanging happy harbour hard
        harmony hat heart heat help high history hole hollow hook hope horn horse hospital hour house humour ice idea ill important impulse
        increase industry ink insect insurance interest iron island jelly jewel join journey judge jump keep kettle key kick kind kiss knee
        knife knot knowledge land language last late laugh law lead leaf learn leather left leg letter level library lift light like limit
        line lip liquid list little living lock long look loose loss loud love low machine make male man manager map mark market married
        mass match material meal measure meat medical meeting memory metal middle military milk mind mine minute mist mixed money monkey
        month moon morning mother motion mountain mouth move much muscle music nail name narrow nation natural near necessary neck need
        needle nerve net news night noise normal north nose note number nut observation offer office oil old only open operation opinion
        opposite orange order organ other oven over owner page pain paint paper parallel parcel part past paste payment peace pencil person
        physical picture pig pin pipe place plane plant plate play please pleasure plough pocket point poison polish political poor porter
        position possible pot potato powder power present price print prison private probable process produce profit property prose protest
        public pull pump punishment purpose push put quality question quick quiet quite rail rain range rat rate ray reaction reading ready
        reason receipt record red regret regular relation religion request respect responsible rest reward rhythm rice right ring river road
        rod roll roof room root rough round rub rule run sad safe sail salt same sand say scale school science scissors screw sea seat second
        secret secretary see seed selection self send sense separate serious servant sex shade shake shame sharp sheep shelf ship shirt shock
        shoe short shut side sign silk silver simple sister size skin skirt sky sleep slip slope slow small smash smell smile smoke smooth
        snake sneeze snow soap society sock soft solid some son song sort sound soup south space spade special sponge spoon spring square
        stage stamp star start statement station steam steel stem step stick sticky stiff still stitch stocking stomach stone stop store
        story straight strange street stretch strong structure substance sudden sugar suggestion summer sun support surprise sweet swim
        system table tail take talk tall taste tax teaching tendency test theory thick thin thing thought thread throat through thumb thunder
        ticket tight time tin tired together tomorrow tongue tooth top touch town trade train transport tray tree trick trouble trousers true
        turn twist umbrella unit use value verse very vessel view violent voice waiting walk wall war warm wash waste watch water wave wax way
        weather week weight west wet wheel when while whip whistle white wide will wind window wine wing winter wire wise woman wood wool word
        work worm wound writing wrong year yellow yes yesterday young
        """.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);

    private readonly int _width;
    private readonly SKBitmap _bitmap;

    /// <summary>A renderer of images <paramref name="width"/> pixels wide.</summary>
    public WordImages(int width)
    {
        _width = width;
        _bitmap = new SKBitmap(width, Height, SKColorType.Gray8, SKAlphaType.Opaque);
    }

    /// <summary>Characters that <see cref="Text"/> is made of.</summary>
    public static string Characters { get; } = new([.. Words.SelectMany(word => word + word.ToUpperInvariant()).Concat("0123456789-").Distinct().Order()]);

    /// <summary>One word, two, or a number, in small, capital or mixed letters.</summary>
    public static string Text(ref StableRandom random)
    {
        var kind = random.Below(8);
        var first = Words[random.Below(Words.Length)];
        return kind switch
        {
            0 => first.ToUpperInvariant(),
            1 or 2 => char.ToUpperInvariant(first[0]) + first[1..],
            3 => $"{first} {Words[random.Below(Words.Length)]}",
            4 => $"{1 + random.Below(28)}-{1 + random.Below(12)}-{1990 + random.Below(40)}",
            5 => $"{first} {random.Below(1000)}",
            _ => first,
        };
    }

    /// <summary>The pixels of a text, row by row; valid until the next call.</summary>
    /// <param name="text">The text.</param>
    /// <param name="typeface">Font.</param>
    /// <param name="turned">True for upside down.</param>
    /// <param name="random">Chooses size, shades, tilt, blur and noise.</param>
    public ReadOnlySpan<byte> Draw(string text, SKTypeface typeface, bool turned, ref StableRandom random)
    {
        var margin = 3 + random.Below(8);
        using var font = new SKFont(typeface, 24 + random.Below(14)) { Edging = SKFontEdging.Antialias };
        font.MeasureText(text, out var bounds);
        font.Size *= Math.Min(1, Math.Min((_width - (2f * margin)) / Math.Max(1, bounds.Width), (Height - 6f) / Math.Max(1, bounds.Height)));
        font.MeasureText(text, out bounds);
        var width = Math.Min(_width, bounds.Width + (2 * margin));
        var (paper, shade) = ((byte)(170 + random.Below(86)), (byte)random.Below(90));
        if (random.Below(5) == 0)
        {
            (paper, shade) = (shade, paper);
        }

        using var blur = SKMaskFilter.CreateBlur(SKBlurStyle.Normal, (float)(0.05 + (0.6 * random.Unit())));
        using var paint = new SKPaint { IsAntialias = true, Color = new SKColor(shade, shade, shade), MaskFilter = blur };
        using var canvas = new SKCanvas(_bitmap);
        canvas.Clear(new SKColor(Padding, Padding, Padding));
        using (var background = new SKPaint { Color = new SKColor(paper, paper, paper) })
        {
            canvas.DrawRect(0, 0, width, Height, background);
        }

        canvas.RotateDegrees((turned ? 180 : 0) + (float)((random.Unit() * 4) - 2), width / 2, Height / 2f);
        canvas.DrawText(text, (width / 2) - bounds.MidX, (Height / 2f) - bounds.MidY + random.Below(5) - 2, SKTextAlign.Left, font, paint);
        canvas.Flush();
        AddNoise((int)width, 1 + random.Below(12), ref random);
        return _bitmap.GetPixelSpan();
    }

    /// <inheritdoc/>
    public void Dispose() => _bitmap.Dispose();

    private unsafe void AddNoise(int width, int most, ref StableRandom random)
    {
        var pixels = new Span<byte>((void*)_bitmap.GetPixels(), _width * Height);
        for (var row = 0; row < Height; row++)
        {
            for (var column = 0; column < width; column++)
            {
                ref var pixel = ref pixels[(row * _width) + column];
                pixel = (byte)Math.Clamp(pixel + random.Below((2 * most) + 1) - most, 0, 255);
            }
        }
    }
}
