using System.Text;
using DistillSharp.Runs;
using static TorchSharp.torch;

namespace DistillSharp.Tests.Runs;

public sealed class CheckpointStoreTests : IDisposable
{
    private const string State = """{"Step":12345,"Best":0.75}""";

    private readonly TemporaryFolder _folder = new();
    private readonly List<string> _warnings = [];

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Write_MoreThanAreKept_NewestStay()
    {
        var store = Store();
        for (var step = 1; step <= 5; step++)
        {
            Write(store, step);
        }

        Assert.Equal(["step-000000004.safetensors", "step-000000005.safetensors"], Directory.GetFiles(store.Folder).Select(Path.GetFileName).Order());
        using var read = store.ReadLatest();
        Assert.Equal(State, read!.State);
        Assert.Equal([5f, 6f, 7f], read.Tensors["student.weight"].data<float>().ToArray());
        Assert.Empty(_warnings);
    }

    [Fact]
    public void ReadLatest_NothingThere_IsNull() => Assert.Null(Store().ReadLatest());

    [Theory]
    [InlineData("empty")]
    [InlineData("short")]
    [InlineData("tensor")]
    [InlineData("state")]
    [InlineData("header")]
    public void ReadLatest_NewestDamaged_OneBeforeWithAWarning(string damage)
    {
        var store = Store();
        Write(store, 1);
        Write(store, 2);
        var path = store.LatestPath!;
        var bytes = File.ReadAllBytes(path);
        switch (damage)
        {
            case "empty":
                bytes = [];
                break;
            case "short":
                bytes = bytes[..^3];
                break;
            case "tensor":
                bytes[^1] ^= 0x40;
                break;
            case "state":
                // Another step, still JSON: no reader of JSON can see that.
                bytes[Encoding.Latin1.GetString(bytes).IndexOf("12345", StringComparison.Ordinal)] = (byte)'9';
                break;
            default:
                bytes[9] = (byte)'#';
                break;
        }

        File.WriteAllBytes(path, bytes);

        using var read = store.ReadLatest();
        Assert.Equal([1f, 2f, 3f], read!.Tensors["student.weight"].data<float>().ToArray());
        Assert.Contains(path, Assert.Single(_warnings), StringComparison.Ordinal);
        Assert.Contains("damaged", _warnings[0], StringComparison.Ordinal);
    }

    [Fact]
    public void ReadBest_Damaged_NamesTheFile()
    {
        var store = Store();
        using var weight = tensor(new[] { 1f, 2 });
        var name = store.WriteBest(3, new Dictionary<string, Tensor> { ["student.weight"] = weight });
        var path = Path.Combine(store.Folder, name);
        using (var whole = store.ReadBest(name))
        {
            Assert.Equal([1f, 2f], whole.Tensors["student.weight"].data<float>().ToArray());
        }

        var bytes = File.ReadAllBytes(path);
        bytes[^1] ^= 1;
        File.WriteAllBytes(path, bytes);
        Assert.Contains(path, Assert.Throws<InvalidDataException>(() => store.ReadBest(name)).Message, StringComparison.Ordinal);
    }

    private CheckpointStore Store() => new(_folder.File("checkpoints"), 2, _warnings.Add);

    private static void Write(CheckpointStore store, int step)
    {
        using var weight = tensor(new[] { step, step + 1f, step + 2 });
        store.Write(step, new Dictionary<string, Tensor> { ["student.weight"] = weight }, State);
    }
}
