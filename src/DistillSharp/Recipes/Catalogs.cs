using DistillSharp.Data;
using DistillSharp.Evaluation;
using DistillSharp.Methods;
using DistillSharp.Models;
using DistillSharp.Speech.Corpora;
using DistillSharp.Speech.Models;
using DistillSharp.Speech.Recognition;
using DistillSharp.Text.Corpora;
using DistillSharp.Text.Metrics;
using DistillSharp.Text.Models;
using DistillSharp.Vision;
using DistillSharp.Vision.Models;

namespace DistillSharp.Recipes;

/// <summary>Everything that recipes can name. Plugins add to these.</summary>
public sealed record Catalogs(DatasetCatalog Datasets, ModelCatalog Models, MethodCatalog Methods)
{
    /// <summary>Every metric that results can hold, with heading, unit and direction.</summary>
    public MetricCatalog Metrics { get; init; } = SpeechMetrics.AddTo(TextMetrics.AddTo(MetricCatalog.Default()));

    /// <summary>Fresh catalogs with everything in this library.</summary>
    public static Catalogs Default() => new(SpeechDatasets.AddTo(TextDatasets.AddTo(VisionDatasets.AddTo(DatasetCatalog.Default()))), SpeechModels.AddTo(TextModels.AddTo(VisionModels.AddTo(ModelCatalog.Default()))), MethodCatalog.Default());
}

/// <summary>
/// What a plugin assembly implements, with a public parameterless constructor: it adds models, datasets or methods of its own
/// under names that recipes then use (docs/plugins.md).
/// </summary>
public interface IDistillPlugin
{
    /// <summary>Adds to the catalogs; called once, before the recipe is read.</summary>
    void Register(Catalogs catalogs);
}
