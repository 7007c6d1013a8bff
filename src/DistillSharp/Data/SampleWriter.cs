using System.Buffers;

namespace DistillSharp.Data;

/// <summary>Writes one sample as normalised floats, changed as its augmentation key says.</summary>
internal sealed class SampleWriter
{
    private readonly Dataset _data;
    private readonly AugmentOptions _augment;
    private readonly int _channels;
    private readonly int _height;
    private readonly int _width;
    private readonly float[] _mean;
    private readonly float[] _factor;
    private readonly float[][] _tables;

    public SampleWriter(Dataset data, AugmentOptions augment, Normalisation? normalise)
    {
        _data = data;
        _augment = augment;
        var shape = data.Info.InputShape;
        var isImage = shape.Count == 3;
        if (!augment.IsNone && !isImage)
        {
            throw new ArgumentException($"augmentation needs images [channels, height, width]; {data.Info.Name} has samples of shape [{string.Join(", ", shape)}]");
        }

        (_channels, _height, _width) = isImage ? ((int)shape[0], (int)shape[1], (int)shape[2]) : (1, 1, data.SampleSize);
        var used = normalise ?? Normalisation.None(_channels);
        if (used.Mean.Count != _channels || used.Deviation.Count != _channels)
        {
            throw new ArgumentException($"{data.Info.Name} has {_channels} {(_channels == 1 ? "channel" : "channels")}, but there are {used.Mean.Count} means and {used.Deviation.Count} standard deviations");
        }

        _mean = [.. used.Mean];
        _factor = [.. used.Deviation.Select(deviation => 1 / deviation)];
        _tables = data.IsBytes
            ? [.. Enumerable.Range(0, _channels).Select(c => Enumerable.Range(0, 256).Select(value => ((value * data.Scale) - _mean[c]) * _factor[c]).ToArray())]
            : [];
    }

    /// <summary>Writes the sample at a position; threads may do so at the same time.</summary>
    /// <exception cref="InvalidDataException">It is read from a file, which is damaged.</exception>
    public void Write(int position, ulong key, Span<float> target)
    {
        if (!_data.IsRead)
        {
            Write(_data.IsBytes ? _data.Bytes(position) : [], position, key, target);
            return;
        }

        var read = ArrayPool<byte>.Shared.Rent(_data.SampleSize);
        try
        {
            var pixels = read.AsSpan(0, _data.SampleSize);
            _data.Read(position, null, pixels);
            Write(pixels, position, key, target);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(read);
        }
    }

    private void Write(ReadOnlySpan<byte> pixels, int position, ulong key, Span<float> target)
    {
        var (down, right, flip) = Draw(key);
        for (var channel = 0; channel < _channels; channel++)
        {
            var plane = target.Slice(channel * _height * _width, _height * _width);
            if (down == 0 && right == 0 && !flip)
            {
                CopyRow(pixels, position, channel, 0, plane);
                continue;
            }

            // Zeros come in as zero pixels, before normalisation.
            var outside = -_mean[channel] * _factor[channel];
            for (var y = 0; y < _height; y++)
            {
                var row = plane.Slice(y * _width, _width);
                if (y - down < 0 || y - down >= _height)
                {
                    row.Fill(outside);
                }
                else
                {
                    ShiftRow(pixels, position, channel, y - down, row, right, outside);
                }

                if (flip)
                {
                    row.Reverse();
                }
            }
        }
    }

    private (int Down, int Right, bool Flip) Draw(ulong key)
    {
        if (_augment.IsNone || key == 0)
        {
            return (0, 0, false);
        }

        var random = new StableRandom(key);
        var range = (2 * _augment.Shift) + 1;
        return (random.Below(range) - _augment.Shift, random.Below(range) - _augment.Shift, random.Unit() < _augment.Flip);
    }

    private void ShiftRow(ReadOnlySpan<byte> pixels, int position, int channel, int sourceRow, Span<float> row, int right, float outside)
    {
        var visible = _width - Math.Abs(right);
        if (visible <= 0)
        {
            row.Fill(outside);
            return;
        }

        var from = Math.Max(0, -right);
        var to = Math.Max(0, right);
        CopyRow(pixels, position, channel, (sourceRow * _width) + from, row.Slice(to, visible));
        row[..to].Fill(outside);
        row[(to + visible)..].Fill(outside);
    }

    private void CopyRow(ReadOnlySpan<byte> pixels, int position, int channel, int offset, Span<float> target)
    {
        var start = (channel * _height * _width) + offset;
        if (_data.IsBytes)
        {
            var source = pixels.Slice(start, target.Length);
            var table = _tables[channel];
            for (var i = 0; i < source.Length; i++)
            {
                target[i] = table[source[i]];
            }

            return;
        }

        var values = _data.Floats(position).Slice(start, target.Length);
        for (var i = 0; i < values.Length; i++)
        {
            target[i] = (values[i] - _mean[channel]) * _factor[channel];
        }
    }
}
