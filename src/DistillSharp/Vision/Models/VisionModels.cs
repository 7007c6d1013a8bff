using DistillSharp.Data;
using DistillSharp.Models;
using DistillSharp.Vision.Models.Mobile;
using DistillSharp.Vision.Models.Transformers;
using DistillSharp.Vision.Reading;

namespace DistillSharp.Vision.Models;

/// <summary>
/// The networks of published image recognition. Their parameters are named as in torchvision where torchvision has the network,
/// else as in the authors' code or in that of "Contrastive Representation Distillation" (docs/models.md).
/// </summary>
public static class VisionModels
{
    /// <summary>Adds them to a catalog.</summary>
    public static ModelCatalog AddTo(ModelCatalog catalog)
    {
        foreach (var entry in All())
        {
            catalog.Add(entry);
        }

        return catalog.Add(CtcCnn.Entry);
    }

    /// <summary>
    /// A network whose parameters have shapes but no values, for counting: nothing is allocated, and nothing can be computed with it.
    /// </summary>
    public static Network CreateWithoutValues(ModelSpec spec, DatasetInfo data) => Layers.WithoutValues(() => spec.Create(data));

    private static IEnumerable<ModelEntry> All() =>
    [
        .. ResNets(), .. WideResNets(), .. Vggs(), .. MobileNets(), .. ShuffleNets(), .. Transformers(),
    ];

    private static IEnumerable<ModelEntry> ResNets() =>
    [
        ResNet.Family.Entry,
        .. ResNetOptions.Depths.Select(depth => ResNet.Family.Named($"resnet{depth}", $"Residual network of {depth} layers for ImageNet.", new ResNetOptions { Depth = depth })),
        .. new[] { 50, 101 }.Select(depth => (ResNet.Family with { Paper = WideResNet.Family.Paper }).Named(
            $"wide_resnet{depth}_2", $"Residual network of {depth} layers for ImageNet, twice as wide within its blocks.", new ResNetOptions { Depth = depth, InnerMultiplier = 2 })),
    ];

    private static IEnumerable<ModelEntry> WideResNets() =>
    [
        WideResNet.Family.Entry,
        .. new[] { (16, 1), (16, 2), (40, 1), (40, 2), (28, 10) }.Select(size => WideResNet.Family.Named(
            $"wrn_{size.Item1}_{size.Item2}",
            $"Wide residual network of {size.Item1} layers, {size.Item2} times as wide, for small images.",
            new WideResNetOptions { Depth = size.Item1, WidthMultiplier = size.Item2 })),
    ];

    private static IEnumerable<ModelEntry> Vggs() =>
    [
        CifarVgg.Family.Entry,
        .. VggStages.Depths.Select(depth => CifarVgg.Family.Named($"cifar_vgg{depth}", $"VGG of {depth} layers for small images.", new CifarVggOptions { Depth = depth })),
        Vgg.Family.Entry,
        .. VggStages.ImageNetDepths.SelectMany(depth => new[]
        {
            Vgg.Family.Named($"vgg{depth}", $"VGG of {depth} layers for ImageNet, without batch-norm.", new VggOptions { Depth = depth, BatchNorm = false }),
            Vgg.Family.Named($"vgg{depth}_bn", $"VGG of {depth} layers for ImageNet.", new VggOptions { Depth = depth }),
        }),
    ];

    private static IEnumerable<ModelEntry> MobileNets() =>
    [
        MobileNetV1.Family.Entry,
        MobileNetV1.Family.Named("mobilenet_v1_x1_0", "MobileNet V1 for ImageNet.", new MobileNetV1Options()),
        MobileNetV1.Family.Named("mobilenet_v1_x0_5", "MobileNet V1 for ImageNet, half as wide.", new MobileNetV1Options { WidthMultiplier = 0.5 }),
        MobileNetV2.Family.Entry,
        MobileNetV2.Family.Named("mobilenet_v2_x1_0", "MobileNet V2 for ImageNet.", new MobileNetV2Options()),
        CifarMobileNetV2.Family.Entry,
        CifarMobileNetV2.Family.Named("cifar_mobilenet_v2_x0_5", "MobileNet V2 for small images, half as wide, the student of distillation papers.", new CifarMobileNetV2Options()),
        MobileNetV3.Family.Entry,
        MobileNetV3.Family.Named("mobilenet_v3_small", "MobileNet V3 for ImageNet, the small one.", new MobileNetV3Options()),
        MobileNetV3.Family.Named("mobilenet_v3_large", "MobileNet V3 for ImageNet, the large one.", new MobileNetV3Options { Size = "large" }),
        MobileNetV3.Family.Named("cifar_mobilenet_v3_small", "MobileNet V3 for small images, the small one.", new MobileNetV3Options { StemStride = 1 }),
        MobileNetV3.Family.Named("cifar_mobilenet_v3_large", "MobileNet V3 for small images, the large one.", new MobileNetV3Options { Size = "large", StemStride = 1 }),
    ];

