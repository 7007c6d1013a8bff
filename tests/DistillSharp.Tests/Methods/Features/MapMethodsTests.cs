using DistillSharp.Methods;
using DistillSharp.Methods.Features;
using DistillSharp.Models;
using DistillSharp.Tests.Losses.Features;
using DistillSharp.Tests.Models;
using static TorchSharp.torch;

namespace DistillSharp.Tests.Methods.Features;

/// <summary>What every feature method of the catalog must do with shapes that differ, that fit, and that cannot fit.</summary>
[Collection(nameof(TorchGenerator))]
public sealed class MapMethodsTests
{
    private static readonly long[][] Student = [[4, 3, 8, 8], [4, 6, 4, 4]];
    private static readonly long[][] Teacher = [[4, 5, 8, 8], [4, 7, 4, 4]];
    private static readonly long[][] OtherSizes = [[4, 5, 4, 4], [4, 7, 6, 6]];

    private static readonly Dictionary<string, (MethodEntry Entry, (string, object)[] Options)> Cases = new()
    {
        ["similarity"] = (SimilarityMethod.Entry, []),
        ["nst"] = (NeuronSelectivityMethod.Entry, []),
        ["fsp"] = (FlowMethod.Entry, []),
        ["activation_boundary"] = (ActivationBoundaryMethod.Entry, []),
        ["activation_boundary auto"] = (ActivationBoundaryMethod.Entry, [("projector", "auto")]),
        ["factor_transfer"] = (FactorTransferMethod.Entry, []),
        ["factor_transfer paper"] = (FactorTransferMethod.Entry, [("variant", "paper")]),
        ["factor_transfer none"] = (FactorTransferMethod.Entry, [("paraphraser", "none")]),
        ["overhaul"] = (OverhaulMethod.Entry, [("margins", new double[] { -1, -0.5 })]),
        ["review"] = (ReviewMethod.Entry, []),
        ["inter_channel_correlation"] = (InterChannelCorrelationMethod.Entry, []),
        ["vid"] = (VariationalInformationMethod.Entry, []),
        ["kdsvd"] = (SingularVectorsMethod.Entry, []),
        ["kdsvd 2"] = (SingularVectorsMethod.Entry, [("components", 2)]),
        ["channel_wise"] = (ChannelWiseMethod.Entry, []),
        ["masked_generative"] = (MaskedGenerativeMethod.Entry, []),
        ["masked_generative positions"] = (MaskedGenerativeMethod.Entry, [("mask", "positions"), ("mask_ratio", 0.5)]),
        ["projector_recipe"] = (ProjectorRecipeMethod.Entry, []),
        ["prime_aware"] = (PrimeAwareMethod.Entry, []),
        ["prime_aware sample"] = (PrimeAwareMethod.Entry, [("variance", "sample")]),
        ["embedding_regression"] = (EmbeddingRegressionMethod.Entry, []),
        ["embedding_regression l2"] = (EmbeddingRegressionMethod.Entry, [("distance", "l2")]),
    };

    public static TheoryData<string> Names => [.. Cases.Keys];

    public static TheoryData<string> TakeVectors =>
        ["similarity", "review", "vid", "projector_recipe", "prime_aware", "prime_aware sample", "embedding_regression", "embedding_regression l2"];

    public static TheoryData<string> NeedMaps => [.. Cases.Keys.Except(TakeVectors.Select(row => row.Data))];

