using System.Text.Json;
using DistillSharp.Data;
using DistillSharp.Doctor;
using DistillSharp.Export;
using DistillSharp.Models;
using DistillSharp.Recipes;
using DistillSharp.Training;
using static TorchSharp.torch;

namespace DistillSharp.Tests.Doctor;

/// <summary>A teacher of the digits that is right on nearly all of them, and recipes in which something is wrong with it.</summary>
public sealed class DoctorFixture : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly DataSplits _splits;

    public DoctorFixture()
    {
        TorchRuntime.Configure(1);
        var pair = Digits.Load();
        _splits = DataSplits.Create(pair.Train, pair.Test, 0.1, 0);
        Train("teacher.safetensors", 0);
    }

    /// <summary>The folder of its files, where relative paths of recipes start.</summary>
    public string Folder => _folder.Path;

    /// <summary>Trains a teacher with label smoothing; every teacher has the widths [64].</summary>
    public void Train(string file, double smoothing, int epochs = 40)
    {
        random.manual_seed(3);
        using var network = New();
        new Distiller(_splits.Train, _splits.Validation).Train(network, new TrainingOptions { Epochs = epochs, BatchSize = 32, LearningRate = 0.05, LabelSmoothing = smoothing });
        Write(network, file);
    }

    /// <summary>The teacher with something changed, as another file.</summary>
    public void Change(string file, Action<Network> change, Dictionary<string, string>? metadata = null)
    {
        using var network = New();
        Safetensors.LoadInto(network, _folder.File("teacher.safetensors"));
        using (no_grad())
        {
            change(network);
        }

        Write(network, file, metadata);
    }

    /// <summary>The findings on a recipe whose teacher is a file of this fixture.</summary>
    internal DoctorReport Examine(string teacher, string rest = "", params string[] overrides) => ExamineText(Text(teacher, rest), overrides);

    internal static string Text(string teacher, string rest = "") =>
        $$"""
        data: {dataset: digits}
        teacher: {model: mlp, widths: [64], weights: {{teacher}}}
        student: {model: mlp, widths: [32]}
        objective: {hard_labels: 0.1, terms: [{method: soft_target, temperature: 4, weight: 0.9}]}
        training: {epochs: 30, batch_size: 32}
        seeds: [0]
        """ + "\n" + rest;

    /// <summary>The findings on a recipe.</summary>
    internal DoctorReport ExamineText(string text, params string[] overrides) => RecipeDoctor.Examine(Read(text, overrides));

    /// <summary>A recipe whose paths start here.</summary>
    internal Recipe Read(string text, params string[] overrides) => RecipeReader.Read(text, "test", Folder, overrides, Catalogs()).Recipe;

    /// <summary>Writes weights of any network.</summary>
    internal void Write(Network network, string file, Dictionary<string, string>? metadata = null) => WriteFile(network, file, metadata);

    private static Catalogs Catalogs()
    {
        var catalogs = DistillSharp.Recipes.Catalogs.Default();
        catalogs.Models.Add(new ModelEntry("always_training", "", "", typeof(NamedModelOptions), _ => [], (_, data) => new AlwaysTraining(data)));
        return catalogs;
    }

    public void Dispose() => _folder.Dispose();

    private static Mlp New() => new(new MlpOptions { Widths = [64] }, Digits.Info);

    private void WriteFile(Network network, string file, Dictionary<string, string>? metadata)
    {
        var normalisation = Normalisation.Of(_splits.Train);
        var complete = new Dictionary<string, string>
        {
            [Provenance.Classes] = JsonSerializer.Serialize(Digits.Info.Classes),
            [Provenance.Mean] = JsonSerializer.Serialize(normalisation.Mean),
            [Provenance.Deviation] = JsonSerializer.Serialize(normalisation.Deviation),
        };
        foreach (var (key, value) in metadata ?? [])
        {
            complete[key] = value;
        }

        Provenance.WriteWeights(_folder.File(file), network, complete);
    }
}
