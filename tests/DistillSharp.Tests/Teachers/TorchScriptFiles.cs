using System.Globalization;
using System.IO.Compression;
using System.Text;
using DistillSharp.Models;
using static TorchSharp.torch;

namespace DistillSharp.Tests.Teachers;

/// <summary>
/// Small TorchScript files. TorchSharp can save only what it loaded, so that they are put together here: an archive of code, a pickle
/// of the module's attributes, and the numbers of each tensor.
/// </summary>
internal static class TorchScriptFiles
{
    /// <summary>A network of linear layers with ReLU between them, whose script returns <paramref name="returned"/>: an expression over <c>logits</c> and <c>hidden</c>.</summary>
    /// <param name="path">The file.</param>
    /// <param name="network">Where weights come from: its linear layers in order.</param>
    /// <param name="returned">What the script returns.</param>
    /// <param name="type">Its type.</param>
    public static void Write(string path, Network network, string returned = "logits", string type = "Tensor")
    {
        var tensors = network.named_parameters().ToDictionary(entry => entry.name.Replace('.', '_'), entry => entry.parameter.detach().cpu().contiguous());
        var layers = tensors.Keys.Where(name => name.EndsWith("weight", StringComparison.Ordinal)).Select(name => name[..^"weight".Length]).ToList();
        var code = new StringBuilder("hidden = x\n");
        foreach (var (layer, i) in layers.Select((layer, i) => (layer, i)))
        {
            var linear = $"torch.linear({(i == 0 ? "x" : "hidden")}, self.{layer}weight, self.{layer}bias)";
            code.Append(i == layers.Count - 1 ? $"logits = {linear}\n" : $"hidden{i} = torch.relu({linear})\nhidden = hidden{i}\n");
        }

        Write(path, tensors, code + $"return {returned}\n", type);
    }

    /// <summary>Any body of a forward method of one argument, <c>x</c>.</summary>
    public static void Write(string path, IReadOnlyDictionary<string, Tensor> tensors, string body, string type)
    {
        var code = new StringBuilder("class Net(Module):\n");
        code.Append(CultureInfo.InvariantCulture, $"  __parameters__ = [{string.Concat(tensors.Keys.Select(name => $"\"{name}\", "))}]\n  __buffers__ = []\n  training : bool\n");
        foreach (var name in tensors.Keys)
        {
            code.Append(CultureInfo.InvariantCulture, $"  {name} : Tensor\n");
        }

        code.Append(CultureInfo.InvariantCulture, $"  def forward(self: __torch__.Net,\n    x: Tensor) -> {type}:\n");
        foreach (var line in body.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            code.Append("    ").Append(line).Append('\n');
        }

        using var stream = File.Create(path);
        using var archive = new ZipArchive(stream, ZipArchiveMode.Create);
        Add(archive, "data.pkl", Pickle(tensors));
        Add(archive, "code/__torch__.py", Encoding.UTF8.GetBytes(code.ToString()));
        Add(archive, "constants.pkl", [0x80, 2, (byte)')', (byte)'.']);
        foreach (var (tensor, i) in tensors.Values.Select((tensor, i) => (tensor, i)))
        {
            Add(archive, $"data/{i}", tensor.bytes.ToArray());
        }

        Add(archive, "version", "3\n"u8.ToArray());
    }

    /// <summary>An archive as torch.save writes it: a pickle and numbers, without code.</summary>
    public static void StateDictionary(string path)
    {
        using var stream = File.Create(path);
        using var archive = new ZipArchive(stream, ZipArchiveMode.Create);
        Add(archive, "data.pkl", [0x80, 2, (byte)'}', (byte)'.']);
        Add(archive, "version", "3\n"u8.ToArray());
    }

    private static void Add(ZipArchive archive, string name, byte[] content)
    {
        using var entry = archive.CreateEntry("net/" + name, CompressionLevel.NoCompression).Open();
        entry.Write(content);
    }

    // Protocol 2: an instance of the class, then its attributes.
    private static byte[] Pickle(IReadOnlyDictionary<string, Tensor> tensors)
    {
        using var stream = new MemoryStream();
        Bytes(0x80, 2);
        Text("c__torch__\nNet\n");
        Text(")\u0081}(");
        Name("training");
        Bytes(0x89);
        var number = 0;
        foreach (var (name, tensor) in tensors)
        {
            Name(name);
            Text("ctorch._utils\n_rebuild_tensor_v2\n((");
            Name("storage");
            Text("ctorch\nFloatStorage\n");
            Name($"{number++}");
            Name("cpu");
            Integer(tensor.numel());
            Text("tQK\0(");
            tensor.shape.ToList().ForEach(Integer);
            Text("t(");
            tensor.stride().ToList().ForEach(Integer);
            Text("t\u0089ccollections\nOrderedDict\n)RtR");
        }

        Text("ub.");
        return stream.ToArray();

        void Bytes(params byte[] bytes) => stream.Write(bytes);
        void Text(string text) => stream.Write(Encoding.Latin1.GetBytes(text));
        void Name(string name) => stream.Write([(byte)'X', .. BitConverter.GetBytes(name.Length), .. Encoding.UTF8.GetBytes(name)]);
        void Integer(long value) => stream.Write([(byte)'J', .. BitConverter.GetBytes((int)value)]);
    }
}
