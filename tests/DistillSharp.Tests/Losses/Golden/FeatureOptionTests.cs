namespace DistillSharp.Tests.Losses.Golden;

/// <summary>Options and shapes of feature losses beyond those of the shipped vectors, proved against loops.</summary>
public sealed class FeatureOptionTests
{
    public static TheoryData<long[], long[]> MapPairs => new()
    {
        { [2, 3, 4, 4], [2, 5, 4, 4] },
        { [1, 3, 6, 6], [1, 2, 3, 3] },
        { [1, 3, 3, 3], [1, 2, 6, 6] },
        { [2, 2, 5, 5], [2, 2, 3, 3] },
        { [1, 2, 3, 5], [1, 4, 3, 5] },
        { [3, 1, 1, 1], [3, 1, 2, 2] },
    };

    public static TheoryData<string, double> Attention => new() { { "{}", 2 }, { "{\"p\": 1}", 1 }, { "{\"p\": 2}", 2 }, { "{\"p\": 3}", 3 }, { "{\"p\": 4.0}", 4 } };

    [Theory]
    [MemberData(nameof(Attention))]
    public void Attention_AnyExponent_EqualsLoops(string options, double p)
    {
        foreach (var row in MapPairs)
        {
            Pair("attention", options, row.Data.Item1, row.Data.Item2, (student, teacher) => LoopLosses.Attention(student, teacher, p));
        }
    }

    [Theory]
    [InlineData("{\"paraphraser\": \"none\"}", 2, 1)]
    [InlineData("{\"paraphraser\": \"none\", \"p1\": 1, \"p2\": 1}", 1, 1)]
    [InlineData("{\"paraphraser\": \"none\", \"p1\": 2, \"p2\": 2}", 2, 2)]
    [InlineData("{\"paraphraser\": \"none\", \"p1\": 3, \"p2\": 3}", 3, 3)]
    public void FactorTransfer_AnyExponents_EqualsLoops(string options, double p1, double p2)
    {
        foreach (var row in MapPairs.Take(5))
        {
            Pair("factor_transfer", options, row.Data.Item1, row.Data.Item2, (student, teacher) => LoopLosses.FactorTransfer(student, teacher, p1, p2));
        }
    }

    [Theory]
    [MemberData(nameof(MapPairs))]
    public void NeuronSelectivity_AnySizes_EqualsLoops(long[] student, long[] teacher) => Pair("nst", "{}", student, teacher, LoopLosses.NeuronSelectivity);

    [Theory]
    [MemberData(nameof(MapPairs))]
    public void Similarity_AnySizes_EqualsLoops(long[] student, long[] teacher) => Pair("similarity", "{}", student, teacher, LoopLosses.Similarity);

    [Theory]
    [InlineData(2, 4, 4, 2, 2)]
    [InlineData(2, 3, 5, 4, 5)]
    [InlineData(1, 2, 2, 4, 4)]
    [InlineData(2, 1, 1, 3, 3)]
    public void Flow_StagesOfOtherSizes_EqualsLoops(long samples, long height, long width, long teacherHeight, long teacherWidth)
    {
        long[][] student = [[samples, 2, 4, 4], [samples, 3, height, width], [samples, 4, 2, 2]];
        long[][] teacher = [[samples, 2, 5, 5], [samples, 3, teacherHeight, teacherWidth], [samples, 4, 2, 2]];
        Stages("fsp", "{}", student, teacher, LoopLosses.Flow);
        Stages("fsp", "{\"projector\": \"none\"}", student[..2], teacher[..2], LoopLosses.Flow);
    }

    [Theory]
    [InlineData("{}", 1, 1)]
    [InlineData("{\"margin\": 0.5}", 0.5, 3)]
    [InlineData("{\"margin\": 2.0}", 2, 2)]
    public void ActivationBoundary_AnyMarginAndStages_EqualsLoops(string options, double margin, int stages)
    {
        long[][] shapes = [.. new long[][] { [2, 2, 4, 4], [2, 3, 3, 2], [2, 4, 1, 1] }.TakeLast(stages)];
        Stages("activation_boundary", options, shapes, shapes, (student, teacher) => LoopLosses.ActivationBoundary(student, teacher, margin));
    }