    [Theory]
    [MemberData(nameof(Names))]
    public void Compute_ChannelsDiffer_GradientReachesStudentAndProjectorsOnly(string name)
    {
        using var scope = NewDisposeScope();
        var test = Build(name, Student, Teacher);
        Assert.Equal(test.Entry.Traits.HasFlag(MethodTraits.HasProjectors) && name != "factor_transfer none", test.Case.Method.parameters().Any());
        test.Case.CheckGradients();
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Compute_SizesDiffer_GradientReachesStudentAndProjectorsOnly(string name)
    {
        using var scope = NewDisposeScope();
        Build(name, Student, OtherSizes).Case.CheckGradients();
    }

    [Theory]
    [MemberData(nameof(TakeVectors))]
    public void Compute_Vectors_GradientReachesStudentAndProjectorsOnly(string name)
    {
        using var scope = NewDisposeScope();
        Build(name, [[4, 6], [4, 3]], [[4, 7], [4, 5]]).Case.CheckGradients();
    }

    [Theory]
    [MemberData(nameof(NeedMaps))]
    public void Constructor_Vectors_ThrowsAndNamesTheFeatures(string name)
    {
        using var scope = NewDisposeScope();
        var error = Assert.Throws<ArgumentException>(() => Build(name, [[4, 3], [4, 6]], [[4, 3], [4, 6]]));
        Assert.Contains("`s0`", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Constructor_FeatureCountsDiffer_Throws(string name)
    {
        using var scope = NewDisposeScope();
        Assert.Contains("2 student features and 3 teacher features", Assert.Throws<ArgumentException>(() => Build(name, Student, [.. Teacher, [4, 7, 4, 4]])).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("fsp", "projector")]
    [InlineData("activation_boundary", "projector")]
    [InlineData("overhaul", "projector")]
    [InlineData("inter_channel_correlation", "projector")]
    [InlineData("review", "fusion")]
    [InlineData("kdsvd", "projector")]
    [InlineData("channel_wise", "projector")]
    [InlineData("masked_generative", "projector")]
    public void Constructor_NoProjectorAndChannelsThatDiffer_Throws(string name, string option)
    {
        using var scope = NewDisposeScope();
        var error = Assert.Throws<ArgumentException>(() => Build(name, Student, Teacher, (option, "none")));
        Assert.Contains("the channels must be equal, here 3 and 5", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("projector_recipe")]
    [InlineData("prime_aware")]
    [InlineData("embedding_regression")]
    public void Constructor_NoProjectorAndWidthsThatDiffer_Throws(string name)
    {
        using var scope = NewDisposeScope();
        var error = Assert.Throws<ArgumentException>(() => Build(name, [[4, 6]], [[4, 7]], ("projector", "none")));
        Assert.Contains("the shapes must be equal", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("similarity")]
    [InlineData("nst")]
    [InlineData("fsp")]
    [InlineData("kdsvd")]
    [InlineData("channel_wise")]
    [InlineData("embedding_regression")]
    public void Compute_StudentEqualsTeacher_IsZeroAsDeclared(string name)
    {
        using var scope = NewDisposeScope();
        var test = Build(name, Student, Student);
        Assert.True(test.Entry.Traits.HasFlag(MethodTraits.ZeroAtTeacher));
        using (no_grad())
        {
            foreach (var (own, other) in test.Case.Student.Zip(test.Case.Teacher))
            {
                own.copy_(other);
            }
        }

        Assert.Equal(0, test.Case.Loss().item<float>(), 1e-6);
    }

    [Fact]
    public void Compute_PaddedPositions_AreRefusedByMethodsThatCannotLeaveThemOut()
    {
        using var scope = NewDisposeScope();
        var test = Build("similarity", [[4, 3, 6]], [[4, 3, 6]]).Case;
        test.MaskFeatures(ones(4, 3));
        Assert.Contains("`s0` has padded positions", Assert.Throws<ArgumentException>(test.Loss).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void MaskedGenerative_Masks_OnlyWhileTraining()
    {
        using var scope = NewDisposeScope();
        var test = Build("masked_generative", Student, Teacher).Case;
        Assert.NotEqual(test.Loss().item<float>(), test.Loss().item<float>());
        test.Method.eval();
        Assert.Equal(test.Loss().item<float>(), test.Loss().item<float>());
    }

    [Fact]
    public void Vid_Variances_StartAtTheOption()
    {
        using var scope = NewDisposeScope();
        var test = new FeatureCase(VariationalInformationMethod.Entry, new VariationalInformationOptions { InitialVariance = 2 }, Student, Teacher);
        var scale = Assert.Single(test.Method.named_parameters(), parameter => parameter.name == "scales.0").parameter;
        Assert.All((nn.functional.softplus(scale) + 1e-5).data<float>().ToArray(), variance => Assert.Equal(2, variance, 1e-4));
    }

    [Fact]
    public void Review_VectorsAtTheEnd_AreMapsOfOnePixel()
    {
        using var scope = NewDisposeScope();
        new FeatureCase(ReviewMethod.Entry, new ReviewOptions(), [.. Student, [4, 6]], [.. Teacher, [4, 7]]).CheckGradients();
    }

    [Fact]
    public void FactorTransfer_PretrainingLoss_ReachesTheWholeParaphraserAndNothingElse()
    {
        using var scope = NewDisposeScope();
        var test = new FeatureCase(FactorTransferMethod.Entry, new FactorTransferOptions(), Student, Teacher);
        var method = (FactorTransferMethod)test.Method;
        method.PretrainingLoss(test.TeacherSignals).backward();
        Assert.NotEmpty(method.PretrainedModule.parameters());
        Assert.All(test.Method.named_parameters(), parameter => Assert.Equal(parameter.name.StartsWith("paraphrasers", StringComparison.Ordinal), parameter.parameter.grad is not null));
        Assert.All(test.Teacher, feature => Assert.Null(feature.grad));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void FactorTransfer_PaperVariant_ComparesWholeUnitFactors(double p)
    {
        using var scope = NewDisposeScope();
        var test = new FeatureCase(FactorTransferMethod.Entry, new FactorTransferOptions { Variant = "paper", P2 = p, Paraphraser = "none" }, [[2, 3, 2, 2]], [[2, 3, 2, 2]]);
        var (own, other) = (Numbers.Rows(test.Student.Single()), Numbers.Rows(test.Teacher.Single()));
        var differences = own.Zip(other, (a, b) => Numbers.Unit(a).Zip(Numbers.Unit(b), (x, y) => Math.Abs(x - y)).ToArray()).ToList();
        var expected = p == 1 ? differences.Average(row => row.Average()) : differences.Average(row => Math.Pow(row.Sum(value => Math.Pow(value, p)), 1 / p));
        Assert.Equal(expected, test.Loss().item<float>(), 1e-6);
    }

    [Fact]
    public void Overhaul_Margins_AreTheMeanOfNegativeValues()
    {
        using var scope = NewDisposeScope();
        // By numerical integration of the truncated normal density.
        var (scales, biases) = (new[] { 0.7, -1.3, 0.1 }, new[] { 0.4, -0.2, 5.0 });
        var margins = OverhaulMethod.Margins(scales, biases).flatten().data<float>().ToArray();
        for (var i = 0; i < 2; i++)
        {
            double mass = 0, moment = 0;
            for (var x = -20.0; x < 0; x += 1e-4)
            {
                var density = Math.Exp(-Math.Pow((x - biases[i]) / scales[i], 2) / 2);
                (mass, moment) = (mass + density, moment + (x * density));
            }

            Assert.Equal(moment / mass, margins[i], 1e-3);
        }

        Assert.Equal(-0.3, margins[2], 1e-6);
    }

    [Fact]
    public void Overhaul_LiveTeacher_TakesTheBatchNormBeforeThePreactivation()
    {
        using var scope = NewDisposeScope();
        using var teacher = new CifarResNet(new CifarResNetOptions { Depth = 8 }, SampleData.Images(3, 16, 5));
        var norm = teacher.get_parameter("layer2.0.bn2.weight")!;
        using (no_grad())
        {
            norm.fill_(0.5);
            teacher.get_parameter("layer2.0.bn2.bias")!.fill_(100);
        }

        var context = FeatureCase.Context([[4, 3, 8, 8]], [[4, 32, 8, 8]]) with { TeacherNetwork = teacher };
        context = context with
        {
            TeacherFeatures = ["layer2.preact"],
            TeacherShapes = context.TeacherShapes with { Features = new Dictionary<string, IReadOnlyList<long>> { ["layer2.preact"] = [4, 32, 8, 8] } },
        };
        using var method = OverhaulMethod.Entry.Create(new OverhaulOptions(), context);
        Assert.All(method.get_buffer("margin0")!.flatten().data<float>().ToArray(), margin => Assert.Equal(-1.5f, margin));
        Assert.DoesNotContain(method.named_parameters(), parameter => ReferenceEquals(parameter.parameter, norm));
    }

    [Fact]
    public void Overhaul_TeacherWithoutParameters_SaysWhatToDo()
    {
        using var scope = NewDisposeScope();
        var error = Assert.Throws<ArgumentException>(() => new FeatureCase(OverhaulMethod.Entry, new OverhaulOptions(), Student, Teacher));
        Assert.Contains("`margins`", error.Message, StringComparison.Ordinal);
    }

    private static (MethodEntry Entry, FeatureCase Case) Build(string name, long[][] student, long[][] teacher, params (string, object)[] more)
    {
        var (entry, options) = Cases[name];
        return (entry, new FeatureCase(entry, FeatureCase.Options(entry, [.. options, .. more]), student, teacher));
    }
}
