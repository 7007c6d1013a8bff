using DistillSharp.Config;
using DistillSharp.Data;
using DistillSharp.Export.Onnx;
using DistillSharp.Signals;
using Microsoft.ML.OnnxRuntime;
using static TorchSharp.torch;

namespace DistillSharp.Teachers;

/// <summary>Keys of a teacher that is an ONNX file which reads a stream chunk by chunk and carries a state along.</summary>
public sealed record StreamingOnnxTeacherOptions : TeacherSourceOptions
{
    private const double MostOfAChunk = 1 << 24;

    /// <summary>The file.</summary>
    [Option("ONNX file that reads a stream chunk by chunk and is the teacher, in place of `model`", Required = true)]
    public string OnnxStream { get; init; } = "";

    /// <summary>Its input.</summary>
    [Option("the file's input that is given the values of a chunk")]
    public string Input { get; init; } = "input";

    /// <summary>Its output.</summary>
    [Option("the file's output for a chunk: logits, or with probability: true the probability of the second of two classes")]
    public string Output { get; init; } = "output";

    /// <summary>States.</summary>
    [Option("inputs that are given what an output gave for the chunk before, and zeros for the first: {input: output}")]
    public IReadOnlyDictionary<string, string> States { get; init; } = new Dictionary<string, string>();

    /// <summary>Whole numbers.</summary>
    [Option("inputs that are given the same whole number with every chunk: {sr: 8000}")]
    public IReadOnlyDictionary<string, int> Constants { get; init; } = new Dictionary<string, int>();

    /// <summary>New values of a chunk.</summary>
    [Option("values of the stream that a chunk brings; it gives a position of the output", Required = true, Min = 1, Max = MostOfAChunk)]
    public int Chunk { get; init; } = 1;

    /// <summary>Old values of a chunk.</summary>
    [Option("last values of the chunk before that stand in front of each chunk; zeros at the beginning", Min = 0, Max = MostOfAChunk)]
    public int Context { get; init; }

    /// <summary>What the output is.</summary>
    [Option("the output is one probability a chunk (behind a sigmoid) and not logits")]
    public bool Probability { get; init; }

    /// <inheritdoc/>
    public override string Noun => "an ONNX file that reads a stream";

    /// <inheritdoc/>
    public override string Location => OnnxStream;

    /// <inheritdoc/>
    public override IReadOnlyDictionary<string, string> Metadata => OnnxGraph.Read(OnnxStream).Metadata;

    /// <inheritdoc/>
    public override TeacherSourceOptions In(string folder) => this with { OnnxStream = new DataLocator(null).FileAt(folder, OnnxStream) };

    /// <inheritdoc/>
    public override void CheckSource()
    {
        var graph = OnnxGraph.Read(OnnxStream);
        foreach (var (kind, name, known) in States.Keys.Concat(Constants.Keys).Prepend(Input).Select(name => ("input", name, graph.Inputs))
            .Concat(States.Values.Prepend(Output).Select(name => ("output", name, graph.Outputs))))
        {
            if (!known.Contains(name))
            {
                throw new ArgumentException($"the file has no {kind} `{name}`; {NearestName.Hint(name, known)}");
            }
        }

        if (graph.Inputs.Except([Input, .. States.Keys, .. Constants.Keys]).FirstOrDefault() is { } other)
        {
            throw new ArgumentException($"nothing says what the file's input `{other}` is given; name it in `states` or `constants`");
        }

        OnnxWeightFiles.Check(OnnxStream, graph.WeightFiles);
    }

    /// <inheritdoc/>
    public override string? FeatureFault(string name) => $"{OnnxStream} is read chunk by chunk and gives no features";

    /// <inheritdoc/>
    protected override Teacher OpenBare(DatasetInfo own, int threads, Device device) => new StreamingOnnxTeacher(this, threads);
}

/// <summary>
/// A teacher that is an ONNX file run over streams [N, values]: chunk after chunk, with the last values of the chunk before in front and the
/// states carried over. Logits are [N, chunks, classes]; a probability p is the two logits 0 and ln(p / (1 − p)).
/// </summary>
public sealed class StreamingOnnxTeacher : Teacher
{
    private const double SmallestProbability = 1e-6;

    private readonly StreamingOnnxTeacherOptions _options;
    private readonly int _threads;

    /// <summary>A teacher of <paramref name="options"/>, whose path is complete.</summary>
    /// <param name="options">File, chunk, states.</param>
    /// <param name="threads">Threads within one operation.</param>
    /// <exception cref="InvalidDataException">The file is no sound ONNX file.</exception>
    /// <exception cref="ArgumentException">It lacks a named input or output.</exception>
    public StreamingOnnxTeacher(StreamingOnnxTeacherOptions options, int threads = 1)
    {
        options.CheckSource();
        (_options, _threads) = (options, threads);
    }

