using CsCheck;
using DistillSharp.Export;
using DistillSharp.Export.Onnx;
using DistillSharp.Models;
using DistillSharp.Tests.Models;
using static TorchSharp.torch;

namespace DistillSharp.Tests.Export;

public sealed class ModelVerifierTests : IDisposable
{
    private static readonly Dictionary<string, string> Texts = new() { [Provenance.RecipeSha256] = new string('a', 64), [Provenance.Seed] = "3" };
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("model.safetensors", Provenance.WeightsSha256)]
    [InlineData("model.onnx", Provenance.ContentSha256)]
    public void Verify_UntouchedFile_VerifiesContentAndMetadata(string name, string contentKey)
    {
        var result = ModelVerifier.Verify(WriteModel(name));
        Assert.True(result.Passed);
        Assert.Equal([contentKey, Provenance.MetadataSha256], result.Fields.Where(field => field.Status == FieldStatus.Verified).Select(field => field.Key));
        Assert.Equal(FieldStatus.Recorded, result.Fields.Single(field => field.Key == Provenance.Seed).Status);
    }

    [Theory]
    [InlineData("model.safetensors")]
    [InlineData("model.onnx")]
    public void Verify_KnownRecipeHash_IsComparedToo(string name)
    {
        var path = WriteModel(name);
        Assert.True(ModelVerifier.Verify(path, Texts).Passed);
        var other = ModelVerifier.Verify(path, new Dictionary<string, string> { [Provenance.RecipeSha256] = new string('b', 64) });
        Assert.False(other.Passed);
        Assert.Equal(FieldStatus.Mismatch, other.Fields.Single(field => field.Key == Provenance.RecipeSha256).Status);
    }

    /// <summary>Every byte matters: flipping one makes the file unsound or the verification fail.</summary>
    [Theory]
    [InlineData("model.safetensors")]
    [InlineData("model.onnx")]
    public void Verify_AnyFlippedBit_IsFound(string name)
    {
        var sound = File.ReadAllBytes(WriteModel(name));
        var damaged = _folder.File("damaged" + Path.GetExtension(name));
        Gen.Select(Gen.Int[0, sound.Length - 1], Gen.Int[0, 7]).Sample((position, bit) =>
        {
            var bytes = (byte[])sound.Clone();
            bytes[position] ^= (byte)(1 << bit);
            File.WriteAllBytes(damaged, bytes);
            try
            {
                return !ModelVerifier.Verify(damaged).Passed;
            }
            catch (InvalidDataException)
            {
                return true;
            }
        }, iter: 1500, threads: 1);
    }

    [Fact]
    public void Verify_FileWithoutProvenance_SaysWhatIsMissing()
    {
        using var scope = NewDisposeScope();
        var path = _folder.File("plain.safetensors");
        Safetensors.Write(path, new Dictionary<string, Tensor> { ["x"] = ones(2) });
        var result = ModelVerifier.Verify(path);
        Assert.False(result.Passed);
        Assert.All(result.Fields, field => Assert.Equal(FieldStatus.Missing, field.Status));
    }

    [Theory]
    [InlineData(new byte[] { }, "0 graphs")]
    [InlineData(new byte[] { 0x3a, 0xff, 0xff, 0xff, 0xff, 0x0f }, "claims 4294967295 bytes and 0 are left")]
    [InlineData(new byte[] { 0x3a, 0, 0x3a, 0 }, "2 graphs")]
    [InlineData(new byte[] { 0x08, 0x80 }, "ends within a number")]
    [InlineData(new byte[] { 0x0b }, "wire type 3")]
    public void ReadOnnx_Unsound_SaysWhatIsWrong(byte[] bytes, string expected)
    {
        var path = _folder.File("bad.onnx");
        File.WriteAllBytes(path, bytes);
        Assert.Contains(expected, Assert.Throws<InvalidDataException>(() => OnnxFile.Read(path)).Message);
    }

    [Fact]
    public void Seal_AnyChange_ChangesTheHash()
    {
        var sealedTexts = Provenance.Seal(Texts);
        Assert.Equal(sealedTexts[Provenance.MetadataSha256], Provenance.Seal(sealedTexts)[Provenance.MetadataSha256]);
        Assert.NotEqual(sealedTexts[Provenance.MetadataSha256], Provenance.Seal(new Dictionary<string, string>(Texts) { [Provenance.Seed] = "4" })[Provenance.MetadataSha256]);
    }

    [Fact]
    public void Describe_CatalogModel_ListsItsOptions()
    {
        var spec = new ModelSpec(ModelCatalog.Default().Find("mlp")!, new MlpOptions { Widths = [3, 4], Dropout = 0.25 });
        Assert.Equal("""{"model":"mlp","options":{"widths":[3,4],"dropout":0.25,"input_dropout":0,"max_norm":0}}""", Provenance.Describe(spec));
    }

    private string WriteModel(string name)
    {
        using var scope = NewDisposeScope();
        var data = SampleData.Vectors(3, 2);
        var network = new Mlp(new MlpOptions { Widths = [4] }, data);
        var path = _folder.File(name);
        if (name.EndsWith(".onnx", StringComparison.Ordinal))
        {
            OnnxExporter.Export(network, data, path, randn(2, 3), Texts);
        }
        else
        {
            Provenance.WriteWeights(path, network, Texts);
        }

        return path;
    }
}
