using System.Globalization;
using System.Text.Json;
using DistillSharp.Export;
using DistillSharp.Export.Onnx;
using DistillSharp.Vision.Images;
using Microsoft.ML.OnnxRuntime;
using SkiaSharp;

namespace DistillSharp.Vision;

/// <summary>A class and how likely it is, 0 to 1.</summary>
public sealed record Prediction(string Class, double Probability);

/// <summary>
/// Classifies image files with an exported student. Size, colours, normalisation and class names come from the file's own
/// metadata; ONNX Runtime does the rest, and libtorch is not loaded. One object serves one thread.
/// </summary>
public sealed class ImageClassifier : IDisposable
{
    private readonly string _path;
    private readonly InferenceSession _session;
    private readonly string[] _classes;
    private readonly int _channels;
    private readonly int _height;
    private readonly int _width;
    private readonly int? _resize;
    private readonly float[] _mean;
    private readonly float[] _deviation;
    private readonly float _white;

    /// <summary>Loads a student that <c>distill</c> exported.</summary>
    /// <param name="path">The ONNX file.</param>
    /// <param name="threads">Threads within one operation.</param>
    /// <exception cref="InvalidDataException">It is no ONNX file, does not say how its inputs are made, or takes no images, or images on a scale that nothing says.</exception>
    public ImageClassifier(string path, int threads = 1)
    {
        if (!File.Exists(path))
        {
            throw new FileNotFoundException($"there is no file {path}");
        }

        _path = path;
        using var options = OnnxSession.Options(threads);
        try
        {
            _session = new InferenceSession(path, options);
        }
        catch (OnnxRuntimeException error)
        {
            throw new InvalidDataException($"{path} is no model that ONNX Runtime can load: {error.Message}", error);
        }

        try
        {
            var shape = Read<long[]>(Provenance.InputShape);
            (_channels, _height, _width) = shape is [1 or 3, > 0 and <= 16384, > 0 and <= 16384]
                ? ((int)shape[0], (int)shape[1], (int)shape[2])
                : throw new InvalidDataException($"{path} takes samples of shape [{string.Join(", ", shape)}], which are no grey or colour images");
            _resize = _session.ModelMetadata.CustomMetadataMap.TryGetValue(Provenance.Resize, out var side) && _height == _width && int.TryParse(side, NumberStyles.None, CultureInfo.InvariantCulture, out var shorter) && shorter >= _height && shorter <= 16384
                ? shorter
                : null;
            _classes = Read<string[]>(Provenance.Classes);
            _mean = PerChannel(Read<float[]>(Provenance.Mean), 0);
            _deviation = PerChannel(Read<float[]>(Provenance.Deviation), 1);
            _white = White(_session.ModelMetadata.CustomMetadataMap.GetValueOrDefault(Provenance.PixelScale), Has(Provenance.ValueRange) ? Read<float[]>(Provenance.ValueRange) : []);
        }
        catch
        {
            _session.Dispose();
            throw;
        }
    }

    /// <summary>Class names in the order of the outputs.</summary>
    public IReadOnlyList<string> Classes => _classes;

    /// <summary>The likeliest classes of an image file (JPEG, PNG, WebP, BMP, GIF), the likeliest first.</summary>
    /// <param name="file">The image. It is scaled as the images that the model was evaluated on, and its middle is taken.</param>
    /// <param name="top">How many at most.</param>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">It is no image, or a broken one, or a folder.</exception>
    public IReadOnlyList<Prediction> Classify(string file, int top = 5)
    {
        if (Directory.Exists(file))
        {
            throw new InvalidDataException($"{file} is a folder; give the images in it, such as {Path.Combine(file, "*.jpg")}");
        }

        if (!File.Exists(file))
        {
            throw new FileNotFoundException($"there is no file {file}");
        }

        using var image = DecodedImage.Of(file);
        return Classify(image, top);
    }

    /// <summary>The likeliest classes of a decoded image.</summary>
    public IReadOnlyList<Prediction> Classify(SKBitmap image, int top = 5)
    {
        using var decoded = DecodedImage.Of(image);
        return Classify(decoded, top);
    }