    /// <inheritdoc/>
    public override IReadOnlyList<string> Features(Batch sample) => [];

    /// <inheritdoc/>
    public override ISignalSource Open(IEnumerable<string> features) =>
        features.FirstOrDefault() is { } feature ? throw new ArgumentException(_options.FeatureFault(feature)) : new Source(_options, _threads);

    /// <inheritdoc/>
    public override string Fingerprint() => OnnxWeightFiles.Sha256(_options.OnnxStream, OnnxGraph.Read(_options.OnnxStream).WeightFiles);

    /// <inheritdoc/>
    public override IReadOnlyDictionary<string, string> Describe() => new OrderedDictionary<string, string>
    {
        ["engine"] = "onnxruntime",
        ["input"] = _options.Input,
        ["output"] = _options.Output,
        ["states"] = string.Join(", ", _options.States.Select(state => $"{state.Key}: {state.Value}")),
        ["constants"] = string.Join(", ", _options.Constants.Select(constant => FormattableString.Invariant($"{constant.Key}: {constant.Value}"))),
        ["chunk"] = FormattableString.Invariant($"{_options.Chunk}"),
        ["context"] = FormattableString.Invariant($"{_options.Context}"),
        ["probability"] = _options.Probability ? "true" : "false",
    };

    private sealed class Source : ISignalSource
    {
        private readonly StreamingOnnxTeacherOptions _options;
        private readonly OnnxSession _session;

        public Source(StreamingOnnxTeacherOptions options, int threads)
        {
            _options = options;
            try
            {
                _session = new OnnxSession(options.OnnxStream, threads);
            }
            catch (OnnxRuntimeException error)
            {
                throw new InvalidDataException($"ONNX Runtime cannot load {options.OnnxStream}: {error.Message}", error);
            }
        }

        public ModelSignals Read(Batch batch)
        {
            var input = batch.Input;
            if (input.dim() != 2 || input.shape[1] < _options.Chunk || input.shape[1] % _options.Chunk != 0)
            {
                throw new ArgumentException(
                    $"{_options.OnnxStream} reads streams [batch, values] in chunks of {_options.Chunk} values; the data gives [{string.Join(", ", input.shape)}], which is no whole number of chunks");
            }

            using var scope = NewDisposeScope();
            var padded = _options.Context > 0 ? cat([zeros([input.shape[0], _options.Context], device: input.device), input], 1) : input;
            var inputs = FirstInputs(input.shape[0]);
            string[] wanted = [_options.Output, .. _options.States.Values];
            var logits = new List<Tensor>();
            for (var start = 0L; start < input.shape[1]; start += _options.Chunk)
            {
                inputs[_options.Input] = padded.narrow(1, start, _options.Context + _options.Chunk);
                var outputs = Run(inputs, wanted, input);
                logits.Add(Logits(outputs[0], input.shape[0]));
                foreach (var (name, state) in _options.States.Keys.Zip(outputs.Skip(1)))
                {
                    inputs[name].Dispose();
                    inputs[name] = state;
                }
            }

            var whole = cat(logits, 1).to(input.device).MoveToOuterDisposeScope();
            return new ModelSignals(new Signal(whole), new Dictionary<string, Signal>());
        }

        public void Dispose() => _session.Dispose();

        // An axis of any length of a state is the batch's.
        private Dictionary<string, Tensor> FirstInputs(long rows)
        {
            var inputs = _options.Constants.ToDictionary(constant => constant.Key, constant => _session.Inputs[constant.Key].Length == 0 ? tensor((long)constant.Value) : tensor([(long)constant.Value]));
            foreach (var name in _options.States.Keys)
            {
                inputs[name] = zeros([.. _session.Inputs[name].Select(axis => axis > 0 ? (long)axis : rows)]);
            }

            return inputs;
        }

        private IReadOnlyList<Tensor> Run(Dictionary<string, Tensor> inputs, string[] wanted, Tensor input)
        {
            try
            {
                return _session.Run(inputs, wanted);
            }
            catch (OnnxRuntimeException error)
            {
                throw new InvalidDataException($"{_options.OnnxStream} cannot be run on {input.shape[0]} streams in chunks of {_options.Chunk} values with {_options.Context} before them: {error.Message}", error);
            }
        }

        private Tensor Logits(Tensor output, long rows)
        {
            var values = output.numel() / rows;
            if (!_options.Probability)
            {
                return output.reshape(rows, 1, values);
            }

            if (values != 1)
            {
                throw new InvalidDataException($"output `{_options.Output}` of {_options.OnnxStream} has {values} values a chunk and is to be one probability; leave `probability` out, or name another output");
            }

            var speech = output.reshape(rows, 1, 1).clamp(SmallestProbability, 1 - SmallestProbability);
            return cat([zeros_like(speech), speech.log() - (1 - speech).log()], 2);
        }
    }
}
