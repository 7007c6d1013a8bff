using DistillSharp.Data;
using DistillSharp.Signals;
using DistillSharp.Teachers;
using DistillSharp.Teachers.Store;
using DistillSharp.Tests.Training;
using static TorchSharp.torch;

namespace DistillSharp.Tests.Teachers.Store;

/// <summary>A store in front of a teacher: it asks once, refuses what does not fit, and teaches alone.</summary>
public sealed class StoreTeacherTests : IDisposable
{
    private readonly StoreCase _case = new(count: 300, views: 3);

    public void Dispose() => _case.Dispose();

    [Fact]
    public void Read_ViewsOfTwoSeeds_AskTheTeacherOncePerSampleAndView()
    {
        using var scope = NewDisposeScope();
        var counting = new CountingTeacher(new LiveTeacher(_case.Network));
        _case.Features = ["layer1"];
        using var live = new LiveTeacher(_case.Network).Open(["layer1"]);
        using var teacher = _case.Teacher(counting);
        using (var source = teacher.Open(["layer1"]))
        {
            for (var epoch = 0; epoch < 4; epoch++)
            {
                Compare(source, _case.View(3, seed: 1), epoch);
            }

            Assert.Equal(3 * 300, counting.Samples);
            Compare(source, _case.View(3, seed: 2), 1);
            Assert.Equal(3 * 300, counting.Samples);
        }

        void Compare(ISignalSource source, Loader loader, int epoch)
        {
            foreach (var batch in loader.Epoch(epoch, 0, TestContext.Current.CancellationToken))
            {
                using (batch)
                {
                    var (stored, computed) = (source.Read(batch), live.Read(batch));
                    Assert.True(stored.Logits.Value.allclose(computed.Logits.Value, 1e-5, 1e-6));
                    Assert.True(stored.Features["layer1"].Value.allclose(computed.Features["layer1"].Value, 1e-5, 1e-6));
                }
            }
        }
    }

