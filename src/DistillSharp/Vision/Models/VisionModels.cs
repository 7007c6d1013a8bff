using DistillSharp.Data;
using DistillSharp.Models;

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

        return catalog;
    }

    /// <summary>
    /// A network whose parameters have shapes but no values, for counting: nothing is allocated, and nothing can be computed with it.
    /// </summary>
    public static Network CreateWithoutValues(ModelSpec spec, DatasetInfo data) => Layers.WithoutValues(() => spec.Create(data));

    private static IEnumerable<ModelEntry> All() =>
    [
        .. ResNets(), .. WideResNets(), .. Vggs(),
    ];

    private static IEnumerable<ModelEntry> ResNets() =>
    [
        ResNet.Family.Entry,
        .. ResNetOptions.Depths.Select(depth => ResNet.Family.Named($"resnet{depth}", $"Residual network of {depth} layers for ImageNet.", new ResNetOptions { Depth = depth })),
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
}
