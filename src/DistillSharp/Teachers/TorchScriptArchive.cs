using System.IO.Compression;
using System.Text;
using System.Text.RegularExpressions;
using DistillSharp.Export;

namespace DistillSharp.Teachers;

/// <summary>
/// The archive that a TorchScript file is. It is looked through before libtorch sees it, since some of libtorch's errors end the
/// process instead of being thrown.
/// </summary>
public static class TorchScriptArchive
{
    /// <summary>The method that <see cref="WithNamedOutputs"/> adds.</summary>
    internal const string NamedOutputs = "distill_named_outputs";

    private const string CodeFolder = "code/";
    private const string Pickle = "data.pkl";

    /// <summary>Checks that a file is a whole TorchScript archive, every byte of it.</summary>
    /// <exception cref="InvalidDataException">It is cut short, damaged, or something else; says what.</exception>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    public static void Check(string path)
    {
        using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 16);
        var start = new byte[4];
        var read = stream.ReadAtLeast(start, 4, throwOnEndOfStream: false);
        if (read >= 2 && start[0] == 0x80 && start[1] is >= 2 and <= 5)
        {
            throw new InvalidDataException(PickleFault(path));
        }

        if (read < 4 || !start.AsSpan().SequenceEqual("PK\u0003\u0004"u8))
        {
            throw new InvalidDataException($"{path} is no TorchScript file: it is not an archive as torch.jit.save writes it");
        }

        try
        {
            using var archive = new ZipArchive(stream, ZipArchiveMode.Read);
            CheckEntries(path, archive);
        }
        catch (InvalidDataException error) when (!error.Message.StartsWith(path, StringComparison.Ordinal))
        {
            throw new InvalidDataException($"{path} is cut short or damaged: {error.Message}", error);
        }
    }

    /// <summary>What is said of a pickle.</summary>
    internal static string PickleFault(string path)
    {
        var name = Path.GetFileNameWithoutExtension(path);
        return $"{path} is a PyTorch pickle, which can run any code when it is read, so it is not. For a state dictionary two lines of Python make it safetensors, for a network of the catalog with `model` and `weights`: "
            + $"`state = torch.load(\"{Path.GetFileName(path)}\", weights_only=True)` and `safetensors.torch.save_file(state, \"{name}.safetensors\")`. A whole model becomes TorchScript by `torch.jit.script(model.eval()).save(\"{name}.torchscript.pt\")`";
    }

    /// <summary>
    /// The archive with one more method where its forward method returns a map of tensors, which TorchSharp cannot take over: the
    /// method returns the map's values and its names as tensors of character codes. Null where it returns something else.
    /// </summary>
    internal static byte[]? WithNamedOutputs(string path)
    {
        using var source = ZipFile.OpenRead(path);
        var (module, type) = RootClass(source);
        var codePath = $"{Folder(source)}{CodeFolder}{module.Replace('.', '/')}.py";
        if (source.GetEntry(codePath) is not { } codeEntry)
        {
            return null;
        }

        var code = Encoding.UTF8.GetString(Bytes(codeEntry));
        var head = Regex.Match(code, $@"(?m)^class {Regex.Escape(type)}\(Module\):\n");
        var forward = head.Success ? ForwardOf(module, type).Match(code, head.Index) : Match.Empty;
        if (!forward.Success)
        {
            return null;
        }

        var argument = forward.Groups["argument"].Value;
        var added = $"""
              def {NamedOutputs}(self: {module}.{type},
                {argument}: Tensor) -> Tuple[List[Tensor], List[Tensor]]:
                found = (self).forward({argument}, )
                names = annotate(List[Tensor], [])
                values = annotate(List[Tensor], [])
                for key in torch.keys(found):
                  codes = annotate(List[int], [])
                  for letter in torch.list(key):
                    _0 = torch.append(codes, torch.ord(letter))
                  _1 = torch.append(names, torch.tensor(codes))
                  _2 = torch.append(values, found[key])
                return (values, names)

            """.ReplaceLineEndings("\n");
        return Rewritten(source, codePath, code.Insert(forward.Index, added));
    }

    private static void CheckEntries(string path, ZipArchive archive)
    {
        var names = archive.Entries.Select(entry => entry.FullName).ToList();
        var folder = Folder(archive);
        if (!names.Contains(folder + "constants.pkl") || !names.Any(name => name.StartsWith(folder + CodeFolder, StringComparison.Ordinal)))
        {
            throw new InvalidDataException(names.Contains(folder + Pickle)
                ? PickleFault(path)
                : $"{path} is no TorchScript file: the archive holds no model that torch.jit.save wrote");
        }

        foreach (var missing in new[] { Pickle, "version" }.Where(name => !names.Contains(folder + name)))
        {
            throw new InvalidDataException($"{path} is no whole TorchScript file: its `{missing}` is missing");
        }

        var buffer = new byte[1 << 16];
        foreach (var entry in archive.Entries)
        {
            using var content = entry.Open();
            var (checksum, length) = (new Crc32(), 0L);
            for (int read; (read = content.Read(buffer)) > 0; length += read)
            {
                checksum.Append(buffer.AsSpan(0, read));
            }

            if (length != entry.Length || checksum.Value != entry.Crc32)
            {
                throw new InvalidDataException($"{path} is damaged: the bytes of `{entry.FullName}` are not those that were written");
            }
        }
    }

    // All records are in one folder, whose name is the file's own when it was saved.
    private static string Folder(ZipArchive archive)
    {
        var first = archive.Entries.FirstOrDefault()?.FullName ?? "";
        return first[..(first.IndexOf('/', StringComparison.Ordinal) + 1)];
    }

    // The pickle begins with the class of the model: protocol 2, then GLOBAL with module and name on a line each.
    private static (string Module, string Type) RootClass(ZipArchive archive)
    {
        var pickle = Bytes(archive.GetEntry(Folder(archive) + Pickle)!);
        var match = Regex.Match(Encoding.Latin1.GetString(pickle, 0, Math.Min(pickle.Length, 1024)), @"\A\x80\x02c(?<module>[^\n]+)\n(?<type>[^\n]+)\n");
        return (match.Groups["module"].Value, match.Groups["type"].Value);
    }

    private static Regex ForwardOf(string module, string type) => new(
        $@"(?m)^  def forward\(self: {Regex.Escape(module)}\.{Regex.Escape(type)},\n    (?<argument>\w+): Tensor\) -> Dict\[str, Tensor\]:\n", RegexOptions.None, TimeSpan.FromSeconds(5));

    private static byte[] Rewritten(ZipArchive source, string replaced, string content)
    {
        using var target = new MemoryStream();
        using (var archive = new ZipArchive(target, ZipArchiveMode.Create, leaveOpen: true))
        {
            foreach (var entry in source.Entries)
            {
                using var written = archive.CreateEntry(entry.FullName, CompressionLevel.NoCompression).Open();
                written.Write(entry.FullName == replaced ? Encoding.UTF8.GetBytes(content) : Bytes(entry));
            }
        }

        return target.ToArray();
    }

    private static byte[] Bytes(ZipArchiveEntry entry)
    {
        using var content = entry.Open();
        using var memory = new MemoryStream();
        content.CopyTo(memory);
        return memory.ToArray();
    }
}
