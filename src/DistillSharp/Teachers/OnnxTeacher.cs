using DistillSharp.Config;
using DistillSharp.Data;
using DistillSharp.Export.Onnx;
using DistillSharp.Signals;
using Microsoft.ML.OnnxRuntime;
using static TorchSharp.torch;

namespace DistillSharp.Teachers;

/// <summary>Keys of a teacher that is an ONNX file.</summary>
public sealed record OnnxTeacherOptions : TeacherSourceOptions
{
    /// <summary>The file.</summary>
    [Option("ONNX file that is the teacher, in place of `model`", Required = true)]
    public string Onnx { get; init; } = "";

    /// <summary>Its input.</summary>
    [Option("the file's input that is given the samples; its only one by default")]
    public string? Input { get; init; }

    /// <summary>Its output.</summary>
    [Option("the file's output that is the logits, or their softmax, whose input is taken then; `logits`, or the only one, by default")]
    public string? Output { get; init; }

    /// <summary>File of its outputs' names.</summary>
    [Option("file of characters, one a line, that a reader of text by CTC was trained with, in place of `classes`: output 0 is blank, the last one space")]
    public string? Dictionary { get; init; }

    /// <inheritdoc/>
    public override string Noun => "an ONNX file";

    /// <inheritdoc/>
    public override string Location => Onnx;

    /// <inheritdoc/>
    public override IReadOnlyDictionary<string, string> Metadata => OnnxGraph.Read(Onnx).Metadata;

    /// <inheritdoc/>
    public override TeacherSourceOptions In(string folder) => this with
    {
        Onnx = new DataLocator(null).FileAt(folder, Onnx),
        Dictionary = Dictionary is null ? null : new DataLocator(null).FileAt(folder, Dictionary),
    };

    /// <inheritdoc/>
    public override void CheckSource()
    {
        var graph = OnnxGraph.Read(Onnx);
        _ = InputOf(graph);
        _ = OutputOf(graph);
        OnnxWeightFiles.Check(Onnx, graph.WeightFiles);
        if (Dictionary is not null && !System.IO.File.Exists(Dictionary))
        {
            throw new ArgumentException($"there is no dictionary {Dictionary}{DataLocator.HowToGet(Dictionary)}");
        }

        if (Dictionary is not null && Classes.Count > 0)
        {
            throw new ArgumentException("`dictionary` and `classes` both name the outputs; leave one out");
        }
    }

    /// <inheritdoc/>
    public override string? FeatureFault(string name)
    {
        var tensors = OnnxGraph.Read(Onnx).Tensors;
        return tensors.Contains(name) ? null : $"{Onnx} has no tensor `{name}`; {NearestName.Hint(name, tensors)}";
    }

    /// <inheritdoc/>
    protected override Teacher OpenBare(DatasetInfo own, int threads, Device device) => new OnnxTeacher(this, threads);

    /// <inheritdoc/>
    protected override IReadOnlyList<string> OwnClasses() => Dictionary is null ? base.OwnClasses() : CtcDictionary.Read(Dictionary);

    /// <inheritdoc/>
    protected override IReadOnlyDictionary<string, string> Renamed(IReadOnlyList<string> theirs, IReadOnlyList<string> ours) => Dictionary is null
        ? ClassMap
        : CtcDictionary.FullWidth(theirs, ours).Where(pair => !ClassMap.ContainsKey(pair.Key)).Concat(ClassMap).ToDictionary();

    /// <summary>The input by its name, or the only one.</summary>
    /// <exception cref="ArgumentException">There is no such input, or more than one to choose from.</exception>
    public string InputOf(OnnxGraph graph) => Choose("input", Input, graph.Inputs, null);

    /// <summary>The output by its name, the one called <c>logits</c>, or the only one.</summary>
    /// <exception cref="ArgumentException">There is no such output, or more than one to choose from.</exception>
    public string OutputOf(OnnxGraph graph) => Choose("output", Output, graph.Outputs, OnnxExporter.OutputName);

    private static string Choose(string kind, string? wanted, IReadOnlyList<string> known, string? usual)
    {
        if (wanted is not null)
        {
            return known.Contains(wanted) ? wanted : throw new ArgumentException($"the file has no {kind} `{wanted}`; {NearestName.Hint(wanted, known)}");
        }

        return known.Count == 1 ? known[0]
            : usual is not null && known.Contains(usual) ? usual
            : throw new ArgumentException($"the file has {known.Count} {kind}s; name one: {string.Join(", ", known)}");
    }
}

/// <summary>
/// A teacher that is an ONNX file, run by ONNX Runtime on samples as the file wants them. Any tensor of its graph is a feature by its
/// name in the file. Its parameters cannot be read.
/// </summary>
public sealed class OnnxTeacher : Teacher
{
    private readonly OnnxTeacherOptions _options;
    private readonly OnnxGraph _graph;
    private readonly int _threads;

    /// <summary>A teacher of <paramref name="options"/>, whose path is complete.</summary>
    /// <param name="options">File, input, output.</param>
    /// <param name="threads">Threads within one operation.</param>
    /// <exception cref="InvalidDataException">The file is no sound ONNX file.</exception>
    /// <exception cref="ArgumentException">It lacks the named input or output.</exception>
    public OnnxTeacher(OnnxTeacherOptions options, int threads = 1)
    {
        options.CheckSource();
        (_options, _threads, _graph) = (options, threads, OnnxGraph.Read(options.Onnx));
    }

