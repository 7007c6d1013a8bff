using DistillSharp.Data;
using DistillSharp.Teachers;
using DistillSharp.Tests.Cli;
using DistillSharp.Tests.Training;
using static TorchSharp.torch;

namespace DistillSharp.Tests.Teachers;

/// <summary>A script as teacher says what the network says that it was written from; files that are something else are told apart before libtorch sees them.</summary>
public sealed class TorchScriptTeacherTests : IDisposable
{
    private static readonly DatasetInfo Data = new("samples", [4], ["0", "1", "2"]);

    private readonly TemporaryFolder _folder = new();

    private string Path => _folder.File("teacher.pt");

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("logits", "Tensor", null)]
    [InlineData("(logits, hidden)", "Tuple[Tensor, Tensor]", "1")]
    [InlineData("[hidden, logits]", "List[Tensor]", "0")]
    [InlineData("(3, [logits, hidden])", "Tuple[int, List[Tensor]]", "1.1")]
    [InlineData("{\"hidden\": hidden, \"logits\": logits}", "Dict[str, Tensor]", "hidden")]
    public void Read_WhateverTheScriptReturns_GivesLogitsAndFeatures(string returned, string type, string? feature)
    {
        using var scope = NewDisposeScope();
        var network = new TrainingCase().Mlp(4, 6);
        TorchScriptFiles.Write(Path, network, returned, type);
        var output = feature switch { "0" => "1", "1.1" => "1.0", _ => null };
        var teacher = new TorchScriptTeacherOptions { Torchscript = Path, Output = output }.Open(Data, null);
        var batch = Vectors(5);
        string[] features = feature is null ? [] : [feature];
        using var source = teacher.Open(features);
        var signals = source.Read(batch);

        network.eval();
        Assert.True(network.Logits(batch).allclose(signals.Logits.Value, 1e-5, 1e-6));
        Assert.Equal(features, teacher.Features(batch));
        var (weight, bias) = (network.get_parameter("fc1.weight")!, network.get_parameter("fc1.bias")!);
        Assert.All(features, name => Assert.True((batch.Input.mm(weight.t()) + bias).relu().allclose(signals.Features[name].Value, 1e-5, 1e-6)));
        Assert.Null(teacher.Network);
    }

    [Fact]
    public void Read_TensorThatIsNotReturned_NamesTheNearest()
    {
        using var scope = NewDisposeScope();
        TorchScriptFiles.Write(Path, new TrainingCase().Mlp(4, 6), "{\"hidden\": hidden, \"logits\": logits}", "Dict[str, Tensor]");
        using var source = new TorchScriptTeacherOptions { Torchscript = Path }.Open(Data, null).Open(["hiden"]);
        Assert.Contains("returns no `hiden`; did you mean `hidden`?", Assert.Throws<ArgumentException>(() => source.Read(Vectors(1))).Message, StringComparison.Ordinal);
        using var other = new TorchScriptTeacherOptions { Torchscript = Path, Output = "logit" }.Open(Data, null).Open([]);
        Assert.Contains("did you mean `logits`?", Assert.Throws<ArgumentException>(() => other.Read(Vectors(1))).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("logits", "Tensor", 5, "cannot be run on samples of shape [5]: RuntimeError: ")]
    [InlineData("(logits, \"text\")", "Tuple[Tensor, str]", 4, "returns something else than tensors")]
    [InlineData("torch.log(logits * 0. - 1.)", "Tensor", 4, "not finite numbers for the samples 0, 1")]
    [InlineData("hidden", "Tensor", 4, "gives 6 outputs and the data has 3 classes")]
    [InlineData("torch.sum(logits)", "Tensor", 4, "logits of shape []")]
    public void Read_ScriptThatDoesNotFit_SaysWhy(string returned, string type, int inputs, string message)
    {
        using var scope = NewDisposeScope();
        TorchScriptFiles.Write(Path, new TrainingCase().Mlp(4, 6), returned, type);
        using var source = new TorchScriptTeacherOptions { Torchscript = Path }.Open(Data with { InputShape = [inputs] }, null).Open([]);
        Assert.Contains(message, Assert.Throws<InvalidDataException>(() => source.Read(Vectors(2, inputs))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Check_FileCutShortAnywhere_SaysSo()
    {
        using var scope = NewDisposeScope();
        TorchScriptFiles.Write(Path, new TrainingCase().Mlp(4, 6));
        var bytes = File.ReadAllBytes(Path);
        TorchScriptArchive.Check(Path);
        foreach (var length in new[] { 0, 1, 30, bytes.Length / 3, bytes.Length / 2, bytes.Length - 40, bytes.Length - 1 })
        {
            File.WriteAllBytes(_folder.File("cut.pt"), bytes[..length]);
            Assert.StartsWith(_folder.File("cut.pt") + " is ", Assert.Throws<InvalidDataException>(() => TorchScriptArchive.Check(_folder.File("cut.pt"))).Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Check_FlippedByte_IsFound()
    {
        using var scope = NewDisposeScope();
        TorchScriptFiles.Write(Path, new TrainingCase().Mlp(4, 6));
        var bytes = File.ReadAllBytes(Path);
        var weights = bytes.AsSpan().IndexOf("relu"u8);
        bytes[weights] ^= 1;
        File.WriteAllBytes(Path, bytes);
        Assert.Contains("the bytes of `net/code/__torch__.py` are not those that were written", Assert.Throws<InvalidDataException>(() => TorchScriptArchive.Check(Path)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Check_Pickles_AreRefusedWithTheLinesThatTurnThemIntoSafetensors()
    {
        TorchScriptFiles.StateDictionary(Path);
        File.WriteAllBytes(_folder.File("old.pth"), [0x80, 2, (byte)'}', (byte)'.']);
        foreach (var path in new[] { Path, _folder.File("old.pth") })
        {
            var message = Assert.Throws<InvalidDataException>(() => TorchScriptArchive.Check(path)).Message;
            Assert.Contains($"`state = torch.load(\"{System.IO.Path.GetFileName(path)}\", weights_only=True)` and `safetensors.torch.save_file(state, ", message, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("return torch.matmu(x, x)", "Unknown builtin op: aten::matmu.")]
    [InlineData("return ops.torchvision.nms(x, x, 0.5)", "Unknown builtin op: torchvision::nms.")]
    [InlineData("return torch.linear(x", "expected ")]
    public void Layers_ScriptThatLibtorchCannotCompile_EndsWithAMessage(string body, string message)
    {
        using var scope = NewDisposeScope();
        TorchScriptFiles.Write(Path, new Dictionary<string, Tensor>(), body, "Tensor");
        _folder.Write("recipe.yaml", "data: {dataset: digits}\nteacher: {torchscript: teacher.pt}\nstudent: {model: mlp}\nobjective: {terms: [{method: soft_target}]}\n");
        var result = DistillProcess.Run("layers", _folder.File("recipe.yaml"));
        Assert.Equal(1, result.ExitCode);
        Assert.Contains($"distill: libtorch cannot load {Path}: {message}", result.Error, StringComparison.Ordinal);
    }

    private static Batch Vectors(int count, int inputs = 4) => Batch.Of(rand(count, inputs), null, [.. Enumerable.Range(0, count).Select(id => (long)id)]);
}
