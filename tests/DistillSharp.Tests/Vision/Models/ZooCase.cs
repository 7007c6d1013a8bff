using DistillSharp.Data;
using DistillSharp.Models;
using DistillSharp.Recipes;
using DistillSharp.Tests.Models;
using DistillSharp.Vision.Models;
using DistillSharp.Vision.Models.Mobile;
using DistillSharp.Vision.Models.Transformers;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace DistillSharp.Tests.Vision.Models;

/// <summary>A small network of each family and form, for tests that run it.</summary>
internal sealed record ZooCase(string Model, object Options, int Channels, int Side)
{
    public const int Classes = 5;

    public static IReadOnlyDictionary<string, ZooCase> All { get; } = new Dictionary<string, ZooCase>
    {
        ["resnet of basic blocks"] = new("resnet", new ResNetOptions { Depth = 18, Width = 4 }, 3, 32),
        ["resnet of bottlenecks"] = new("resnet", new ResNetOptions { Depth = 50, Width = 4, Stem = "cifar" }, 1, 12),
        ["wide_resnet"] = new("wide_resnet", new WideResNetOptions { Depth = 16, WidthMultiplier = 1, Dropout = 0.3 }, 3, 12),
        ["cifar_vgg at 28"] = new("cifar_vgg", new CifarVggOptions { Depth = 11, WidthMultiplier = 0.0625 }, 1, 28),
        ["cifar_vgg at 64"] = new("cifar_vgg", new CifarVggOptions { Depth = 8, WidthMultiplier = 0.0625, BatchNorm = false }, 3, 64),
        ["vgg at 32"] = new("vgg", new VggOptions { Depth = 11, WidthMultiplier = 0.03125, BatchNorm = false }, 3, 32),
        ["vgg at 224"] = new("vgg", new VggOptions { Depth = 11, WidthMultiplier = 0.03125 }, 1, 224),
        ["mobilenet_v1 at stride 2"] = new("mobilenet_v1", new MobileNetV1Options { WidthMultiplier = 0.125 }, 3, 64),
        ["mobilenet_v1 at stride 1"] = new("mobilenet_v1", new MobileNetV1Options { WidthMultiplier = 0.25, StemStride = 1 }, 1, 28),
        ["mobilenet_v2"] = new("mobilenet_v2", new MobileNetV2Options { WidthMultiplier = 0.25, Dropout = 0.5 }, 3, 64),
        ["cifar_mobilenet_v2"] = new("cifar_mobilenet_v2", new CifarMobileNetV2Options { WidthMultiplier = 0.25, Expansion = 3 }, 1, 28),
        ["mobilenet_v3 small"] = new("mobilenet_v3", new MobileNetV3Options { WidthMultiplier = 0.25 }, 3, 64),
        ["mobilenet_v3 large"] = new("mobilenet_v3", new MobileNetV3Options { Size = "large", WidthMultiplier = 0.25 }, 1, 64),
        ["cifar_shufflenet_v1"] = new("cifar_shufflenet_v1", new CifarShuffleNetV1Options { WidthMultiplier = 0.3 }, 3, 20),
        ["shufflenet_v1"] = new("shufflenet_v1", new ShuffleNetV1Options { Width = 0.5 }, 1, 64),
        ["shufflenet_v1 of eight groups"] = new("shufflenet_v1", new ShuffleNetV1Options { Width = 0.5, Groups = 8 }, 3, 64),
        ["shufflenet_v2"] = new("shufflenet_v2", new ShuffleNetV2Options { Width = 0.5 }, 3, 64),
        ["cifar_shufflenet_v2"] = new("cifar_shufflenet_v2", new CifarShuffleNetV2Options { Width = 0.3 }, 1, 20),
        ["vit"] = new("vit", new VisionTransformerOptions { PatchSize = 4, Width = 24, Depth = 3, Heads = 4, MlpWidth = 40 }, 3, 16),
        ["deit"] = new("deit", new DistilledTransformerOptions { PatchSize = 7, Width = 24, Depth = 3, Heads = 3, MlpRatio = 2 }, 1, 28),
    };

    public DatasetInfo Data => SampleData.Images(Channels, Side, Classes);

    public ModelSpec Spec => new(Catalogs.Default().Models.Find(Model)!, Options);

    /// <summary>The network with random weights and batch-norm statistics everywhere, so that nothing is compared at its initial value.</summary>
    public SingleInputNetwork Create(int seed = 1)
    {
        random.manual_seed(seed);
        var network = (SingleInputNetwork)Spec.Create(Data);
        Randomise(network);
        FitStatistics(network, Samples(4));
        return network;
    }

    public Tensor Samples(int count) => randn(count, Channels, Side, Side);

    public static void Randomise(Module network)
    {
        RandomStatistics.Fill(network);
        using var noGradient = no_grad();
        foreach (var norm in network.modules().OfType<TorchSharp.Modules.NormBase>())
        {
            norm.weight!.uniform_(0.7, 1.5);
        }

        foreach (var norm in network.modules().OfType<TorchSharp.Modules.LayerNorm>())
        {
            norm.weight!.uniform_(0.5, 1.5);
            norm.bias!.normal_(0, 0.2);
        }

        foreach (var parameter in network.parameters().Where(parameter => parameter.shape.Length >= 2))
        {
            // Small enough for deep networks without batch-norm, large enough that attention is not uniform.
            parameter.normal_(0, Math.Sqrt(2.0 / (parameter.numel() / parameter.shape[0])));
        }

        foreach (var bias in network.modules().OfType<TorchSharp.Modules.Linear>().Select(linear => linear.bias).OfType<Tensor>())
        {
            bias.normal_(0, 0.2);
        }
    }

    /// <summary>
    /// Batch-norm statistics of what each layer is given, as after training: values stay near 1 through any depth, so that rounding
    /// errors are not blown up before outputs are compared.
    /// </summary>
    private static void FitStatistics(SingleInputNetwork network, Tensor samples)
    {
        using var noGradient = no_grad();
        network.eval();
        var removals = new List<Action>();
        foreach (var norm in network.modules().OfType<TorchSharp.Modules.BatchNorm2d>())
        {
            var hook = norm.register_forward_pre_hook((_, input) =>
            {
                using var scope = NewDisposeScope();
                norm.running_mean!.copy_(input.mean([0, 2, 3]));
                norm.running_var!.copy_(input.var([0, 2, 3], unbiased: false).clamp_min(0.1));
                return input;
            });
            removals.Add(hook.remove);
        }

        network.forward(samples).Dispose();
        removals.ForEach(remove => remove());
    }
}
