using static TorchSharp.torch;

namespace DistillSharp.Export;

/// <summary>
/// An open safetensors file. Opening reads and checks the header alone; tensors are read when asked for.
/// </summary>
public sealed class SafetensorsFile : IDisposable
{
    private const string BatchCounter = "num_batches_tracked";

    private static readonly string[] BatchNorm = ["weight", "bias", "running_mean", "running_var"];

    // Layers of transformers that torchvision renamed after it had published weights (its pull request 6053), which it reads by both names.
    private static readonly (string Name, string InOldFiles)[] Renamed = [(".mlp.0.", ".mlp.linear_1."), (".mlp.3.", ".mlp.linear_2.")];

    private readonly FileStream _stream;
    private readonly SafetensorsHeader _header;
    private readonly Dictionary<string, SafetensorsEntry> _byName;

    /// <summary>Opens a file and checks its header against its size.</summary>
    /// <exception cref="InvalidDataException">It is no sound safetensors file; the message says what is wrong where.</exception>
    public SafetensorsFile(string path)
    {
        Path = path;
        _stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 16);
        try
        {
            RefusePickle();
            _header = SafetensorsHeader.Read(_stream, path);
        }
        catch
        {
            _stream.Dispose();
            throw;
        }

        _byName = _header.Entries.ToDictionary(entry => entry.Name, StringComparer.Ordinal);
    }

    /// <summary>The file.</summary>
    public string Path { get; }

    /// <summary>Its tensors in the order of their bytes.</summary>
    public IReadOnlyList<SafetensorsEntry> Entries => _header.Entries;

    /// <summary>Its free texts, sorted by key.</summary>
    public IReadOnlyDictionary<string, string> Metadata => _header.Metadata;

    /// <summary>Reads one tensor (on the CPU); the caller owns it.</summary>
    /// <exception cref="KeyNotFoundException">There is none of that name.</exception>
    public Tensor Read(string name)
    {
        var entry = Find(name);
        var tensor = empty([.. entry.Shape], ElementTypes.TypeOf(entry.ElementType));
        try
        {
            using var flat = tensor.view(-1);
            Chunks.ForEach(flat, bytes =>
            {
                _stream.ReadExactly(bytes);
                if (entry.ElementType == "BOOL" && bytes.ContainsAnyExcept((byte)0, (byte)1))
                {
                    throw new InvalidDataException($"{Path}: tensor `{name}` of type BOOL holds bytes other than 0 and 1");
                }
            }, () => _stream.Position = _header.DataStart + entry.Begin);
            return tensor;
        }
        catch
        {
            tensor.Dispose();
            throw;
        }
    }

    /// <summary>The bytes of one tensor, little-endian, in pieces.</summary>
    internal void ReadBytes(string name, Action<ReadOnlySpan<byte>> use)
    {
        var entry = Find(name);
        var buffer = new byte[(int)Math.Min(entry.Length, 1 << 20)];
        _stream.Position = _header.DataStart + entry.Begin;
        for (var left = entry.Length; left > 0;)
        {
            var part = buffer.AsSpan(0, (int)Math.Min(left, buffer.Length));
            _stream.ReadExactly(part);
            use(part);
            left -= part.Length;
        }
    }

    /// <summary>Reads every tensor; the caller owns them.</summary>
    public Dictionary<string, Tensor> ReadAll()
    {
        var tensors = new Dictionary<string, Tensor>(StringComparer.Ordinal);
        try
        {
            foreach (var entry in Entries)
            {
                tensors.Add(entry.Name, Read(entry.Name));
            }

            return tensors;
        }
        catch
        {
            foreach (var tensor in tensors.Values)
            {
                tensor.Dispose();
            }

            throw;
        }
    }

    /// <summary>
    /// Copies the file's tensors into a module's parameters and buffers of the same names, or of torchvision's older ones. Floating-point types
    /// convert into one another; a batch-norm's counter of batches that alone is missing becomes 0. If anything does not fit, nothing is changed.
    /// </summary>
    /// <exception cref="InvalidDataException">Keys are missing or left over, or shapes or types differ; the message lists all of them.</exception>
    public void LoadInto(nn.Module module)
    {
        var state = module.state_dict();
        var faults = Faults(state).ToList();
        if (faults.Count > 0)
        {
            throw new InvalidDataException($"{Path} does not fit {module.GetName()}:{Environment.NewLine}  {string.Join(Environment.NewLine + "  ", faults)}");
        }

        using var noGradient = no_grad();
        foreach (var (name, target) in state)
        {
            if (EntryOf(name) is not { } entry)
            {
                target.zero_();
                continue;
            }

            using var stored = Read(entry.Name);
            target.copy_(stored);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _stream.Dispose();

    private SafetensorsEntry Find(string name) => _byName.TryGetValue(name, out var entry)
        ? entry
        : throw new KeyNotFoundException($"{Path} has no tensor `{name}`; {Config.NearestName.Hint(name, _byName.Keys)}");

    // The tensor of that name, or of the one that older files have for it.
    private SafetensorsEntry? EntryOf(string name) => Renamed
        .Select(part => name.Replace(part.Name, part.InOldFiles, StringComparison.Ordinal))
        .Prepend(name)
        .Select(each => _byName.GetValueOrDefault(each))
        .FirstOrDefault(entry => entry is not null);

    // Files from before PyTorch 0.4.1 have no counters, torchvision's ResNets among them; PyTorch starts those at 0.
    private bool IsCounterOfOldFile(string name) =>
        name.EndsWith(BatchCounter, StringComparison.Ordinal) && Array.TrueForAll(BatchNorm, part => _byName.ContainsKey(name[..^BatchCounter.Length] + part));

    private IEnumerable<string> Faults(Dictionary<string, Tensor> state)
    {
        var used = new HashSet<string>(StringComparer.Ordinal);
        foreach (var (name, target) in state)
        {
            if (EntryOf(name) is not { } entry)
            {
                if (!IsCounterOfOldFile(name))
                {
                    yield return $"missing: {name} [{string.Join(", ", target.shape)}]";
                }

                continue;
            }

            used.Add(entry.Name);
            if (!entry.Shape.SequenceEqual(target.shape))
            {
                yield return $"shape: {entry.Name} is [{string.Join(", ", entry.Shape)}] in the file, [{string.Join(", ", target.shape)}] in the network";
            }

            var wanted = ElementTypes.NameOf(target.dtype, name);
            if (entry.ElementType != wanted && !(ElementTypes.IsFloat(entry.ElementType) && ElementTypes.IsFloat(wanted)))
            {
                yield return $"type: {entry.Name} is {entry.ElementType} in the file, {wanted} in the network";
            }
        }

        foreach (var entry in Entries.Where(entry => !used.Contains(entry.Name)).OrderBy(entry => entry.Name, StringComparer.Ordinal))
        {
            yield return $"left over: {entry.Name} [{string.Join(", ", entry.Shape)}]";
        }
    }

    private void RefusePickle()
    {
        Span<byte> start = stackalloc byte[9];
        var read = _stream.ReadAtLeast(start, start.Length, throwOnEndOfStream: false);
        _stream.Position = 0;
        // torch.save writes a zip archive, or a bare pickle in files older than PyTorch 1.6. A header's length may begin with
        // the same bytes as a pickle, but a brace follows it.
        var isZip = start.StartsWith("PK\u0003\u0004"u8);
        var isPickle = read >= 2 && start[0] == 0x80 && start[1] is >= 2 and <= 5 && start[8] != '{';
        var isNamedSo = System.IO.Path.GetExtension(Path).ToLowerInvariant() is ".pt" or ".pth";
        if (isZip || isPickle || isNamedSo)
        {
            var target = System.IO.Path.ChangeExtension(Path, ".safetensors");
            throw new InvalidDataException($"""
                {Path} is a pickle of PyTorch, which can run code when it is read; it is refused. These two lines of Python turn it into safetensors:
                import torch, safetensors.torch
                safetensors.torch.save_file({"{"}k: v.contiguous() for k, v in torch.load("{Path}", map_location="cpu", weights_only=True).items(){"}"}, "{target}")
                """);
        }
    }
}
