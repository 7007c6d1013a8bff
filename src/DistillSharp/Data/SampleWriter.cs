using System.Buffers;
using DistillSharp.Data.Augmentation;

namespace DistillSharp.Data;

/// <summary>Writes samples as normalised floats, changed as their augmentation keys say. Threads may write at the same time.</summary>
internal sealed class SampleWriter
{
    // Any numbers do, as long as they differ: each change draws from a stream of its own. What teacher outputs were stored for depends on them.
    private const ulong PartDraw = 0xC409;
    private const ulong RandDraw = 0x4A4D;
    private const ulong JitterDraw = 0x717E;
    private const ulong EraseDraw = 0xE4A5;

    private readonly Dataset _data;
    private readonly AugmentOptions _augment;
    private readonly SampleMixer? _mixer;
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
        (_channels, _height, _width) = isImage ? ((int)shape[0], (int)shape[1], (int)shape[2]) : (1, 1, data.SampleSize);
        CheckAugmentation(isImage);
        _mixer = augment.Mixes ? new SampleMixer(augment, data.Count, _height, _width) : null;
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

    /// <summary>What a sample with that key is mixed with; null for nothing.</summary>
    public SampleMix? MixOf(ulong key) => _mixer?.Of(key);

    /// <summary>Writes the sample at a position.</summary>
    /// <exception cref="InvalidDataException">It is read from a file, which is damaged.</exception>
    public void Write(int position, ulong key, Span<float> target)
    {
        WriteAlone(position, key, target);
        if (MixOf(key) is not { } mix)
        {
            return;
        }

        var rented = ArrayPool<float>.Shared.Rent(target.Length);
        try
        {
            var other = rented.AsSpan(0, target.Length);
            WriteAlone(mix.Position, mix.Key, other);
            _mixer!.Mix(mix, target, other);
        }
        finally
        {
            ArrayPool<float>.Shared.Return(rented);
        }
    }

    private void WriteAlone(int position, ulong key, Span<float> target)
    {
        var placement = Place(key);
        if (!_data.IsBytes)
        {
            placement.Copy(_data.Floats(position), target, _height, _width);
            Normalise(target);
        }
        else if (key == 0 && !_data.IsRead)
        {
            Normalise(_data.Bytes(position), target);
        }
        else
        {
            WriteBytes(position, key, placement, target);
        }

        if (_augment.RandomErasing is { } erasing && key != 0)
        {
            var random = new StableRandom(StableRandom.Key(key, EraseDraw));
            if (RandomParts.Erased(_width, _height, erasing, ref random) is { } part)
            {
                RandomParts.Erase(target, _channels, _height, _width, part, erasing.Noise, ref random);
            }
        }
    }

    private void WriteBytes(int position, ulong key, Placement placement, Span<float> target)
    {
        var rented = ArrayPool<byte>.Shared.Rent(2 * _data.SampleSize);
        try
        {
            var pixels = rented.AsSpan(0, _data.SampleSize);
            var other = rented.AsSpan(_data.SampleSize, _data.SampleSize);
            Read(position, key, pixels);
            if (!placement.IsNone)
            {
                placement.Copy(pixels, other, _height, _width);
                pixels = other;
            }

            if (key != 0 && _augment.RandAugment is { } operations)
            {
                var random = new StableRandom(StableRandom.Key(key, RandDraw));
                ColourOperations.RandAugment(pixels, _channels, _height, _width, operations, ref random);
            }

            if (key != 0 && _augment.ColourJitter is { } jitter)
            {
                var random = new StableRandom(StableRandom.Key(key, JitterDraw));
                ColourOperations.Jitter(pixels, _channels, jitter, ref random);
            }

            Normalise(pixels, target);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(rented);
        }
    }

    private void Read(int position, ulong key, Span<byte> pixels)
    {
        Func<int, int, PixelRegion>? part = null;
        if (key != 0 && _augment.ResizedCrop is { } crop)
        {
            part = (width, height) =>
            {
                var random = new StableRandom(StableRandom.Key(key, PartDraw));
                return RandomParts.ResizedCrop(width, height, crop, ref random);
            };
        }

        if (_data.IsRead)
        {
            _data.Read(position, part, pixels);
        }
        else if (part is not null)
        {
            ImageResampler.Scale(new PlanarImage(_data.Bytes(position), _channels, _height, _width), part(_width, _height), _height, _width, pixels);
        }
        else
        {
            _data.Bytes(position).CopyTo(pixels);
        }
    }

    private Placement Place(ulong key)
    {
        if (key == 0)
        {
            return default;
        }

        // What a sample's key gives for shift and flip is what teacher outputs were stored for: the order of these draws stays.
        var random = new StableRandom(key);
        var most = Math.Max(_augment.Shift, _augment.Crop);
        var range = (2 * most) + 1;
        return new Placement(random.Below(range) - most, random.Below(range) - most, random.Unit() < _augment.Flip, _augment.Crop > 0 ? _augment.CropBorder : CropBorder.Zeros);
    }

    private void Normalise(ReadOnlySpan<byte> pixels, Span<float> target)
    {
        var plane = _height * _width;
        for (var channel = 0; channel < _channels; channel++)
        {
            var table = _tables[channel];
            var from = pixels.Slice(channel * plane, plane);
            var to = target.Slice(channel * plane, plane);
            for (var i = 0; i < from.Length; i++)
            {
                to[i] = table[from[i]];
            }
        }
    }

    private void Normalise(Span<float> values)
    {
        var plane = _height * _width;
        for (var i = 0; i < values.Length; i++)
        {
            values[i] = (values[i] - _mean[i / plane]) * _factor[i / plane];
        }
    }

    private void CheckAugmentation(bool isImage)
    {
        var name = _data.Info.Name;
        if (!_augment.IsNone && !isImage)
        {
            throw new ArgumentException($"augmentation needs images [channels, height, width]; {name} has samples of shape [{string.Join(", ", _data.Info.InputShape)}]");
        }

        if (_augment.NeedsBytes && !_data.IsBytes)
        {
            throw new ArgumentException($"resized_crop, colour_jitter and rand_augment change pixels that are bytes; {name} has other numbers");
        }

        if ((_augment.ColourJitter is not null || _augment.RandAugment is not null) && _channels is not (1 or 3))
        {
            throw new ArgumentException($"colour_jitter and rand_augment need 1 or 3 channels; {name} has {_channels}");
        }

        if (_augment is { Crop: > 0, CropBorder: CropBorder.Reflect } && _augment.Crop >= Math.Min(_height, _width))
        {
            throw new ArgumentException($"crop {_augment.Crop} reflects more than images of {_height}×{_width} pixels have; give less than {Math.Min(_height, _width)}");
        }
    }
}