    private IReadOnlyList<Prediction> Classify(DecodedImage image, int top)
    {
        var input = Values(image);
        using var value = OrtValue.CreateTensorValueFromMemory(input, [1, _channels, _height, _width]);
        using var options = new RunOptions();
        using var results = _session.Run(options, [_session.InputNames[0]], [value], [_session.OutputNames.Contains(OnnxExporter.OutputName) ? OnnxExporter.OutputName : _session.OutputNames[0]]);
        var logits = results[0].GetTensorDataAsSpan<float>().ToArray();
        if (logits.Length != _classes.Length)
        {
            throw new InvalidDataException($"{_path} gives {logits.Length} outputs and names {_classes.Length} classes");
        }

        var largest = logits.Max();
        var weights = logits.Select(logit => Math.Exp(logit - largest)).ToArray();
        var sum = weights.Sum();
        return [.. weights.Select((weight, index) => new Prediction(_classes[index], weight / sum)).OrderByDescending(prediction => prediction.Probability).Take(top)];
    }

    /// <inheritdoc/>
    public void Dispose() => _session.Dispose();

    // Pixels count 0 to 1 before normalisation, whatever bytes the training data was stored in, where mean and deviation are of that scale.
    private float[] Values(DecodedImage image)
    {
        var plane = _height * _width;
        var pixels = new byte[3 * plane];
        image.Middle(_resize, _height, _width, pixels);
        if (_channels == 1)
        {
            var grey = new byte[plane];
            DecodedImage.Grey(pixels, grey);
            pixels = grey;
        }

        var values = new float[_channels * plane];
        for (var i = 0; i < values.Length; i++)
        {
            values[i] = Normalised(pixels[i] / 255f, i / plane);
        }

        return values;
    }

    private float Normalised(float value, int channel) => ((value * _white) - _mean[channel]) / _deviation[channel];

    // What a white pixel counts: 1, or 255 times the factor of bytes where the training images held numbers beyond 0 to 1. Files that do not say what they held
    // are judged by mean and deviation: numbers from 0 to 1 deviate by no more than a half.
    private float White(string? pixelScale, float[] held)
    {
        var isKnown = float.TryParse(pixelScale, NumberStyles.Float, CultureInfo.InvariantCulture, out var scale) && scale > 0 && float.IsFinite(scale);
        var white = 255 * scale;
        var isNotNormalised = Array.TrueForAll(_mean, mean => mean == 0) && Array.TrueForAll(_deviation, deviation => deviation == 1);
        var isUnit = held is [var low, var high]
            ? low >= 0 && high <= 1.001f
            : isNotNormalised || (Array.TrueForAll(_mean, mean => mean is >= 0 and <= 1) && Array.TrueForAll(_deviation, deviation => deviation <= 0.501f));
        if (isUnit || (isKnown && Math.Abs(white - 1) < 1e-3f))
        {
            return 1;
        }

        var isOfBytes = held is [var least, var most]
            ? least >= 0 && most <= white * 1.001f
            : Array.TrueForAll(_mean, mean => mean >= 0 && mean <= white) && Array.TrueForAll(_deviation, deviation => deviation <= white);
        return isKnown && isOfBytes
            ? white
            : throw new InvalidDataException(
                $"{_path} was trained on numbers beyond 0 to 1 (mean {Text(_mean)}, deviation {Text(_deviation)}{(held.Length == 2 ? $", from {Text(held[..1])} to {Text(held[1..])}" : "")}), and `{Provenance.PixelScale}` ({pixelScale ?? "not there"}) does not say how pixels become these; train it on pixels as bytes or from 0 to 1, or give it its numbers in ONNX Runtime");
    }

    private bool Has(string key) => _session.ModelMetadata.CustomMetadataMap.ContainsKey(key);

    private static string Text(float[] values) => string.Join(", ", values.Select(value => value.ToString("R", CultureInfo.InvariantCulture)));

    private float[] PerChannel(float[] values, float otherwise) => values.Length == 0 ? [.. Enumerable.Repeat(otherwise, _channels)]
        : values.Length == _channels ? values
        : throw new InvalidDataException($"{_path} says {string.Format(CultureInfo.InvariantCulture, "{0}", values.Length)} values of normalisation for {_channels} channels");

    private T Read<T>(string key)
        where T : class
    {
        if (!_session.ModelMetadata.CustomMetadataMap.TryGetValue(key, out var text))
        {
            throw new InvalidDataException($"{_path} does not say how its inputs are made (no `{key}` in its metadata); it must be a student that `distill run` or `distill export` wrote");
        }

        try
        {
            return JsonSerializer.Deserialize<T>(text) ?? throw new JsonException("is null");
        }
        catch (JsonException error)
        {
            throw new InvalidDataException($"{_path}: `{key}` in its metadata is not what it should be: {error.Message}", error);
        }
    }
}
