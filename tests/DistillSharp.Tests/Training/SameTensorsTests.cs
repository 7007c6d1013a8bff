using System.Runtime.InteropServices;
using System.Security.Cryptography;
using DistillSharp.Data;
using DistillSharp.Models;
using DistillSharp.Teachers;
using DistillSharp.Training;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DistillSharp.Tests.Training;

/// <summary>Teacher and student see the same changed and mixed images, and the batch's keys make them again.</summary>
public class SameTensorsTests
{
    [Fact]
    public void Run_EveryChange_TeacherAndStudentSeeTheSameBits()
    {
        var pixels = new byte[12 * 3 * 8 * 8];
        new Random(2).NextBytes(pixels);
        var data = Dataset.FromBytes(new DatasetInfo("images", [3, 8, 8], ["a", "b"]), pixels, [.. Enumerable.Range(0, 12).Select(i => i % 2)], 1 / 255f);
        var augment = new AugmentOptions { ResizedCrop = new(), Flip = 0.5, ColourJitter = new() { Brightness = 0.4, Hue = 0.1 }, RandAugment = new(), RandomErasing = new(), Mixup = 0.4, Cutmix = 1 };
        var loader = new Loader(data, new LoaderOptions { BatchSize = 4, Shuffle = true, Seed = 5, Augment = augment, Normalise = Normalisation.Of(data) });
        using var student = new Watcher(data.Info);
        using var teacher = new Watcher(data.Info);
        using var live = new LiveTeacher(teacher);
        var stage = TrainingCase.Stage(new TrainingOptions { BatchSize = 4, Epochs = 2 }, TrainingCase.SoftTargetTerm());
        new TrainingCase().Run(new TrainingJob(
            "arm", 0, new ObjectivePlan(new SchemeSpec(SchemeCatalog.Offline, new NoOptions()), [stage]), student, _ => loader,
            (each, probe, source) => new OfflineTask(student, live, each, probe, source), _ => new Dictionary<string, double> { ["top1"] = 0.5 }, null));

        Assert.Equal(student.Seen.Order(), teacher.Seen.Order());
        var again = Enumerable.Range(0, 2).SelectMany(epoch => loader.Epoch(epoch, 0, TestContext.Current.CancellationToken)).Select(batch =>
        {
            using (batch)
            {
                return Hash(batch.Input);
            }
        }).ToList();
        Assert.Equal(6, again.Distinct().Count());
        Assert.All(again, hash => Assert.Contains(hash, student.Seen));
    }

    private static string Hash(Tensor input)
    {
        using var scope = NewDisposeScope();
        return Convert.ToHexString(SHA256.HashData(MemoryMarshal.AsBytes<float>(input.contiguous().data<float>().ToArray())));
    }

    private sealed class Watcher : SingleInputNetwork
    {
        private readonly Linear fc;

        public Watcher(DatasetInfo data)
            : base("watcher")
        {
            fc = nn.Linear(InputShapes.Size(data), data.Classes.Count);
            RegisterComponents();
        }

        public List<string> Seen { get; } = [];

        public override IReadOnlyList<FeaturePoint> FeaturePoints => [];

        public override Tensor forward(Tensor input)
        {
            Seen.Add(Hash(input));
            return fc.call(input.flatten(1));
        }

        public override GraphValue Describe(IGraphBuilder graph, GraphValue input) => throw new NotSupportedException("no description");
    }
}
