using System.Globalization;
using DistillSharp.Data;
using DistillSharp.Export;
using static TorchSharp.torch;

namespace DistillSharp.Teachers;

/// <summary>Colours that a teacher looks at.</summary>
public enum Colour
{
    /// <summary>One channel: 0.299 R + 0.587 G + 0.114 B of a colour image.</summary>
    Grey,

    /// <summary>Three channels: a grey image three times.</summary>
    Rgb,

    /// <summary>Three channels in the order blue, green, red.</summary>
    Bgr,
}

/// <summary>Order of the axes of a teacher's input.</summary>
public enum Layout
{
    /// <summary>[N, channels, height, width].</summary>
    Nchw,

    /// <summary>[N, height, width, channels].</summary>
    Nhwc,

    /// <summary>[N, values]: channel by channel, row by row.</summary>
    Flat,
}

/// <summary>
/// Turns the data's samples into what a teacher from elsewhere was trained on: colour, size, mean and deviation, order of axes.
/// Whatever is not said stays as the student sees it.
/// </summary>
public sealed class Preprocessing
{
    // Rec. ITU-R BT.601, as image libraries turn colour into grey.
    private static readonly float[] Luma = [0.299f, 0.587f, 0.114f];

    private readonly PreprocessingOptions _options;
    private readonly Normalisation? _data;
    private readonly Normalisation? _wanted;
    private readonly bool _changesColour;
    private readonly int _channels;
    private readonly DatasetInfo _samples;

    /// <summary>Preprocessing for samples of a dataset.</summary>
    /// <param name="options">What the recipe says of the teacher.</param>
    /// <param name="data">Shape of the samples.</param>
    /// <param name="given">How the batches are normalised; null where they are not.</param>
    /// <param name="metadata">What the teacher's file says of itself; its mean and deviation count where the recipe names none.</param>
    /// <exception cref="ArgumentException">The data has no such colours or axes.</exception>
    /// <exception cref="InvalidDataException">The metadata's mean and deviation are no two lists of one length.</exception>
    public Preprocessing(PreprocessingOptions options, DatasetInfo data, Normalisation? given, IReadOnlyDictionary<string, string> metadata)
    {
        (_options, _data, _samples) = (options, given, data);
        var isImage = data.InputShape.Count == 3;
        if (!isImage && (options.Size.Count > 0 || options.Colour is not null || options.Layout == Layout.Nhwc))
        {
            throw new ArgumentException($"size, colour and layout of a teacher are for images [channels, height, width]; {data.Name} has samples of shape [{string.Join(", ", data.InputShape)}]");
        }

        var has = isImage ? (int)data.InputShape[0] : 1;
        _channels = options.Colour switch { null => has, Colour.Grey => 1, _ => 3 };
        _changesColour = _channels != has;
        if (options.Colour is not null && has is not (1 or 3))
        {
            throw new ArgumentException($"colour of a teacher is for images of 1 or 3 channels; {data.Name} has {has}");
        }

        _wanted = Wanted(options, given, metadata);
        if (_wanted is { } wanted && wanted.Mean.Count != 1 && wanted.Mean.Count != _channels)
        {
            throw new ArgumentException($"the teacher normalises {wanted.Mean.Count} channels and gets {_channels}");
        }

        if (_wanted is null && _changesColour && _channels == 1 && given is { } normalised && (normalised.Mean.Distinct().Count() > 1 || normalised.Deviation.Distinct().Count() > 1))
        {
            throw new ArgumentException("a teacher of grey images needs `mean` and `deviation` of its own, since the data's are different for each colour");
        }
    }

    /// <summary>Shape of a sample as the teacher gets it.</summary>
    public IReadOnlyList<long> OutputShape
    {
        get
        {
            if (_samples.InputShape.Count != 3)
            {
                return _options.Layout == Layout.Flat ? [_samples.InputShape.Aggregate(1L, (size, axis) => size * axis)] : _samples.InputShape;
            }

            long[] size = _options.Size.Count > 0 ? [_options.Size[0], _options.Size[^1]] : [.. _samples.InputShape.Skip(1)];
            return _options.Layout switch
            {
                Layout.Nhwc => [.. size, _channels],
                Layout.Flat => [_channels * size[0] * size[1]],
                _ => [_channels, .. size],
            };
        }
    }

    /// <summary>The samples as the teacher wants them; the batch itself where nothing changes. Tensors belong to the current dispose scope.</summary>
    public Batch Apply(Batch batch)
    {
        var input = Ordered(Normalised(Sized(Coloured(batch.Input, out var scale), _options), scale));
        return ReferenceEquals(input, batch.Input) ? batch : new Batch
        {
            Inputs = new Dictionary<string, Tensor>(batch.Inputs) { [Batch.DefaultInput] = input },
            Lengths = batch.Lengths,
            Targets = batch.Targets,
            SampleIds = batch.SampleIds,
            AugmentationKeys = batch.AugmentationKeys,
        };
    }

