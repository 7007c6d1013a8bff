using DistillSharp.Config;
using DistillSharp.Recipes;
using DistillSharp.RunLog;
using DistillSharp.Runs;

namespace DistillSharp.Tests.Recipes;

public sealed class PluginTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("distill-plugin").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Run_RecipeOfAPlugin_TrainsItsModelByItsMethod()
    {
        var recipe = RecipeReader.Read(RecipeText(PluginFile()), "plugin", _folder).Recipe;
        var directory = new RunDirectory(Path.Combine(_folder, "run"));
        Experiment.Prepare(recipe, directory);
        var events = new CollectingSink();
        var results = new Experiment(recipe, directory, events).Run(TestContext.Current.CancellationToken);

        Assert.Contains("absolute_logits", results.Arms.Select(arm => arm.Name));
        var parts = events.Written.OfType<EpochEnded>().Where(epoch => epoch.Arm == "absolute_logits").SelectMany(epoch => epoch.Parts.Keys);
        Assert.Contains("absolute_logits", parts);
        Assert.True(File.Exists(Path.Combine(directory.Path, "student.safetensors")));
    }

    [Fact]
    public void Read_OptionOutOfThePluginsRange_IsReportedAtItsPath()
    {
        var error = Assert.Throws<ConfigException>(() => RecipeReader.Read(RecipeText(PluginFile()).Replace("scale: 2", "scale: 0", StringComparison.Ordinal), "plugin", _folder));
        Assert.Contains("objective.terms[0].scale", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_PluginThatIsNotThere_IsReportedWithItsPath()
    {
        var error = Assert.Throws<ConfigException>(() => RecipeReader.Read(RecipeText("missing.dll"), "plugin", _folder));
        Assert.Contains(Path.Combine(_folder, "missing.dll"), error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Documents_PluginSnippet_EqualsTheCompiledPlugin()
    {
        var plugin = Documents.Between(Documents.Read("tests", "DistillSharp.TestPlugin", "ExamplePlugin.cs"), "#region plugin", "#endregion");
        Assert.Equal(plugin, Documents.Between(Documents.Read("docs", "plugins.md"), "```csharp", "```"));
    }

    private static string RecipeText(string plugin) =>
        $$$"""
        plugins: [{{{plugin}}}]
        data: {dataset: digits, train_samples: 100}
        teacher: {model: wide_tanh, units: 32, training: {epochs: 2}}
        student: {model: wide_tanh, units: 8}
        objective:
          name: absolute_logits
          terms:
            - {method: absolute_logits, scale: 2}
        training: {epochs: 2, batch_size: 50}
        baselines: {plain: true}
        export: {onnx: false}
        evaluation: {latency: false}
        seeds: [0]
        """;

    // …/DistillSharp.Tests/bin/Release/net10.0 → …/DistillSharp.TestPlugin/bin/Release/net10.0
    private static string PluginFile()
    {
        var output = Path.GetRelativePath(Documents.PathOf("tests", "DistillSharp.Tests"), AppContext.BaseDirectory);
        return Documents.PathOf("tests", "DistillSharp.TestPlugin", output, "DistillSharp.TestPlugin.dll");
    }

    private sealed class CollectingSink : IRunEventSink
    {
        public List<RunEvent> Written { get; } = [];

        public void Write(RunEvent runEvent) => Written.Add(runEvent);
    }
}
