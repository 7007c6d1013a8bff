using System.Globalization;
using System.Text.Json;
using DistillSharp.Export.Onnx;
using DistillSharp.Sequences;
using DistillSharp.Sequences.LanguageModels;
using DistillSharp.Speech.Audio;
using DistillSharp.Speech.Recognition;
using Microsoft.ML.OnnxRuntime;

namespace DistillSharp.Speech;

/// <summary>One recognised word.</summary>
/// <param name="Word">The word.</param>
/// <param name="Start">Second of its first character.</param>
/// <param name="End">Second after its last character.</param>
/// <param name="Confidence">Geometric mean of its characters' probabilities.</param>
public sealed record SpokenWord(string Word, double Start, double End, double Confidence);

/// <summary>What was recognised in a recording.</summary>
/// <param name="Text">The words, separated by spaces.</param>
/// <param name="Words">Word by word.</param>
public sealed record Transcript(string Text, IReadOnlyList<SpokenWord> Words);

/// <summary>Speech to text with an exported student, in ONNX Runtime alone. Features, alphabet and rate come from the file itself.</summary>
public sealed class Transcriber : IDisposable
{
    private const int ChunkSeconds = 20;
    private const int QuietSearchSeconds = 5;
    private const string EncoderFile = ".encoder.onnx";

    private readonly InferenceSession _session;
    private readonly OnnxSpeechWriter? _writer;
    private readonly RunOptions _options = new();
    private readonly IReadOnlyList<string> _symbols;
    private readonly LogMel _features;
    private readonly int _subsampling;