    [Fact]
    public void Read_BatchOfNoFixedView_IsRefused()
    {
        using var scope = NewDisposeScope();
        using var teacher = _case.Teacher();
        using var source = teacher.Open([]);
        using var batch = _case.View(3).Epoch(0, 0, TestContext.Current.CancellationToken).First();
        using var other = Batch.Of(batch.Input.clone(), null, batch.SampleIds, [.. batch.AugmentationKeys.Select(key => key + 1)]);
        Assert.Contains("holds 3 fixed views a sample, and the batch with sample", Assert.Throws<InvalidDataException>(() => source.Read(other)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_WithoutTheTeacher_TeachesTheSame()
    {
        using var scope = NewDisposeScope();
        _case.Filled().Dispose();
        using var alone = _case.Teacher(null);
        using var source = alone.Open([]);
        using var live = new LiveTeacher(_case.Network).Open([]);
        using var batch = _case.View(3).Epoch(2, 0, TestContext.Current.CancellationToken).First();
        Assert.True(source.Read(batch).Logits.Value.allclose(live.Read(batch).Logits.Value, 1e-5, 1e-6));
        using var network = new LiveTeacher(_case.Network);
        Assert.Equal(network.Fingerprint(), alone.Fingerprint());
    }

    [Theory]
    [InlineData(StorePrecision.Float32, null, null, null)]
    [InlineData(StorePrecision.Int8, null, null, "int8")]
    [InlineData(StorePrecision.Float32, 2, null, "float32, top_k 2, temperature 1.5")]
    [InlineData(StorePrecision.Float16, null, 40, "float16, samples 40, temperature 1.5")]
    public void Describe_StoreThatRounds_SaysHow(StorePrecision precision, int? topK, int? samples, string? expected)
    {
        _case.Options = _case.Options with { Precision = precision, TopK = topK, Samples = samples, Temperature = topK is null && samples is null ? 1 : 1.5 };
        _case.Filled().Dispose();
        using var teacher = _case.Teacher();
        Assert.Equal(expected, teacher.Describe().GetValueOrDefault("stored"));
        Assert.Equal("torch", teacher.Describe()["engine"]);

        // What the store alone says is what it was made with.
        using var alone = new StoreTeacher(null, new StoreSource(new StoreOptions { Path = _case.Options.Path }, [], _case.Fields, _case.Loader));
        Assert.Equal(expected, alone.Describe().GetValueOrDefault("stored"));
    }

    [Theory]
    [InlineData("dataset", "dataset is samples in the store and other here")]
    [InlineData("augmentation", "augmentation is shift 1 in the store and other here")]
    public void Open_StoreOfOtherData_NamesTheField(string field, string expected)
    {
        _case.Filled().Dispose();
        _case.Fields[field] = "other";
        foreach (var inner in new Teacher?[] { new LiveTeacher(_case.Network), null })
        {
            using var teacher = _case.Teacher(inner);
            Assert.Contains(expected, Assert.Throws<InvalidDataException>(() => teacher.Open([])).Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Open_StoreOfAnotherTeacher_NamesTheField()
    {
        _case.Filled().Dispose();
        using var other = new TrainingCase().Cnn([3, 4]);
        using (no_grad())
        {
            other.parameters().First().add_(0.001f);
        }

        using var teacher = _case.Teacher(new LiveTeacher(other));
        var message = Assert.Throws<InvalidDataException>(() => teacher.Open([])).Message;
        Assert.Matches("does not fit: teacher is [0-9a-f]{12}… in the store and [0-9a-f]{12}… here", message);
    }

    [Fact]
    public void Open_OtherPrecisionAndMoreFeatures_NamesEach()
    {
        _case.Filled().Dispose();
        _case.Options = _case.Options with { Precision = StorePrecision.Int8 };
        _case.Features = ["layer1"];
        using var teacher = _case.Teacher();
        var message = Assert.Throws<InvalidDataException>(() => teacher.Open([])).Message;
        Assert.Contains("precision is float32 in the store and int8 here", message, StringComparison.Ordinal);
        Assert.Contains("outputs lack the feature layer1, there are logits", message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(StorePrecision.Float32, null, null)]
    [InlineData(StorePrecision.Float16, null, null)]
    [InlineData(StorePrecision.Int8, null, null)]
    [InlineData(StorePrecision.Float16, 2, null)]
    [InlineData(StorePrecision.Float32, null, 40)]
    public void Open_RowsThatTheTeacherDoesNotGive_AreFoundByTheSpotCheck(StorePrecision precision, int? topK, int? samples)
    {
        _case.Options = _case.Options with { Precision = precision, TopK = topK, Samples = samples };
        _case.Filled().Dispose();
        using (var sound = _case.Teacher())
        {
            sound.Open([]).Dispose();
        }

        // A teacher of the same fingerprint that says something else.
        using var teacher = _case.Teacher(new TurnedTeacher(new LiveTeacher(_case.Network)));
        var message = Assert.Throws<InvalidDataException>(() => teacher.Open([])).Message;
        Assert.Matches("the logits of sample [0-9]+ in view [0-2] are not what the teacher gives now", message);
    }

    [Fact]
    public void Fill_TwoAtOnce_ShareTheWork()
    {
        var teachers = new[] { new CountingTeacher(new LiveTeacher(_case.Network)) { OnRead = () => Thread.Sleep(2) }, new CountingTeacher(new LiveTeacher(_case.Network)) { OnRead = () => Thread.Sleep(2) } };
        _case.Options = _case.Options with { BatchSize = 16 };
        Parallel.ForEach(teachers, counting =>
        {
            using var teacher = _case.Teacher(counting);
            teacher.Fill([0, 1, 2], 0, 300);
        });
        using var store = TeacherStore.Open(_case.Options.Path);
        Assert.Equal(900, store.RowCount);
        Assert.Equal(0, store.Duplicates);
        // Beyond the rows only spot checks of eight.
        Assert.InRange(teachers.Sum(teacher => teacher.Samples), 900, 916);
        Assert.Empty(Directory.GetFiles(Path.Combine(_case.Options.Path, "claims")));
    }

    [Fact]
    public void Fill_Cancelled_KeepsWhatWasComputedAndGoesOn()
    {
        using var stop = new CancellationTokenSource();
        var counting = new CountingTeacher(new LiveTeacher(_case.Network)) { OnRead = () => stop.Cancel() };
        _case.Options = _case.Options with { BatchSize = 100 };
        using (var teacher = new StoreTeacher(counting, new StoreSource(_case.Options, [], _case.Fields, _case.Loader) { Cancellation = stop.Token }))
        {
            Assert.Throws<OperationCanceledException>(() => teacher.Fill([0], 0, 300));
        }

        using (var store = TeacherStore.Open(_case.Options.Path))
        {
            Assert.Equal(100, store.RowCount);
        }

        using var whole = _case.Filled();
        Assert.Equal(900, whole.RowCount);
        Assert.Equal(0, whole.Duplicates);
    }

    /// <summary>Negates the logits of a teacher whose fingerprint it keeps.</summary>
    private sealed class TurnedTeacher(Teacher inner) : Teacher
    {
        public override ISignalSource Open(IEnumerable<string> features) => new Source(inner.Open(features));

        public override string Fingerprint() => inner.Fingerprint();

        private sealed class Source(ISignalSource inner) : ISignalSource
        {
            public ModelSignals Read(Batch batch) => inner.Read(batch) is var read ? read with { Logits = new Signal(-read.Logits.Value) } : null!;

            public void Dispose() => inner.Dispose();
        }
    }
}
