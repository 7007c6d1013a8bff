using DistillSharp.Config;
using DistillSharp.Models;
using static TorchSharp.torch;

namespace DistillSharp.Tests.Models;

public sealed class ModelCatalogTests
{
    public static TheoryData<string> Names => [.. ModelCatalog.Default().Entries.Select(entry => entry.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void Create_SmallImages_MakesLogitsAndListsItsFeatures(string name)
    {
        using var scope = NewDisposeScope();
        var entry = ModelCatalog.Default().Find(name)!;
        var options = Activator.CreateInstance(entry.OptionsType)!;
        var network = (SingleInputNetwork)entry.Create(options, SampleData.Images(1, 8, 10));
        network.eval();
        using var noGradient = no_grad();

        Assert.Equal([3L, 10L], network.forward(randn(3, 1, 8, 8)).shape);
        Assert.Equal(entry.FeatureNames(options), network.FeaturePoints.Select(point => point.Name));
        Assert.Equal("logits", network.FeaturePoints[^1].Name);
        var modules = network.named_modules().Select(module => module.name).ToHashSet();
        Assert.All(network.FeaturePoints, point => Assert.Contains(point.ModulePath, modules));
        Assert.Equal(10, ((TorchSharp.Modules.Linear)network.named_modules().Single(module => module.name == network.ClassifierPath).module).out_features);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void FeatureNames_EveryModel_AreUnique(string name)
    {
        var entry = ModelCatalog.Default().Find(name)!;
        var names = entry.FeatureNames(Activator.CreateInstance(entry.OptionsType)!);
        Assert.Equal(names.Count, names.Distinct().Count());
        Assert.Contains("penultimate", names);
    }

    [Fact]
    public void Read_FaultyOptions_ReportsEachWithItsPath()
    {
        var errors = new ConfigErrors();
        var node = YamlConfig.Parse("""
            model: cifar_resnet
            depth: 21
            width_multiplyer: 2
            """, errors)!;
        ModelCatalog.Default().Read(node, new ConfigBinder(errors));
        Assert.Collection(
            errors.All.OrderBy(error => error.Path),
            error => Assert.Equal("depth", error.Path),
            error => Assert.Contains("width_multiplier", error.Message));
    }

    [Fact]
    public void Create_VectorsForAConvolutionalNetwork_SaysWhatItNeeds()
    {
        var catalog = ModelCatalog.Default();
        foreach (var name in new[] { "small_cnn", "resnet20" })
        {
            var entry = catalog.Find(name)!;
            var error = Assert.Throws<ArgumentException>(() => entry.Create(Activator.CreateInstance(entry.OptionsType)!, SampleData.Vectors(64, 10)));
            Assert.Contains("[64]", error.Message);
        }
    }
}
