using System.Collections.Concurrent;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using DistillSharp.Config;
using DistillSharp.Data;
using DistillSharp.Models;
using DistillSharp.Signals;
using static TorchSharp.torch;

namespace DistillSharp.Teachers;

/// <summary>Keys of a teacher that is a TorchScript file.</summary>
public sealed record TorchScriptTeacherOptions : TeacherSourceOptions
{
    /// <summary>The file.</summary>
    [Option("TorchScript file that is the teacher, in place of `model`", Required = true)]
    public string Torchscript { get; init; } = "";

    /// <summary>Its output.</summary>
    [Option("which of the things that the script returns is the logits: a name, or a number from 0 on; `logits`, or the first, by default")]
    public string? Output { get; init; }

    /// <inheritdoc/>
    public override string Noun => "a TorchScript file";

    /// <inheritdoc/>
    public override string Location => Torchscript;

    /// <inheritdoc/>
    public override TeacherSourceOptions In(string folder) => this with { Torchscript = Path.GetFullPath(Path.Combine(folder, Torchscript)) };

    /// <inheritdoc/>
    public override void CheckSource() => TorchScriptArchive.Check(Torchscript);

    // What a script returns is known when it has run.
    /// <inheritdoc/>
    public override string? FeatureFault(string name) => null;

    /// <inheritdoc/>
    protected override Teacher OpenBare(DatasetInfo own, int threads, Device device) => new TorchScriptTeacher(this);
}

/// <summary>
/// A teacher that is a TorchScript file, run by libtorch. What its script returns beside the logits are features, by name or by
/// number. The file holds code, which libtorch interprets: it must come from someone who is trusted.
/// </summary>
public sealed class TorchScriptTeacher : Teacher
{
    private static readonly ConcurrentDictionary<(string, long, DateTime), string?> Probed = [];

    private readonly TorchScriptTeacherOptions _options;

    /// <summary>A teacher of <paramref name="options"/>, whose path is complete.</summary>
    /// <exception cref="InvalidDataException">The file is damaged, is something else, or libtorch cannot load it.</exception>
    public TorchScriptTeacher(TorchScriptTeacherOptions options)
    {
        options.CheckSource();
        _options = options;
        var file = new FileInfo(options.Torchscript);
        if (Probe is { } probe && Probed.GetOrAdd((file.FullName, file.Length, file.LastWriteTimeUtc), _ => probe(file.FullName)) is { } fault)
        {
            throw new InvalidDataException($"libtorch cannot load {options.Torchscript}: {fault}");
        }
    }

    /// <summary>
    /// Loads a file in another process and says what is wrong with it; null where all is well. libtorch ends the process where a
    /// script names an operation that it does not have. The command <c>distill</c> sets this; where it is null, that happens here.
    /// </summary>
    public static Func<string, string?>? Probe { get; set; }

    /// <inheritdoc/>
    public override IReadOnlyList<string> Features(Batch sample)
    {
        using var scope = NewDisposeScope();
        using var module = new Script(_options.Torchscript);
        var outputs = module.Run(sample.Input);
        return [.. outputs.Keys.Where(name => name != LogitsOf(outputs.Keys))];
    }

    /// <inheritdoc/>
    public override ISignalSource Open(IEnumerable<string> features) => new Source(this, [.. features.Distinct()]);

    /// <inheritdoc/>
    public override string Fingerprint() => FileHash.Sha256(_options.Torchscript);

    /// <inheritdoc/>
    public override IReadOnlyDictionary<string, string> Describe() => new OrderedDictionary<string, string> { ["engine"] = "torchscript", ["output"] = _options.Output ?? "" };

    /// <summary>Loads a file as a teacher does, in this process.</summary>
    public static void Load(string path) => new Script(path).Dispose();

    private string LogitsOf(IEnumerable<string> outputs)
    {
        var known = outputs.ToList();
        return _options.Output is not { } wanted ? known.Contains("logits") ? "logits" : known[0]
            : known.Contains(wanted) ? wanted
            : throw new ArgumentException($"the script of {_options.Torchscript} returns no `{wanted}`; {NearestName.Hint(wanted, known)}");
    }