    private static IEnumerable<ModelEntry> ShuffleNets() =>
    [
        CifarShuffleNetV1.Family.Entry,
        CifarShuffleNetV1.Family.Named("cifar_shufflenet_v1_x1_0", "ShuffleNet V1 for small images, the student of distillation papers.", new CifarShuffleNetV1Options()),
        ShuffleNetV1.Family.Entry,
        .. new[] { ("x0_5", 0.5), ("x1_0", 1), ("x1_5", 1.5), ("x2_0", 2) }.Select(width =>
            ShuffleNetV1.Family.Named($"shufflenet_v1_{width.Item1}", "ShuffleNet V1 for ImageNet, with three groups.", new ShuffleNetV1Options { Width = width.Item2 })),
        .. new[] { ("x0_5", 0.5), ("x1_0", 1), ("x1_5", 1.5), ("x2_0", 2) }.Select(width =>
            ShuffleNetV1.Family.Named($"shufflenet_v1_g8_{width.Item1}", "ShuffleNet V1 for ImageNet, with eight groups.", new ShuffleNetV1Options { Width = width.Item2, Groups = 8 })),
        ShuffleNetV2.Family.Entry,
        .. new[] { ("x0_5", 0.5), ("x1_0", 1), ("x1_5", 1.5), ("x2_0", 2) }.Select(width =>
            ShuffleNetV2.Family.Named($"shufflenet_v2_{width.Item1}", "ShuffleNet V2 for ImageNet.", new ShuffleNetV2Options { Width = width.Item2 })),
        CifarShuffleNetV2.Family.Entry,
        CifarShuffleNetV2.Family.Named("cifar_shufflenet_v2_x0_5", "ShuffleNet V2 for small images, half as wide.", new CifarShuffleNetV2Options { Width = 0.5 }),
        CifarShuffleNetV2.Family.Named("cifar_shufflenet_v2_x1_0", "ShuffleNet V2 for small images, the student of distillation papers.", new CifarShuffleNetV2Options()),
    ];

    private static IEnumerable<ModelEntry> Transformers() =>
    [
        VisionTransformer.Family.Entry,
        VisionTransformer.Family.Named("vit_b_16", "Vision Transformer for ImageNet, base, patches of 16 pixels.", new VisionTransformerOptions()),
        VisionTransformer.Family.Named("vit_b_32", "Vision Transformer for ImageNet, base, patches of 32 pixels.", new VisionTransformerOptions { PatchSize = 32 }),
        VisionTransformer.Family.Named("vit_l_16", "Vision Transformer for ImageNet, large, patches of 16 pixels.", Large(16)),
        VisionTransformer.Family.Named("vit_l_32", "Vision Transformer for ImageNet, large, patches of 32 pixels.", Large(32)),
        VisionTransformer.Family.Named(
            "vit_h_14",
            "Vision Transformer for ImageNet, huge, patches of 14 pixels; more than fits into one ONNX file.",
            new VisionTransformerOptions { PatchSize = 14, Width = 1280, Depth = 32, Heads = 16, MlpWidth = 5120 }),
        DistilledTransformer.Family.Entry,
        DistilledTransformer.Family.Named("deit_tiny_distilled_patch16_224", "DeiT for ImageNet, tiny, with the distillation token.", new DistilledTransformerOptions()),
        DistilledTransformer.Family.Named("deit_small_distilled_patch16_224", "DeiT for ImageNet, small, with the distillation token.", new DistilledTransformerOptions { Width = 384, Heads = 6 }),
        DistilledTransformer.Family.Named("deit_base_distilled_patch16_224", "DeiT for ImageNet, base, with the distillation token.", new DistilledTransformerOptions { Width = 768, Heads = 12 }),
    ];

    private static VisionTransformerOptions Large(int patchSize) => new() { PatchSize = patchSize, Width = 1024, Depth = 24, Heads = 16, MlpWidth = 4096 };
}