    [Theory]
    [InlineData(3, 2)]
    [InlineData(1, 1)]
    public void Overhaul_MarginPerChannelOrForAll_EqualsLoops(long channels, long samples)
    {
        long[] shape = [samples, 3, 2, 3];
        Vector.AssertProved(
            "overhaul", "{\"projector\": \"none\"}",
            [("student.features.0", shape), ("teacher.features.0", shape), ("margin", [1, channels, 1, 1])],
            grids => LoopLosses.Overhaul(grids["student.features.0"], grids["teacher.features.0"], grids["margin"]),
            (name, values) => name == "margin" ? [.. values.Select(value => -Math.Abs(value))] : values);
    }

    /// <summary>Margins and weights of stages under the names that recipes have.</summary>
    [Theory]
    [InlineData("{\"margins\": [-0.5]}", -0.5, -0.5, 1)]
    [InlineData("{\"margins\": [-0.5, -2], \"stage_weights\": \"equal\", \"projector\": \"auto\"}", -0.5, -2, 1)]
    [InlineData("{\"margin\": -1, \"stage_weights\": \"halving\"}", -1, -1, 0.5)]
    public void Overhaul_MarginsAsOptions_EqualsLoops(string options, double first, double second, double weight)
    {
        long[][] shapes = [[2, 2, 3, 2], [2, 3, 2, 2]];
        Stages("overhaul", options, shapes, shapes, (student, teacher) =>
            (weight * LoopLosses.Overhaul(student[0], teacher[0], new Grid([], [first]))) + LoopLosses.Overhaul(student[1], teacher[1], new Grid([], [second])));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(8)]
    public void Review_OneToFourStagesOfAnySize_EqualsLoops(long size)
    {
        long[][] shapes = [[1, 1, size, size], [2, 2, size, 3], [1, 1, 4, 4], [1, 2, 2, 5]];
        foreach (var stages in new[] { 1, 2, 3, 4 }.Where(stages => stages == 1 || stages == (size % 4) + 1))
        {
            Stages("review", "{\"fusion\": \"none\"}", shapes[..stages], shapes[..stages], (student, teacher) => student.Zip(teacher, LoopLosses.HierarchicalContext).Sum());
        }
    }

    [Theory]
    [InlineData(1, 3, 2, 5)]
    [InlineData(3, 3, 1, 1)]
    [InlineData(2, 4, 3, 3)]
    public void InterChannelCorrelation_AnyShape_EqualsLoops(long samples, long channels, long height, long width)
    {
        long[] shape = [samples, channels, height, width];
        Pair("inter_channel_correlation", "{\"projector\": \"none\"}", shape, shape, LoopLosses.InterChannelCorrelation);
    }

    [Fact]
    public void Fitnet_AnyShape_EqualsLoops()
    {
        foreach (long[] shape in new long[][] { [1, 2, 3, 5], [3, 1, 1, 1] })
        {
            Pair("fitnet", "{\"projector\": \"none\"}", shape, shape, (student, teacher) => student.Data.Zip(teacher.Data, (a, b) => (a - b) * (a - b)).Average());
        }
    }

    private static void Pair(string method, string options, long[] student, long[] teacher, Func<Grid, Grid, double> loss) =>
        Stages(method, options, [student], [teacher], (own, other) => loss(own[0], other[0]));

    private static void Stages(string method, string options, long[][] student, long[][] teacher, Func<Grid[], Grid[], double> loss)
    {
        Grid[] Of(IReadOnlyDictionary<string, Grid> grids, string side) => [.. Enumerable.Range(0, student.Length).Select(stage => grids[$"{side}.features.{stage}"])];
        var inputs = Enumerable.Range(0, student.Length).SelectMany(stage => new[] { ($"student.features.{stage}", student[stage]), ($"teacher.features.{stage}", teacher[stage]) });
        Vector.AssertProved(method, options, [.. inputs], grids => loss(Of(grids, "student"), Of(grids, "teacher")));
    }
}
