using DistillSharp.Doctor;
using DistillSharp.Export;
using DistillSharp.Recipes;
using DistillSharp.RunLog;
using DistillSharp.Runs;

namespace DistillSharp.Tests.Doctor;

/// <summary>The doctor within runs.</summary>
[Collection(nameof(TorchGenerator))]
public sealed class RunDoctorTests : IDisposable
{
    private const string Common =
        """
        data: {dataset: digits, train_samples: 200}
        student: {model: mlp, widths: [16]}
        objective: {hard_labels: 0.1, terms: [{method: soft_target, weight: 0.9}]}
        training: {epochs: 4, batch_size: 20}
        evaluation: {latency: false}
        seeds: [0]

        """;

    private const string Sound = Common + "teacher: {model: mlp, widths: [32], training: {epochs: 20}}\n";

    private const string Untrained = Common + "teacher: {model: mlp, widths: [32], training: {epochs: 1, learning_rate: 0.00001}}\n";

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Run_WithAndWithoutTheDoctor_EndsWithTheSameBits()
    {
        var (with, events) = Start(Sound, doctor: true, "with");
        var (without, _) = Start(Sound, doctor: false, "without");

        foreach (var arm in new[] { "teacher", "plain", "soft_target" })
        {
            Assert.Equal(Weights(without, arm), Weights(with, arm));
        }

        var notes = events.OfType<NoteLogged>().Select(note => note.Message).ToList();
        var postponed = notes.FindIndex(note => note.StartsWith("doctor: teacher: teacher is right on", StringComparison.Ordinal));
        Assert.InRange(postponed, 1, notes.Count - 1);
        Assert.Contains(notes, note => note.StartsWith("doctor: student: the plain student is right on", StringComparison.Ordinal));
        Assert.True(File.Exists(with.DoctorFile));
        Assert.False(File.Exists(without.DoctorFile));
    }

    [Fact]
    public void Run_TeacherThatLearnedNothing_StopsBeforeTheFirstStudentAndGoesOnWithoutTheDoctor()
    {
        var error = Assert.Throws<DoctorFaultException>(() => Start(Untrained, doctor: true, "stops"));

        Assert.Equal("teacher_accuracy", error.Faults[0].Check);
        Assert.Contains("--skip-doctor", error.Message, StringComparison.Ordinal);
        var directory = new RunDirectory(_folder.File("stops"));
        Assert.True(File.Exists(directory.WeightsFile("teacher", 0)));
        Assert.False(File.Exists(directory.WeightsFile("soft_target", 0)));

        // Resumed, it says so again; and goes on where it is told to.
        Assert.Throws<DoctorFaultException>(() => Continue(Untrained, directory, doctor: true));
        Continue(Untrained, directory, doctor: false);
        Assert.True(File.Exists(directory.WeightsFile("soft_target", 0)));
    }

    private (RunDirectory Directory, List<RunEvent> Events) Start(string text, bool doctor, string name)
    {
        var directory = new RunDirectory(_folder.File(name));
        Experiment.Prepare(Read(text), directory);
        return (directory, Continue(text, directory, doctor));
    }

    private List<RunEvent> Continue(string text, RunDirectory directory, bool doctor)
    {
        var sink = new RecordingSink();
        new Experiment(Read(text), directory, sink, new ExperimentOptions { Doctor = doctor }).Run(TestContext.Current.CancellationToken);
        return sink.Written;
    }

    private Recipe Read(string text) => RecipeReader.Read(text, "test", _folder.Path).Recipe;

    private static string Weights(RunDirectory directory, string arm)
    {
        using var file = new SafetensorsFile(directory.WeightsFile(arm, 0));
        return WeightsHash.Of(file);
    }
}
