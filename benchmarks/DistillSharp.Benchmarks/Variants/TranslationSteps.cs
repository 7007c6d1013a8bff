using DistillSharp.Benchmarks.Speed;
using DistillSharp.Data;
using DistillSharp.Methods;
using DistillSharp.Methods.Sequences;
using DistillSharp.Teachers;
using DistillSharp.Teachers.Store;
using DistillSharp.Text.Models;
using DistillSharp.Text.Translation;
using DistillSharp.Training;
using static TorchSharp.torch;

namespace DistillSharp.Benchmarks.Variants;

/// <summary>Training steps of a student that translates: alone, and word by word from a teacher that runs or whose words are stored.</summary>
internal static class TranslationSteps
{
    private const int Vocabulary = 8000;
    private const int Sentences = 400;

    private static readonly DatasetInfo Info = new("synthetic", [], []) { Sequence = new SequenceInfo(Vocabulary, 0, 1, 2, "synthetic") };

    public static VariantGroup Group()
    {
        var (folder, pairs) = (new TemporaryFolder(), Pairs());
        var batches = new ParallelBatches(Info, pairs, new ParallelBatchOptions { BatchTokens = 1000, Shuffle = true });
        var teacher = Network(256, 4);
        foreach (var parameter in teacher.parameters())
        {
            parameter.requires_grad = false;
        }

        var whole = new ParallelBatches(Info, pairs, new ParallelBatchOptions { BatchSize = 64 });
        SequenceStoreTeacher Stored(string name, StoreOptions options) =>
            new(new LiveTeacher(teacher), new SequenceStoreSource(options with { Path = Path.Combine(folder.Path, name) }, new Dictionary<string, string>(), whole));
        var owned = new List<IDisposable> { folder, teacher };
        (string, Action) Way(string name, Teacher? taught)
        {
            var student = new Step(batches, taught);
            owned.Insert(0, student);
            return (name, student.Run);
        }

        return new VariantGroup("translation-step", "training step of a transformer of width 128 with 4+1 layers on 1000 tokens of a vocabulary of 8000", [
            Way("without a teacher", null),
            Way("soft targets of a teacher of width 256 with 4+4 layers", new LiveTeacher(teacher)),
            Way("its 16 largest logits and their tail from a store", Stored("top", new StoreOptions { TopK = 16 })),
            Way("32 draws of it from a store", Stored("draws", new StoreOptions { Samples = 32 })),
        ], owned);
    }

    // Numbers like those of short sentences; what they say does not matter to time.
    private static List<EncodedPair> Pairs()
    {
        var random = new Random(1);
        int[] Side(int length) => [.. Enumerable.Range(0, length).Select(_ => 3 + random.Next(Vocabulary - 3)), 2];
        return [.. Enumerable.Range(0, Sentences).Select(_ => 6 + random.Next(16)).Select(length => new EncodedPair(Side(length), Side(length + random.Next(4))))];
    }

    private static TransformerModel Network(int width, int decoderLayers) =>
        new(new TransformerOptions { Width = width, EncoderLayers = 4, DecoderLayers = decoderLayers }, Info);

    private sealed class Step : IDisposable
    {
        private readonly TransformerModel _student = Network(128, 1);
        private readonly List<Batch> _batches;
        private readonly OfflineTask _task;
        private readonly Optimizer _optimizer;
        private int _next;

        public Step(ParallelBatches batches, Teacher? teacher)
        {
            var training = new TrainingOptions { Optimizer = OptimizerKind.Adam, LearningRate = 1e-4, LabelSmoothing = 0.1, ClipNorm = 1, CacheTeacher = false };
            MethodPlan[] terms = teacher is null ? [] : [new MethodPlan(TokenSoftTargetMethod.Entry, new TokenSoftTargetOptions(), 0.5, [], [], "token_soft_target")];
            _batches = [.. batches.Epoch(0)];
            _task = new OfflineTask(_student, teacher, new StagePlan("main", teacher is null ? 1 : 0.5, terms, null, training), _batches[0], batches);
            _optimizer = new Optimizer(_task.TrainedParameters, training);
            _task.Train(true);
        }

        public void Run()
        {
            using var scope = NewDisposeScope();
            using var gradients = enable_grad();
            var parts = _task.Compute(_batches[_next++ % _batches.Count], new Config.Progress(0, 1));
            parts.Select(part => part.Term.Mean * part.Weight).Aggregate((sum, part) => sum + part).backward();
            _optimizer.ClipNorm(1);
            _optimizer.Step(1e-4);
        }

        public void Dispose()
        {
            _optimizer.Dispose();
            _task.Dispose();
            _student.Dispose();
            _batches.ForEach(batch => batch.Dispose());
        }
    }
}