    /// <summary>What is done, by name, for a store of outputs.</summary>
    public IReadOnlyDictionary<string, string> Describe() => new OrderedDictionary<string, string>
    {
        ["size"] = string.Join("x", _options.Size),
        ["antialias"] = _options.Antialias ? "true" : "false",
        ["colour"] = _options.Colour?.ToString() ?? "",
        ["layout"] = _options.Layout.ToString(),
        ["mean"] = Text(_wanted?.Mean),
        ["deviation"] = Text(_wanted?.Deviation),
    };

    private static string Text(IReadOnlyList<float>? values) => string.Join(" ", (values ?? []).Select(value => value.ToString("R", CultureInfo.InvariantCulture)));

    // Grey of normalised colours would weigh them wrongly: such batches go back to the data's own scale first.
    private Tensor Coloured(Tensor input, out Normalisation? scale)
    {
        scale = _data;
        if (!_changesColour)
        {
            return _options.Colour == Colour.Bgr ? input.flip(1) : input;
        }

        if (_channels == 3)
        {
            scale = _data is { } data ? new Normalisation([.. Enumerable.Repeat(data.Mean[0], 3)], [.. Enumerable.Repeat(data.Deviation[0], 3)]) : null;
            return input.expand(-1, 3, -1, -1);
        }

        if (_wanted is not null)
        {
            input = Affine(input, _data, null);
            scale = null;
        }
        else if (_data is { } data)
        {
            scale = new Normalisation([data.Mean[0]], [data.Deviation[0]]);
        }

        return (input * tensor(Luma, [1, 3, 1, 1], device: input.device)).sum(1, keepdim: true);
    }

    private static Tensor Sized(Tensor input, PreprocessingOptions options)
    {
        if (options.Size.Count == 0)
        {
            return input;
        }

        long[] size = [options.Size[0], options.Size[^1]];
        return input.shape[2] == size[0] && input.shape[3] == size[1]
            ? input
            : nn.functional.interpolate(input, size, mode: InterpolationMode.Bilinear, align_corners: false, antialias: options.Antialias);
    }

    private Tensor Normalised(Tensor input, Normalisation? scale) => _wanted is null ? input : Affine(input, FlippedIfBgr(scale), _wanted);

    // The teacher's mean and deviation are in the order of its own channels; the data's are not.
    private Normalisation? FlippedIfBgr(Normalisation? scale) =>
        scale is { Mean.Count: 3 } colours && _options.Colour == Colour.Bgr ? new Normalisation([.. colours.Mean.Reverse()], [.. colours.Deviation.Reverse()]) : scale;

    private static Tensor Affine(Tensor input, Normalisation? from, Normalisation? to)
    {
        var channels = Math.Max(from?.Mean.Count ?? 1, to?.Mean.Count ?? 1);
        var (given, wanted) = (Spread(from, channels), Spread(to, channels));
        if (given.Mean.SequenceEqual(wanted.Mean) && given.Deviation.SequenceEqual(wanted.Deviation))
        {
            return input;
        }

        long[] shape = channels == 1 ? [1] : [1, channels, .. Enumerable.Repeat(1L, (int)input.dim() - 2)];
        var factor = Enumerable.Range(0, channels).Select(i => given.Deviation[i] / wanted.Deviation[i]).ToArray();
        var shift = Enumerable.Range(0, channels).Select(i => (given.Mean[i] - wanted.Mean[i]) / wanted.Deviation[i]).ToArray();
        return (input * tensor(factor, shape, device: input.device)) + tensor(shift, shape, device: input.device);
    }

    private static Normalisation Spread(Normalisation? values, int channels) => values switch
    {
        null => Normalisation.None(channels),
        { Mean.Count: 1 } one when channels > 1 => new Normalisation([.. Enumerable.Repeat(one.Mean[0], channels)], [.. Enumerable.Repeat(one.Deviation[0], channels)]),
        _ => values,
    };

    private Tensor Ordered(Tensor input) => _options.Layout switch
    {
        Layout.Nhwc => input.permute(0, 2, 3, 1).contiguous(),
        Layout.Flat when input.dim() > 2 => input.flatten(1),
        _ => input,
    };

    private static Normalisation? Wanted(PreprocessingOptions options, Normalisation? given, IReadOnlyDictionary<string, string> metadata)
    {
        if (options.Mean.Count > 0)
        {
            return new Normalisation([.. options.Mean.Select(value => (float)value)], [.. options.Deviation.Select(value => (float)value)]);
        }

        var (means, deviations) = (Provenance.List<float>(metadata, Provenance.Mean), Provenance.List<float>(metadata, Provenance.Deviation));
        if (means is null || deviations is null)
        {
            return null;
        }

        if (means.Length != deviations.Length)
        {
            throw new InvalidDataException($"the metadata of the teacher's file has {means.Length} values of `{Provenance.Mean}` and {deviations.Length} of `{Provenance.Deviation}`; it should have as many, one a channel");
        }

        // Empty lists say that it was trained on values as they are, which is what it gets where the data is not normalised either.
        return means.Length > 0 ? new Normalisation(means, deviations) : given is null ? null : Normalisation.None(1);
    }
}
