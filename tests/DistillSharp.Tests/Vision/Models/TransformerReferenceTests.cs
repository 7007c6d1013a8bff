using DistillSharp.Config;
using DistillSharp.Data;
using DistillSharp.Export;
using DistillSharp.Recipes;
using DistillSharp.Signals;
using DistillSharp.Tests.Models;
using DistillSharp.Vision.Models.Transformers;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace DistillSharp.Tests.Vision.Models;

/// <summary>Transformers over patches against explicit functional calls, and their parameters' names.</summary>
public sealed class TransformerReferenceTests
{
    private const double Epsilon = 1e-6;

    [Fact]
    public void VisionTransformer_Forward_EqualsFunctionalReference()
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        var network = ZooCase.All["vit"].Create();
        network.eval();
        var state = network.state_dict();
        var reference = new FunctionalReference(state);
        var input = randn(2, 3, 16, 16);
        var x = cat([state["class_token"].expand(2, 1, 24), Patches(input, state["conv_proj.weight"], state["conv_proj.bias"], 4)], 1) + state["encoder.pos_embedding"];
        for (var layer = 0; layer < 3; layer++)
        {
            var key = $"encoder.layers.encoder_layer_{layer}";
            var projected = reference.LayerNorm(x, key + ".ln_1", Epsilon).matmul(state[key + ".self_attention.in_proj_weight"].t()) + state[key + ".self_attention.in_proj_bias"];
            x += reference.Linear(Attention(projected, 4), key + ".self_attention.out_proj");
            x += reference.Linear(Gelu(reference.Linear(reference.LayerNorm(x, key + ".ln_2", Epsilon), key + ".mlp.0")), key + ".mlp.3");
        }

