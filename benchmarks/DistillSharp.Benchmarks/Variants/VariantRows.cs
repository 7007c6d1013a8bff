using DistillSharp.Data;
using DistillSharp.Losses.Logits;
using DistillSharp.Losses.Sequences;
using DistillSharp.Models;
using DistillSharp.Teachers;
using DistillSharp.Vision.Models;
using static TorchSharp.torch;

namespace DistillSharp.Benchmarks.Variants;

/// <summary>Ways of doing one thing, each beside the first.</summary>
/// <param name="Name">Group.</param>
/// <param name="What">What is done.</param>
/// <param name="Ways">Ways by name; the first is what the others are compared with.</param>
/// <param name="Owned">Disposed with the group.</param>
internal sealed record VariantGroup(string Name, string What, IReadOnlyList<(string Name, Action Run)> Ways, IReadOnlyList<IDisposable> Owned);

/// <summary>What was tried.</summary>
internal static class VariantRows
{
    private const int BatchSize = 64;
    private static readonly DatasetInfo Images = new("synthetic", [3, 32, 32], [.. Enumerable.Range(0, 100).Select(i => $"class {i}")]);

    public static IReadOnlyDictionary<string, Func<int, VariantGroup>> All { get; } = new Dictionary<string, Func<int, VariantGroup>>
    {
        ["teacher"] = Teacher,
        ["student"] = _ => Student("resnet8x4", 64, Images),
        ["student-resnet20"] = _ => Student("resnet20", 64, Images),
        ["student-wrn"] = _ => Student("wrn_16_2", 64, Images),
        ["student-vgg8"] = _ => Student("cifar_vgg8", 64, Images),
        ["student-mobilenet"] = _ => Student("cifar_mobilenet_v2_x0_5", 64, Images),
        ["student-shufflenet"] = _ => Student("cifar_shufflenet_v2_x1_0", 64, Images),
        ["student-small-cnn"] = _ => Student("small_cnn", 128, new DatasetInfo("synthetic", [1, 28, 28], Images.Classes)),
        ["overlap"] = Overlap,
        ["dropout"] = Dropout,
        ["token-losses"] = _ => TokenLosses(),
        ["translation-step"] = _ => TranslationSteps.Group(),
    };

    private static VariantGroup Teacher(int threads)
    {
        var (network, last) = (Network(32), Network(32));
        var input = rand(BatchSize, 3, 32, 32);
        var inputLast = FoldedResNet.ChannelsLast(input);
        MemoryFormats.Apply(last, MemoryFormat.ChannelsLast);
        var (folded, foldedLast) = (new FoldedResNet(network, false), new FoldedResNet(network, true));
        var batch = Batch.Of(input, null, new long[BatchSize]);
        var exported = new ExportedTeacher(network, Images, threads).Open([]);
        var single = new ExportedTeacher(network, Images).Open([]);
        return new VariantGroup("teacher", "forward pass of ResNet-32×4 in evaluation mode, batch 64", [
            ("torch without gradients", () => network.forward(input)),
            ("torch in inference mode", () =>
            {
                using var inference = inference_mode();
                network.forward(input);
            }),
            ("torch, channels last", () => last.forward(inputLast)),
            ("torch, batch-norm folded into convolutions", () => folded.Logits(input)),
            ("torch, folded and channels last", () => foldedLast.Logits(inputLast)),
            ("ONNX Runtime", () => exported.Read(batch)),
            ("ONNX Runtime on one thread", () => single.Read(batch)),
        ], [network, last, folded, foldedLast, exported, single]);
    }

    private static VariantGroup Student(string model, int batchSize, DatasetInfo info)
    {
        var entry = VisionModels.AddTo(ModelCatalog.Default()).Find(model)!;
        var (network, last) = (Create(), Create());
        MemoryFormats.Apply(last, MemoryFormat.ChannelsLast);
        var input = rand([batchSize, .. info.InputShape]);
        var targets = randint(0, 100, [batchSize], ScalarType.Int64);
        return new VariantGroup("student", $"forward and backward pass of {model}, batch {batchSize}", [
            ("contiguous", () => Step(network, input, targets, null)),
            ("channels last", () => Step(last, input, targets, null)),
        ], [network, last]);

        SingleInputNetwork Create()
        {
            random.manual_seed(1);
            return (SingleInputNetwork)entry.Create(entry.OptionsType == typeof(SmallCnnOptions) ? new SmallCnnOptions() : Activator.CreateInstance(entry.OptionsType)!, info);
        }
    }

