namespace DistillSharp.Data.Augmentation;

/// <summary>Where an image's rows and columns come from: moved, with what the border says coming in, and perhaps mirrored.</summary>
/// <param name="Down">Rows that it moves down.</param>
/// <param name="Right">Columns that it moves right, before it is mirrored.</param>
/// <param name="Flip">True where left and right change places.</param>
/// <param name="Border">What comes in.</param>
internal readonly record struct Placement(int Down, int Right, bool Flip, CropBorder Border)
{
    /// <summary>True where nothing changes.</summary>
    public bool IsNone => Down == 0 && Right == 0 && !Flip;

    /// <summary>Copies [channels, height, width] to another place.</summary>
    public void Copy<T>(ReadOnlySpan<T> source, Span<T> target, int height, int width)
        where T : struct
    {
        var rows = source.Length / width;
        for (var row = 0; row < rows; row++)
        {
            var (plane, y) = (row / height, row % height);
            var to = target.Slice(row * width, width);
            var from = Inside(y - Down, height);
            if (from < 0)
            {
                to.Clear();
                continue;
            }

            CopyRow(source.Slice(((plane * height) + from) * width, width), to);
            if (Flip)
            {
                to.Reverse();
            }
        }
    }

    private void CopyRow<T>(ReadOnlySpan<T> from, Span<T> to)
        where T : struct
    {
        if (Border == CropBorder.Zeros)
        {
            to.Clear();
            var visible = to.Length - Math.Abs(Right);
            if (visible > 0)
            {
                from.Slice(Math.Max(0, -Right), visible).CopyTo(to[Math.Max(0, Right)..]);
            }

            return;
        }

        for (var x = 0; x < to.Length; x++)
        {
            to[x] = from[Inside(x - Right, to.Length)];
        }
    }

    // The place within 0 … size − 1 that a place stands for; −1 for none.
    private int Inside(int place, int size) => (uint)place < (uint)size ? place : Border switch
    {
        CropBorder.Edge => Math.Clamp(place, 0, size - 1),
        CropBorder.Reflect => place < 0 ? -place : (2 * (size - 1)) - place,
        _ => -1,
    };
}