        var expected = reference.Linear(reference.LayerNorm(x, "encoder.ln", Epsilon).select(1, 0), "heads.head");
        FunctionalReference.AssertClose(expected, network.forward(input));
        // class token, positions, patches, head: 2 + 1 + 1 … and 12 a block, 2 of the last norm.
        Assert.Equal(2 + 2 + (3 * 12) + 2 + 2, state.Count);
    }

    [Fact]
    public void DistilledTransformer_Forward_EqualsFunctionalReference()
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        var network = ZooCase.All["deit"].Create();
        network.eval();
        var state = network.state_dict();
        var reference = new FunctionalReference(state);
        var input = randn(2, 1, 28, 28);
        var patches = Patches(input, state["patch_embed.proj.weight"], state["patch_embed.proj.bias"], 7);
        var x = cat([state["cls_token"].expand(2, 1, 24), state["dist_token"].expand(2, 1, 24), patches], 1) + state["pos_embed"];
        for (var layer = 0; layer < 3; layer++)
        {
            var key = $"blocks.{layer}";
            x += reference.Linear(Attention(reference.Linear(reference.LayerNorm(x, key + ".norm1", Epsilon), key + ".attn.qkv"), 3), key + ".attn.proj");
            x += reference.Linear(Gelu(reference.Linear(reference.LayerNorm(x, key + ".norm2", Epsilon), key + ".mlp.fc1")), key + ".mlp.fc2");
        }

        x = reference.LayerNorm(x, "norm", Epsilon);
        var (first, second) = (reference.Linear(x.select(1, 0), "head"), reference.Linear(x.select(1, 1), "head_dist"));
        FunctionalReference.AssertClose((first + second) / 2, network.forward(input));
        using var reader = new SignalReader(network, ["distillation_logits", "logits"]);
        FunctionalReference.AssertClose(second, reader.Read(Batch.Of(input.clone(), null, [0, 1])).Features["distillation_logits"].Value);
        // The hard labels' head alone while it is trained.
        network.train();
        FunctionalReference.AssertClose(first, network.forward(input));
    }

    [Fact]
    public void Features_AttentionMaps_AreProbabilitiesOverKeys()
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        var network = ZooCase.All["vit"].Create();
        network.eval();
        const string Maps = "encoder.layers.encoder_layer_1.self_attention.softmax";
        using var reader = new SignalReader(network, [Maps, "layer2", "stem"]);
        var features = reader.Read(Batch.Of(randn(2, 3, 16, 16), null, [0, 1])).Features;
        Assert.Equal([2L, 4, 17, 17], features[Maps].Value.shape);
        Assert.Equal([2L, 17, 24], features["layer2"].Value.shape);
        Assert.Equal([2L, 24, 4, 4], features["stem"].Value.shape);
        Assert.True(allclose(features[Maps].Value.sum(-1), ones(2, 4, 17), atol: 1e-5));
    }

    [Fact]
    public void Create_Untrained_StartsAsTorchvisionDoes()
    {
        using var scope = NewDisposeScope();
        var state = new VisionTransformer(new VisionTransformerOptions { PatchSize = 8, Width = 48, Depth = 1, Heads = 4, MlpWidth = 96 }, SampleData.Images(3, 32, 10)).state_dict();
        Assert.Equal(0, state["heads.head.weight"].abs().max().item<float>());
        Assert.Equal(0, state["class_token"].abs().max().item<float>());
        Assert.Equal(0.02, state["encoder.pos_embedding"].std().item<float>(), 3e-3);
        Assert.Equal(Math.Sqrt(6.0 / (48 + 144)), state["encoder.layers.encoder_layer_0.self_attention.in_proj_weight"].abs().max().item<float>(), 5e-3);
    }

    [Fact]
    public void LoadInto_NamesOfTorchvisionsFiles_AreThoseOfTheMlp()
    {
        using var folder = new TemporaryFolder();
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        const string First = "encoder.layers.encoder_layer_0.mlp.linear_1.weight";
        var zoo = ZooCase.All["vit"];
        var (network, loaded) = (zoo.Create(), zoo.Create(seed: 2));
        var old = network.state_dict().ToDictionary(
            entry => entry.Key.Replace(".mlp.0.", ".mlp.linear_1.", StringComparison.Ordinal).Replace(".mlp.3.", ".mlp.linear_2.", StringComparison.Ordinal), entry => entry.Value);
        Assert.Contains(First, old.Keys);
        var path = folder.File("vit.safetensors");
        Safetensors.Write(path, old);

        Safetensors.LoadInto(loaded, path);

        network.eval();
        loaded.eval();
        var x = zoo.Samples(2);
        FunctionalReference.AssertClose(network.forward(x), loaded.forward(x));
        Assert.Equal(WeightsHash.Of(network), WeightsHash.Of(loaded));

        // A layer under both names is once too often, under neither it is missing by its own.
        old[First.Replace("linear_1", "0", StringComparison.Ordinal)] = old[First];
        Safetensors.Write(path, old);
        Assert.Contains($"left over: {First} [40, 24]", Assert.Throws<InvalidDataException>(() => Safetensors.LoadInto(loaded, path)).Message);
        old.Remove(First);
        old.Remove(First.Replace("linear_1", "0", StringComparison.Ordinal));
        Safetensors.Write(path, old);
        Assert.Contains("missing: encoder.layers.encoder_layer_0.mlp.0.weight [40, 24]", Assert.Throws<InvalidDataException>(() => Safetensors.LoadInto(loaded, path)).Message);
    }

    [Fact]
    public void Create_ImagesOrHeadsThatDoNotFit_SaysSo()
    {
        var data = SampleData.Images(3, 30, 10);
        Assert.Contains("30×30", Assert.Throws<ArgumentException>(() => new VisionTransformer(new VisionTransformerOptions { PatchSize = 4 }, data)).Message);
        Assert.Contains("`patch_size`", Assert.Throws<ArgumentException>(() => new DistilledTransformer(new DistilledTransformerOptions(), data)).Message);
        Assert.Contains("5 heads", Assert.Throws<ArgumentException>(() => new VisionTransformer(new VisionTransformerOptions { PatchSize = 5, Heads = 5 }, data)).Message);
        var errors = new ConfigErrors();
        Catalogs.Default().Models.Read(YamlConfig.Parse("{model: deit, heads: 7}", errors)!, new ConfigBinder(errors));
        Assert.Equal("heads", Assert.Single(errors.All).Path);
    }

    /// <summary>Every patch times the kernel, cut out by hand.</summary>
    private static Tensor Patches(Tensor images, Tensor weight, Tensor bias, int size)
    {
        var side = (int)images.shape[2] / size;
        var rows = from row in Enumerable.Range(0, side)
                   from column in Enumerable.Range(0, side)
                   select images.narrow(2, row * size, size).narrow(3, column * size, size).flatten(1).matmul(weight.flatten(1).t()) + bias;
        return stack([.. rows], 1);
    }

    /// <summary>Head by head.</summary>
    private static Tensor Attention(Tensor projected, int heads)
    {
        var parts = projected.chunk(3, -1);
        var size = parts[0].shape[2] / heads;
        return cat([.. Enumerable.Range(0, heads).Select(head =>
        {
            var (query, key, value) = (parts[0].narrow(2, head * size, size), parts[1].narrow(2, head * size, size), parts[2].narrow(2, head * size, size));
            return functional.softmax(query.bmm(key.transpose(1, 2)) / Math.Sqrt(size), -1).bmm(value);
        })], 2);
    }

    private static Tensor Gelu(Tensor x) => 0.5 * x * (1 + (x / Math.Sqrt(2)).erf());
}