    // One after the other on all threads, or the teacher's next batch beside the student's on half of them each.
    private static VariantGroup Overlap(int threads)
    {
        var (teacher, student) = (Network(32), Network(8));
        var input = rand(BatchSize, 3, 32, 32);
        var targets = randint(0, 100, [BatchSize], ScalarType.Int64);
        var batch = Batch.Of(input, null, new long[BatchSize]);
        var half = Math.Max(1, threads / 2);
        var (whole, part) = (new ExportedTeacher(teacher, Images, threads).Open([]), new ExportedTeacher(teacher, Images, half).Open([]));
        var next = Read(part, batch);
        return new VariantGroup("overlap", "distillation step ResNet-32×4 → 8×4 with the teacher in ONNX Runtime, batch 64", [
            ($"teacher, then student, on {threads} threads each", () =>
            {
                using var logits = Read(whole, batch);
                Step(student, input, targets, logits);
            }),
            ($"next batch's teacher beside the student, on {half} each", () =>
            {
                var running = Task.Run(() => Read(part, batch));
                set_num_threads(half);
                Step(student, input, targets, next);
                set_num_threads(threads);
                next.Dispose();
                next = running.GetAwaiter().GetResult();
            }),
        ], [teacher, student, whole, part]);
    }

    private static VariantGroup Dropout(int threads)
    {
        var input = rand(128, 800).requires_grad_();
        var (own, libtorch) = (new InvertedDropout(0.5), nn.Dropout(0.5));
        Action Passes(nn.Module<Tensor, Tensor> dropout) => () =>
        {
            dropout.call(input).sum().backward();
            input.grad = null;
        };
        return new VariantGroup("dropout", "forward and backward pass of dropout on 128×800 values", [("libtorch's", Passes(libtorch)), ("ours", Passes(own))], [own, libtorch]);
    }

    // As many rows as a batch of 1000 tokens has, over a vocabulary of 8000.
    private static VariantGroup TokenLosses()
    {
        var (logits, teacher, labels) = (randn(850, 8000).requires_grad_(), randn(850, 8000), randint(0, 8000, [850]));
        Action Passes(Func<Tensor> loss) => () =>
        {
            using var enabled = enable_grad();
            loss().backward();
            logits.grad = null;
        };
        return new VariantGroup("token-losses", "forward and backward pass of losses on 850×8000 logits", [
            ("cross-entropy, libtorch's", Passes(() => nn.functional.cross_entropy(logits, labels, reduction: nn.Reduction.Sum, label_smoothing: 0.1))),
            ("cross-entropy, a row at a time", Passes(() => HardLabels.CrossEntropy(logits, labels, 0.1).Sum)),
            ("soft targets, libtorch's", Passes(() => SoftTargetLoss.Compute(logits, teacher, 1).Sum)),
            ("soft targets, a row at a time", Passes(() => TokenLoss.SoftTarget(logits, teacher, null, 1).Sum)),
        ], [logits, teacher, labels]);
    }

    private static Tensor Read(Signals.ISignalSource source, Batch batch)
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        return source.Read(batch).Logits.Value.DetachFromDisposeScope();
    }

    private static void Step(SingleInputNetwork student, Tensor input, Tensor targets, Tensor? teacher)
    {
        using var enabled = enable_grad();
        student.train();
        student.zero_grad();
        var logits = student.forward(input);
        var loss = nn.functional.cross_entropy(logits, targets);
        if (teacher is not null)
        {
            loss += nn.functional.kl_div((logits / 4).log_softmax(-1), (teacher / 4).log_softmax(-1), log_target: true, reduction: nn.Reduction.Sum) * (16.0 / BatchSize);
        }

        loss.backward();
    }

    private static CifarResNet Network(int depth)
    {
        random.manual_seed(1);
        var network = new CifarResNet(new CifarResNetOptions { Depth = depth, WidthMultiplier = 4 }, Images);
        network.eval();
        return network;
    }
}
