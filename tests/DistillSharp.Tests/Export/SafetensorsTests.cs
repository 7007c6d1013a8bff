using System.Buffers.Binary;
using System.Text;
using CsCheck;
using DistillSharp.Export;
using DistillSharp.Models;
using DistillSharp.Tests.Models;
using static TorchSharp.torch;

namespace DistillSharp.Tests.Export;

public sealed class SafetensorsTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Write_EveryElementType_ReadsBackBitIdentical()
    {
        using var scope = NewDisposeScope();
        var tensors = new Dictionary<string, Tensor>
        {
            ["f64"] = randn(3, 2, dtype: ScalarType.Float64),
            ["f32"] = randn(5),
            ["transposed"] = randn(4, 3).t(),
            ["slice"] = arange(20, dtype: ScalarType.Float32).narrow(0, 7, 5),
            ["f16"] = randn(7).to(ScalarType.Float16),
            ["bf16"] = randn(3).to(ScalarType.BFloat16),
            ["i64"] = tensor(long.MinValue),
            ["i32"] = tensor(new[] { 1, -2 }),
            ["i16"] = tensor(new short[] { 1, -2, 3 }),
            ["i8"] = tensor(new sbyte[] { -128 }),
            ["u8"] = tensor(new byte[] { 255, 0 }),
            ["bool"] = tensor(new[] { true, false, true }),
            ["empty"] = zeros(0, 3),
            ["ünïcode \"name\"/日本"] = ones(1),
        };
        var path = _folder.File("all.safetensors");
        Safetensors.Write(path, tensors, new Dictionary<string, string> { ["b"] = "2", ["a"] = "línea\n1" });

        using var file = new SafetensorsFile(path);
        Assert.Equal([("a", "línea\n1"), ("b", "2")], file.Metadata.Select(entry => (entry.Key, entry.Value)));
        var read = file.ReadAll();
        Assert.Equal(tensors.Keys.Order(StringComparer.Ordinal), read.Keys.Order(StringComparer.Ordinal));
        foreach (var (name, tensor) in tensors)
        {
            Assert.Equal(tensor.shape, read[name].shape);
            Assert.Equal(tensor.dtype, read[name].dtype);
            Assert.True(tensor.numel() == 0 || tensor.eq(read[name]).all().item<bool>(), name);
        }

        Assert.Equal(WeightsHash.Of(tensors), WeightsHash.Of(file));
        Assert.Equal(["all.safetensors"], _folder.Files);
    }

    [Fact]
    public void Write_KnownTensor_GivesTheBytesOfTheFormat()
    {
        using var scope = NewDisposeScope();
        var path = _folder.File("known.safetensors");
        Safetensors.Write(path, new Dictionary<string, Tensor> { ["x"] = tensor(new float[] { 1, 2 }), ["a"] = tensor(new byte[] { 7 }) });
        var header = """{"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"a":{"dtype":"U8","shape":[1],"data_offsets":[8,9]}}""";
        header = header.PadRight((header.Length + 7) / 8 * 8);
        byte[] expected = [(byte)header.Length, 0, 0, 0, 0, 0, 0, 0, .. Encoding.UTF8.GetBytes(header), 0, 0, 0x80, 0x3f, 0, 0, 0, 0x40, 7];
        Assert.Equal(expected, File.ReadAllBytes(path));
    }

    [Fact]
    public void LoadInto_SameArchitecture_CopiesParametersAndStatistics()
    {
        using var scope = NewDisposeScope();
        var first = Create(10);
        RandomStatistics.Fill(first);
        var second = Create(10);
        var path = _folder.File("net.safetensors");
        Safetensors.Write(path, first);
        Assert.NotEqual(WeightsHash.Of(first), WeightsHash.Of(second));
        Safetensors.LoadInto(second, path);
        Assert.Equal(WeightsHash.Of(first), WeightsHash.Of(second));
    }

    [Fact]
    public void LoadInto_OtherArchitecture_ListsEveryFaultAndChangesNothing()
    {
        using var scope = NewDisposeScope();
        var path = _folder.File("net.safetensors");
        var state = new Dictionary<string, Tensor>(Create(10).state_dict());
        state.Remove("conv1.weight");
        state["stray"] = ones(2);
        state["bn2.bias"] = ones(3);
        state["bn3.bias"] = ones(16, dtype: ScalarType.Int32);
        Safetensors.Write(path, state);
        var network = Create(7);
        var before = WeightsHash.Of(network);

        var error = Assert.Throws<InvalidDataException>(() => Safetensors.LoadInto(network, path));

        Assert.Contains("missing: conv1.weight [8, 1, 3, 3]", error.Message);
        Assert.Contains("left over: stray [2]", error.Message);
        Assert.Contains("shape: bn2.bias is [3] in the file, [8] in the network", error.Message);
        Assert.Contains("type: bn3.bias is I32 in the file, F32 in the network", error.Message);
        Assert.Contains("shape: fc.weight is [10, 16] in the file, [7, 16] in the network", error.Message);
        Assert.Equal(before, WeightsHash.Of(network));
    }

    [Theory]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,16]}}""", 16, "does not fit its 16 bytes")]
    [InlineData("""{"a":{"dtype":"F32","shape":[9223372036854775807,2],"data_offsets":[0,8]}}""", 8, "does not fit its 8 bytes")]
    [InlineData("""{"a":{"dtype":"F32","shape":[0,9223372036854775807,9223372036854775807],"data_offsets":[0,0]}}""", 0, "does not fit")]
    [InlineData("""{"a":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}}""", 8, "claims bytes 0 to 16; the file has 8")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}""", 8, "claims bytes 4 to 0")]
    [InlineData("""{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}""", 4, "must have a dtype")]
    [InlineData("""{"a":{"dtype":"F33","shape":[1],"data_offsets":[0,4]}}""", 4, "element type F33")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", 8, "`a` and `b` overlap at byte 0")]
    [InlineData("""{"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}""", 2, "bytes 0 to 1, before tensor `a`")]
    [InlineData("""{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}""", 3, "end at byte 1, but the file has 3")]
    [InlineData("""{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}""", 2, "no valid JSON")]
    [InlineData("""{"__metadata__":{"a":1}}""", 0, "`a` must be a text")]
    [InlineData("""{"a":""", 0, "no valid JSON")]
    [InlineData("""[]""", 0, "does not begin with `{`")]
    [InlineData("""{"\ud800":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}""", 1, "no valid JSON")]
    public void Open_LyingHeader_SaysWhatIsWrong(string header, int dataLength, string expected)
    {
        var path = WriteRaw((ulong)Encoding.UTF8.GetByteCount(header), header, dataLength);
        var error = Assert.Throws<InvalidDataException>(() => new SafetensorsFile(path));
        Assert.Contains(expected, error.Message);
        Assert.Contains(path, error.Message);
    }

    [Theory]
    [InlineData(ulong.MaxValue, "at most 100000000")]
    [InlineData(50_000_000, "only 2 follow")]
    public void Open_HeaderLengthBeyondTheFile_FailsBeforeTakingMemory(ulong length, string expected)
    {
        var path = WriteRaw(length, "{}", 0);
        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Contains(expected, Assert.Throws<InvalidDataException>(() => new SafetensorsFile(path)).Message);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 2_000_000);
    }

    [Fact]
    public void Open_EmptyFile_Fails() =>
        Assert.Contains("0 bytes", Assert.Throws<InvalidDataException>(() => new SafetensorsFile(WriteBytes("empty.safetensors", []))).Message);

    [Fact]
    public void Read_BoolOfTwo_Fails()
    {
        var header = """{"a":{"dtype":"BOOL","shape":[1],"data_offsets":[0,1]}}""";
        var path = WriteRaw((ulong)header.Length, header, 1, fill: 2);
        Assert.Contains("other than 0 and 1", Assert.Throws<InvalidDataException>(() => Safetensors.Read(path)).Message);
    }

    [Theory]
    [InlineData("model.pt", new byte[] { 1, 2, 3 })]
    [InlineData("model.bin", new byte[] { (byte)'P', (byte)'K', 3, 4, 0, 0, 0, 0, 0 })]
    [InlineData("model.ckpt", new byte[] { 0x80, 2, 0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9 })]
    public void Open_Pickle_IsRefusedWithTheWayToConvert(string name, byte[] content)
    {
        var error = Assert.Throws<InvalidDataException>(() => new SafetensorsFile(WriteBytes(name, content)));
        Assert.Contains("import torch, safetensors.torch", error.Message);
        Assert.Contains("save_file({k: v.contiguous() for", error.Message);
        Assert.Contains("weights_only=True", error.Message);
    }

    [Fact]
    public void Open_LengthThatLooksLikeAPickle_IsRead()
    {
        using var scope = NewDisposeScope();
        var path = WriteRaw(0x0280, "{}".PadRight(0x0280), 0);
        using var file = new SafetensorsFile(path);
        Assert.Empty(file.Entries);
    }

    [Fact]
    public void Open_DamagedFile_ReadsOrThrowsInvalidData()
    {
        using var scope = NewDisposeScope();
        var path = _folder.File("sound.safetensors");
        Safetensors.Write(path, new Dictionary<string, Tensor> { ["weight"] = randn(3, 4), ["mask"] = tensor(new[] { true, false }), ["n"] = tensor(5L) }, new Dictionary<string, string> { ["k"] = "v" });
        var sound = File.ReadAllBytes(path);
        var damage = Gen.Select(Gen.Int[0, sound.Length - 1], Gen.Byte, Gen.Int[0, sound.Length], Gen.Bool);
        damage.Sample((position, value, length, cut) =>
        {
            var bytes = (byte[])sound.Clone();
            bytes[position] = value;
            var damaged = WriteBytes("damaged.safetensors", cut ? bytes[..length] : bytes);
            try
            {
                foreach (var tensor in Safetensors.Read(damaged).Values)
                {
                    tensor.Dispose();
                }

                return !cut || length == sound.Length;
            }
            catch (InvalidDataException error)
            {
                return error.Message.Contains(damaged, StringComparison.Ordinal);
            }
        }, iter: 2000, threads: 1);
    }

    [Fact]
    public void Write_FailureHalfWay_LeavesTheOldFileAlone()
    {
        var path = _folder.File("kept.txt");
        AtomicFile.WriteText(path, "old");
        Assert.Throws<IOException>(() => AtomicFile.Write(path, stream =>
        {
            stream.Write("new"u8);
            throw new IOException("disk full");
        }));
        Assert.Equal("old", File.ReadAllText(path));
        Assert.Equal(["kept.txt"], _folder.Files);
    }

    [Fact]
    public void Of_AnyChange_ChangesTheHash()
    {
        using var scope = NewDisposeScope();
        var original = new Dictionary<string, Tensor> { ["a"] = tensor(new float[] { 1, 2 }), ["b"] = tensor(new float[] { 3 }) };
        var hash = WeightsHash.Of(original);
        Assert.Equal(hash, WeightsHash.Of(original.Reverse().ToDictionary()));
        Assert.NotEqual(hash, WeightsHash.Of(new Dictionary<string, Tensor>(original) { ["b"] = tensor(new float[] { -3 }) }));
        Assert.NotEqual(hash, WeightsHash.Of(new Dictionary<string, Tensor> { ["a"] = tensor(new float[] { 1 }), ["b"] = tensor(new float[] { 2, 3 }) }));
        Assert.NotEqual(hash, WeightsHash.Of(new Dictionary<string, Tensor>(original) { ["a"] = tensor(new float[] { 1, 2 }).view(2, 1) }));
    }

    private static SmallCnn Create(int classes) => new(new SmallCnnOptions(), SampleData.Images(1, 8, classes));

    private string WriteRaw(ulong length, string header, int dataLength, byte fill = 0)
    {
        var prefix = new byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(prefix, length);
        return WriteBytes("raw.safetensors", [.. prefix, .. Encoding.UTF8.GetBytes(header), .. Enumerable.Repeat(fill, dataLength)]);
    }

    private string WriteBytes(string name, byte[] bytes)
    {
        var path = _folder.File(name);
        File.WriteAllBytes(path, bytes);
        return path;
    }
}