    /// <inheritdoc/>
    public override ISignalSource Open(IEnumerable<string> features)
    {
        var logits = _graph.LogitsOf(_options.OutputOf(_graph));
        string[] wanted = [logits, .. features.Distinct()];
        var tensors = _graph.Tensors;
        if (wanted.FirstOrDefault(name => !tensors.Contains(name) && !_graph.Outputs.Contains(name)) is { } unknown)
        {
            throw new ArgumentException($"{_options.Onnx} has no tensor `{unknown}`; {NearestName.Hint(unknown, tensors)}");
        }

        return new Source(this, wanted);
    }

    /// <summary>Names of the file's tensors that can be features: those of float32.</summary>
    public override IReadOnlyList<string> Features(Batch sample)
    {
        using var session = Load([.. _graph.Tensors]);
        return [.. _graph.Tensors.Intersect(session.FloatOutputs)];
    }

    /// <inheritdoc/>
    public override string Fingerprint() => OnnxWeightFiles.Sha256(_options.Onnx, _graph.WeightFiles);

    /// <inheritdoc/>
    public override IReadOnlyDictionary<string, string> Describe() => new OrderedDictionary<string, string>
    {
        ["engine"] = "onnxruntime",
        ["input"] = _options.InputOf(_graph),
        ["output"] = _graph.LogitsOf(_options.OutputOf(_graph)),
    };

    private OnnxSession Load(string[] wanted)
    {
        string[] added = [.. wanted.Where(name => !_graph.Outputs.Contains(name))];
        try
        {
            return added.Length == 0
                ? new OnnxSession(_options.Onnx, _threads)
                : new OnnxSession(OnnxGraph.WithOutputs(File.ReadAllBytes(_options.Onnx), added), Path.GetDirectoryName(Path.GetFullPath(_options.Onnx))!, _threads);
        }
        catch (OnnxRuntimeException error)
        {
            throw new InvalidDataException($"ONNX Runtime cannot load {_options.Onnx}: {error.Message}", error);
        }
    }

    private sealed class Source : ISignalSource
    {
        private readonly OnnxSession _session;
        private readonly string _file;
        private readonly string _input;
        private readonly string[] _wanted;

        public Source(OnnxTeacher teacher, string[] wanted)
        {
            _session = teacher.Load(wanted);
            (_file, _input, _wanted) = (teacher._options.Onnx, teacher._options.InputOf(teacher._graph), wanted);
            if (wanted.Except(_session.FloatOutputs).FirstOrDefault() is { } other)
            {
                _session.Dispose();
                throw new ArgumentException($"tensor `{other}` of {_file} does not hold float32 numbers");
            }

            if (!_session.FloatInputs.Contains(_input))
            {
                _session.Dispose();
                throw new ArgumentException($"input `{_input}` of {_file} does not take float32 numbers");
            }
        }

        public ModelSignals Read(Batch batch)
        {
            CheckShape(batch.Input);
            var outputs = Run(batch.Input).Select(output => output.to(batch.Input.device)).ToList();
            var features = _wanted.Skip(1).Select((name, i) => (Name: name, Signal: new Signal(outputs[i + 1])));
            return new ModelSignals(new Signal(outputs[0]), features.ToDictionary(feature => feature.Name, feature => feature.Signal));
        }

        public void Dispose() => _session.Dispose();

        // A file of a fixed batch size gets slices of it, the last one filled up with its own first rows.
        private IReadOnlyList<Tensor> Run(Tensor input)
        {
            var (size, rows) = (_session.Inputs[_input][0], input.shape[0]);
            try
            {
                if (size < 1 || size == rows)
                {
                    return _session.Run(_input, input, _wanted);
                }

                var slices = new List<IReadOnlyList<Tensor>>();
                for (var start = 0L; start < rows; start += size)
                {
                    var slice = input.narrow(0, start, Math.Min(size, rows - start));
                    var full = slice.shape[0] == size ? slice : cat([slice, .. Enumerable.Repeat(slice.narrow(0, 0, 1), (int)(size - slice.shape[0]))], 0);
                    slices.Add(_session.Run(_input, full, _wanted));
                }

                return [.. Enumerable.Range(0, _wanted.Length).Select(i => cat(slices.Select(slice => slice[i]).ToList(), 0).narrow(0, 0, rows))];
            }
            catch (OnnxRuntimeException error)
            {
                throw new InvalidDataException($"{_file} cannot be run on samples of shape [{string.Join(", ", input.shape.Skip(1))}]: {error.Message}", error);
            }
        }

        private void CheckShape(Tensor input)
        {
            var wanted = _session.Inputs[_input];
            if (wanted.Length != input.dim() || wanted.Skip(1).Zip(input.shape.Skip(1)).Any(axis => axis.First > 0 && axis.First != axis.Second))
            {
                throw new ArgumentException(
                    $"the input `{_input}` of {_file} has shape [{string.Join(", ", wanted.Select(axis => axis > 0 ? $"{axis}" : "any"))}]; the data gives [{string.Join(", ", input.shape)}]");
            }
        }
    }
}
