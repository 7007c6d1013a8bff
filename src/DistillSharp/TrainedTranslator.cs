using DistillSharp.Config;
using DistillSharp.Data;
using DistillSharp.Export;
using DistillSharp.Models;
using DistillSharp.Recipes;
using DistillSharp.Runs;
using DistillSharp.Sequences;
using DistillSharp.Text.Corpora;
using DistillSharp.Text.Models;
using DistillSharp.Text.Translation;

namespace DistillSharp;

/// <summary>A translation model that a run has trained, as it lies in the run directory: its data is not needed.</summary>
public sealed class TrainedTranslator : IDisposable
{
    private readonly IDisposable _model;

    private TrainedTranslator(IDisposable model, OpenStepModel open, TextCodec codec, int mostWords) => (_model, Open, Codec, MostWords) = (model, open, codec, mostWords);

    /// <summary>The model.</summary>
    public OpenStepModel Open { get; }

    /// <summary>Its subwords.</summary>
    public TextCodec Codec { get; }

    /// <summary>Most words that it should read at once: what the sentences of its training may have, and at most <see cref="LineTranslator.LongestPart"/>.</summary>
    public int MostWords { get; }

    /// <summary>Loads the network of an arm.</summary>
    /// <param name="directory">The run.</param>
    /// <param name="recipe">Its recipe.</param>
    /// <param name="arm">Arm; the exported one where null.</param>
    /// <param name="seed">Seed; where null that of the exported student for its arm, and the first for others.</param>
    /// <param name="onnx">True for the ONNX pair in ONNX Runtime, false for libtorch.</param>
    /// <param name="threads">Threads within one operation.</param>
    /// <exception cref="ArgumentException">There is no such arm, or it does not translate.</exception>
    /// <exception cref="FileNotFoundException">It has not finished, or was not exported.</exception>
    /// <exception cref="InvalidDataException">The vocabulary is not the one it was trained with.</exception>
    public static TrainedTranslator Load(RunDirectory directory, Recipe recipe, string? arm, int? seed, bool onnx, int threads = 1)
    {
        var arms = Arms.Of(recipe);
        var name = arm ?? Arms.Exported(recipe);
        var plan = arms.FirstOrDefault(each => each.Name == name)
            ?? throw new ArgumentException($"the run has no arm `{name}`; {NearestName.Hint(name, arms.Select(each => each.Name))}");
        if (plan.Model?.Options is not TransformerOptions)
        {
            throw new ArgumentException($"the arm {name} does not translate; it is {plan.Model?.Entry.Name ?? "no network of this run"}");
        }

        var isExported = seed is null && name == Arms.Exported(recipe) && File.Exists(directory.StudentFile);
        var weights = isExported ? directory.StudentFile : directory.WeightsFile(name, seed ?? plan.Seeds[0]);
        foreach (var file in onnx ? [TranslationFiles.Encoder(weights), TranslationFiles.DecoderStep(weights)] : new[] { weights })
        {
            if (!File.Exists(file))
            {
                throw new FileNotFoundException($"{name} has no {Path.GetFileName(file)} yet ({file})");
            }
        }

        var mostWords = recipe.Dataset.Options is PairFilterOptions pairs ? Math.Min(LineTranslator.LongestPart, pairs.MaxWords) : LineTranslator.LongestPart;
        return onnx ? LoadOnnx(weights, threads, mostWords) : LoadNetwork(weights, plan.Model, threads, mostWords);
    }

    /// <summary>A translator of sentences.</summary>
    public SentenceTranslator Translator(DecodingOptions options) => new(Open, Codec, options);

    /// <inheritdoc/>
    public void Dispose() => _model.Dispose();

    private static TrainedTranslator LoadOnnx(string weights, int threads, int mostWords)
    {
        var model = new OnnxTranslationModel(TranslationFiles.Encoder(weights), TranslationFiles.DecoderStep(weights), threads);
        var codec = TranslationFiles.Vocabulary(Path.GetDirectoryName(weights)!, model.VocabularySha256, TranslationFiles.Encoder(weights));
        return new TrainedTranslator(model, model.Open, codec, mostWords);
    }

    private static TrainedTranslator LoadNetwork(string weights, ModelSpec spec, int threads, int mostWords)
    {
        TorchRuntime.Configure(threads);
        using var file = new SafetensorsFile(weights);
        var codec = TranslationFiles.Vocabulary(Path.GetDirectoryName(weights)!, file.Metadata.GetValueOrDefault(TranslationFiles.VocabularySha256), weights);
        var network = (TransformerModel)spec.Create(new DatasetInfo("text", [], []) { Sequence = codec.Tokens });
        Safetensors.LoadInto(network, weights);
        network.eval();
        return new TrainedTranslator(network, network.OpenSteps, codec, mostWords);
    }
}
