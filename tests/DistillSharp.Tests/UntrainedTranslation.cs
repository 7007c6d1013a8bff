using DistillSharp.Export;
using DistillSharp.Recipes;
using DistillSharp.Runs;
using TorchSharp;

namespace DistillSharp.Tests;

/// <summary>The directory of a translation run with an exported student that has learned nothing, and without any job.</summary>
internal static class UntrainedTranslation
{
    /// <summary>Most words of the pairs.</summary>
    public const int MostWords = 12;

    private const string Text = """
        data: {dataset: toy_phrases, pairs: 300, vocabulary: 520, validation_pairs: 5, test_pairs: 5, max_words: 12}
        student: {model: transformer, width: 8, heads: 2, encoder_layers: 1, decoder_layers: 1}
        objectives: {again: {terms: []}, more: {terms: []}}
        baselines: {plain: true}
        training: {epochs: 1, batch_tokens: 200, optimizer: adam, learning_rate: 0.003}
        evaluation: {beam: 1, latency: false}
        seeds: [0, 1]
        """;

    /// <summary>Writes it.</summary>
    public static (Recipe Recipe, RunDirectory Directory) Write(string path)
    {
        var recipe = RecipeReader.Read(Text, "toy", Path.GetDirectoryName(path)!).Recipe;
        var directory = new RunDirectory(path);
        Experiment.Prepare(recipe, directory);
        var data = RunData.Load(recipe, null);
        var networks = new ArmNetworks(Arms.Of(recipe), directory, data, torch.CPU, 1);
        var exported = networks.Find(Arms.Exported(recipe));
        using var network = networks.Create(exported, 0);
        var metadata = new Dictionary<string, string>();
        data.Accompany(directory.StudentFile, exported.Model!, metadata);
        Provenance.WriteWeights(directory.StudentFile, network, metadata);
        return (recipe, directory);
    }
}