    /// <summary>Opens a file.</summary>
    /// <param name="path">The <c>.onnx</c> file, or the <c>.encoder.onnx</c> of a network that writes, beside its <c>.decoder.onnx</c>.</param>
    /// <param name="threads">Threads of ONNX Runtime.</param>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">It is no exported network of speech.</exception>
    public Transcriber(string path, int threads = 1)
    {
        if (!File.Exists(path))
        {
            throw new FileNotFoundException($"{path} does not exist; give a run of speech recognition, or its student.onnx", path);
        }

        try
        {
            if (path.EndsWith(EncoderFile, StringComparison.Ordinal))
            {
                _writer = new OnnxSpeechWriter(path, path[..^EncoderFile.Length] + ".decoder.onnx", threads);
            }

            using var options = OnnxSession.Options(threads);
            _session = _writer?.Encoder ?? new InferenceSession(path, options);
        }
        catch (OnnxRuntimeException error)
        {
            throw new InvalidDataException($"{path} cannot be run: {error.Message}", error);
        }

        var metadata = _session.ModelMetadata.CustomMetadataMap;
        string Text(string key) => metadata.TryGetValue(key, out var value) ? value
            : throw new InvalidDataException($"{path} is no exported network of speech recognition: its metadata has no {key}");
        int Number(string key) => int.TryParse(Text(key), NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number > 0 ? number
            : throw new InvalidDataException($"{path}: {key} of its metadata is `{Text(key)}`; it must be a whole number above 0");
        _symbols = metadata.TryGetValue(TranscriberFile.Symbols, out var symbols)
            ? JsonSerializer.Deserialize<string[]>(symbols)!
            : new SymbolAlphabet(Text(TranscriberFile.Alphabet)).Symbols;
        _features = new LogMel(new LogMelOptions(Number(TranscriberFile.SampleRate), Number(TranscriberFile.Mels)));
        _subsampling = Number(TranscriberFile.Subsampling);
    }

    /// <summary>Width of prefix beam search; 1 for greedy search.</summary>
    public int Beam { get; init; } = 1;

    /// <summary>A language model that the search is to heed; needs a <see cref="Beam"/> above 1.</summary>
    public LanguageFusion? Language { get; init; }

    /// <summary>
    /// Whether the network writes symbol by symbol instead of hearing frame by frame. Its words have the times of the piece of sound that they were heard in, and the confidence of the whole piece's text; a language model is not heeded.
    /// </summary>
    public bool Writes => _writer is not null;

    /// <summary>Texts of the symbols that the network tells apart.</summary>
    public IReadOnlyList<string> Symbols => _symbols;

    /// <summary>Samples a second that the network was trained on.</summary>
    public int SampleRate => _features.Options.SampleRate;

    /// <summary>The text of a sound file of any length.</summary>
    /// <exception cref="InvalidDataException">It cannot be read; says why.</exception>
    public Transcript Transcribe(string path) => Transcribe(AudioReader.Read(path, SampleRate));

    /// <summary>The text of a sound of any length; long ones are cut at quiet places.</summary>
    public Transcript Transcribe(AudioClip clip)
    {
        var sound = clip.At(SampleRate);
        var words = new List<SpokenWord>();
        foreach (var (start, length) in Chunks(sound))
        {
            var offset = (double)start / SampleRate;
            words.AddRange(Batch([sound with { Samples = sound.Samples[start..(start + length)] }])[0]
                .Words.Select(word => word with { Start = word.Start + offset, End = word.End + offset }));
        }

        return new Transcript(string.Join(' ', words.Select(word => word.Word)), words);
    }

    /// <summary>The texts of several short sounds at once.</summary>
    public IReadOnlyList<Transcript> Batch(IReadOnlyList<AudioClip> clips)
    {
        var features = clips.Select(clip => _features.Compute(clip.At(SampleRate))).ToArray();
        var mels = _features.Options.Mels;
        var lengths = Array.ConvertAll(features, each => (long)each.Length / mels);
        var input = new float[clips.Count * lengths.Max() * mels];
        for (var row = 0; row < features.Length; row++)
        {
            features[row].CopyTo(input, row * lengths.Max() * mels);
        }

        if (_writer is not null)
        {
            return Write(_writer, input, lengths, clips);
        }

        using var inputs = OrtValue.CreateTensorValueFromMemory(input, [clips.Count, lengths.Max(), mels]);
        using var ends = OrtValue.CreateTensorValueFromMemory(lengths, [clips.Count]);
        using var results = _session.Run(_options, [TranscriberFile.Features, TranscriberFile.Lengths], [inputs, ends], [TranscriberFile.Logits]);
        var shape = results[0].GetTensorTypeAndShape().Shape;
        var logits = results[0].GetTensorDataAsSpan<float>();
        var transcripts = new List<Transcript>(clips.Count);
        for (var row = 0; row < clips.Count; row++)
        {
            transcripts.Add(Read(Decode(logits.Slice((int)(row * shape[1] * shape[2]), OutputFrames(lengths[row]) * (int)shape[2]), (int)shape[2])));
        }

        return transcripts;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _options.Dispose();
        _session.Dispose();
        _writer?.Dispose();
    }

    /// <summary>Pieces of at most 20 seconds, cut at the quietest tenth of a second of the last five.</summary>
    internal static IEnumerable<(int Start, int Length)> Chunks(AudioClip clip)
    {
        var (start, rate) = (0, clip.SampleRate);
        while (clip.Samples.Length - start > ChunkSeconds * rate)
        {
            var (window, quietest, cut) = (rate / 10, double.PositiveInfinity, 0);
            for (var place = start + ((ChunkSeconds - QuietSearchSeconds) * rate); place + window <= start + (ChunkSeconds * rate); place += window)
            {
                var energy = 0.0;
                for (var i = place; i < place + window; i++)
                {
                    energy += (double)clip.Samples[i] * clip.Samples[i];
                }

                (quietest, cut) = energy < quietest ? (energy, place + (window / 2)) : (quietest, cut);
            }

            yield return (start, cut - start);
            start = cut;
        }

        yield return (start, clip.Samples.Length - start);
    }

    private int OutputFrames(long frames) => (int)((frames + _subsampling - 1) / _subsampling);

    private List<Transcript> Write(OnnxSpeechWriter writer, float[] input, long[] lengths, IReadOnlyList<AudioClip> clips)
    {
        using var model = writer.Open(input, lengths, _features.Options.Mels, Beam);
        var outputs = AttentionRecogniser.Search(model, SpeechTokens.Of(_symbols), [.. lengths.Select(OutputFrames)], new DecodingOptions { Beam = Beam });
        return
        [
            .. outputs.Zip(clips, (nBest, clip) =>
            {
                var text = SpeechTokens.Text(nBest[0].Tokens, _symbols);
                return new Transcript(text, [.. ErrorRates.SplitWords(text).Select(word => new SpokenWord(word, 0, clip.Seconds, Math.Exp(nBest[0].Score(1))))]);
            }),
        ];
    }

    // A beam finds texts and no frames: where its best is said is a question of its own.
    private IReadOnlyList<CtcSymbol> Decode(ReadOnlySpan<float> logits, int classes) => Beam > 1
        ? CtcDecoder.Align(logits, classes, CtcDecoder.Beam(logits, classes, Beam, Language?.Start(label => _symbols[label - 1]))[0].Labels)
        : CtcDecoder.Greedy(logits, classes);

    // A word is what stands between spaces; a symbol may hold one within, or many letters.
    private Transcript Read(IReadOnlyList<CtcSymbol> found)
    {
        var words = new List<SpokenWord>();
        var (letters, symbols) = ("", new List<CtcSymbol>());
        void Close()
        {
            if (letters.Length > 0)
            {
                // Frames are whole samples apart, which is 10 ms at rates that are a multiple of 100 alone.
                var seconds = (double)_subsampling * _features.Options.Hop / SampleRate;
                words.Add(new SpokenWord(
                    letters, symbols[0].Frame * seconds, (symbols[^1].Frame + 1) * seconds, Math.Exp(symbols.Average(each => Math.Log(Math.Max(1e-12, each.Probability))))));
            }

            (letters, symbols) = ("", []);
        }

        foreach (var symbol in found)
        {
            foreach (var (i, part) in _symbols[symbol.Label - 1].Split(' ').Index())
            {
                if (i > 0)
                {
                    Close();
                }

                if (part.Length > 0)
                {
                    letters += part;
                    symbols.Add(symbol);
                }
            }
        }

        Close();
        return new Transcript(string.Join(' ', words.Select(word => word.Word)), words);
    }
}