    private sealed class Source(TorchScriptTeacher owner, string[] features) : ISignalSource
    {
        private readonly Script _script = new(owner._options.Torchscript);

        public ModelSignals Read(Batch batch)
        {
            using var noGradient = no_grad();
            var outputs = _script.Run(batch.Input);
            if (features.FirstOrDefault(name => !outputs.ContainsKey(name)) is { } unknown)
            {
                throw new ArgumentException($"the script of {owner._options.Torchscript} returns no `{unknown}`; {NearestName.Hint(unknown, outputs.Keys)}");
            }

            return new ModelSignals(new Signal(outputs[owner.LogitsOf(outputs.Keys)]), features.ToDictionary(name => name, name => new Signal(outputs[name])));
        }

        public void Dispose() => _script.Dispose();
    }

    /// <summary>A loaded script and what it returns, flat and by name.</summary>
    private sealed class Script : IDisposable
    {
        private readonly string _path;
        private readonly jit.ScriptModule _module;
        private readonly bool _named;

        public Script(string path)
        {
            _path = path;
            try
            {
                var rewritten = TorchScriptArchive.WithNamedOutputs(path);
                _named = rewritten is not null;
                _module = rewritten is null ? jit.load(path, CPU) : jit.load(rewritten, CPU);
                _module.eval();
                MemoryFormats.Guard(_module.parameters(), MemoryFormat.Contiguous);
            }
            catch (ExternalException error)
            {
                throw new InvalidDataException($"libtorch cannot load {path}: {Reason(error)}", error);
            }
        }

        public IReadOnlyDictionary<string, Tensor> Run(Tensor input)
        {
            var outputs = new OrderedDictionary<string, Tensor>();
            try
            {
                using var local = input.cpu();
                if (_named)
                {
                    var returned = (ITuple)_module.invoke(TorchScriptArchive.NamedOutputs, local)!;
                    foreach (var (value, name) in ((Tensor[])returned[0]!).Zip((Tensor[])returned[1]!))
                    {
                        outputs[string.Concat(name.data<long>().Select(code => char.ConvertFromUtf32((int)code)))] = value.to(input.device);
                    }
                }
                else
                {
                    Flatten("", _module.forward(local), input.device, outputs);
                }
            }
            catch (Exception error) when (error is ExternalException or NotImplementedException or ArgumentOutOfRangeException)
            {
                throw new InvalidDataException(error is ExternalException
                    ? $"{_path} cannot be run on samples of shape [{string.Join(", ", input.shape.Skip(1))}]: {Reason(error)}"
                    : $"{_path} returns something else than tensors, lists and tuples of tensors, or a map of names and tensors", error);
            }

            return outputs.Count > 0 ? outputs : throw new InvalidDataException($"the script of {_path} returns no tensor");
        }

        public void Dispose() => _module.Dispose();

        // A single tensor is number 0; what is within another list is called `1.0`.
        private static void Flatten(string name, object? value, Device device, OrderedDictionary<string, Tensor> outputs)
        {
            IEnumerable<object?> items = value switch
            {
                ITuple tuple => Enumerable.Range(0, tuple.Length).Select(i => tuple[i]),
                Tensor => name.Length == 0 ? [value] : [],
                System.Collections.IEnumerable list and not string => list.Cast<object?>(),
                _ => [],
            };
            if (value is Tensor tensor && name.Length > 0)
            {
                outputs[name] = tensor.to(device);
            }

            foreach (var (item, i) in items.Select((item, i) => (item, i)))
            {
                Flatten(name.Length == 0 ? i.ToString(CultureInfo.InvariantCulture) : $"{name}.{i}", item, device, outputs);
            }
        }

        // The interpreter's message ends with the error itself; before it stands where in the script.
        private static string Reason(Exception error)
        {
            var lines = error.Message.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
            return lines.LastOrDefault(line => line.Contains("Error:", StringComparison.Ordinal)) ?? lines.FirstOrDefault() ?? error.Message;
        }
    }
}
