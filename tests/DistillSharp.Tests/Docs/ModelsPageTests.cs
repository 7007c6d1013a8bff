using System.Globalization;
using System.Text;
using DistillSharp.Export;
using DistillSharp.Models;
using DistillSharp.Recipes;
using DistillSharp.Tests.Models;
using DistillSharp.Tests.Vision.Models;
using static TorchSharp.torch;

namespace DistillSharp.Tests.Docs;

/// <summary>docs/models.md: figures of every named network, from the networks themselves.</summary>
public sealed class ModelsPageTests
{
    [Fact]
    public void Figures_EveryNamedNetwork_AreThoseOfTheCode()
    {
        using var scope = NewDisposeScope();
        var text = new StringBuilder("\n| model | for | parameters | multiply-adds | source |\n|---|---|---|---|---|\n");
        foreach (var entry in Catalogs.Default().Models.Entries.Where(entry => entry.OptionsType == typeof(NamedModelOptions)))
        {
            var imageNet = entry.Summary.Contains("ImageNet", StringComparison.Ordinal);
            var data = imageNet ? SampleData.Images(3, 224, 1000) : SampleData.Images(3, 32, 100);
            using var network = VisionModelFigures.WithoutValues(new ModelSpec(entry, new NamedModelOptions()), data);
            var parameters = network.parameters().Sum(parameter => parameter.numel());
            text.Append(CultureInfo.InvariantCulture, $"| `{entry.Name}` | {(imageNet ? "ImageNet" : "small images")} | {parameters:N0} | {MacCounter.Count(network, data) / 1e6:N1} M | {entry.Paper} |\n");
        }

        Documents.AssertGenerated("docs/models.md", "<!-- figures: generated -->", "<!-- figures: end -->", text.Append('\n').ToString());
    }
}
