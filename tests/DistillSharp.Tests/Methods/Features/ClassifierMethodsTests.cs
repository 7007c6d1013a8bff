using DistillSharp.Losses.Features;
using DistillSharp.Methods;
using DistillSharp.Methods.Features;
using DistillSharp.Models;
using DistillSharp.Tests.Models;
using static TorchSharp.torch;

namespace DistillSharp.Tests.Methods.Features;

/// <summary>Methods that read classifiers: class_attention_transfer and simkd.</summary>
public sealed class ClassifierMethodsTests
{
    private static readonly long[][] Student = [[4, 64, 8, 8]];
    private static readonly long[][] Teacher = [[4, 128, 4, 4]];

    [Fact]
    public void ClassAttention_Networks_GradientReachesStudentAndItsClassifierOnly()
    {
        using var scope = NewDisposeScope();
        using var student = Network(1);
        using var teacher = Network(2);
        var test = new FeatureCase(ClassAttentionTransferMethod.Entry, new ClassAttentionTransferOptions(), Student, Teacher, teacher, student);
        Assert.Empty(test.Method.parameters());
        Assert.Empty(test.Method.children());
        test.CheckGradients();
        Assert.NotNull(student.get_parameter("fc.weight")!.grad);
        Assert.Null(teacher.get_parameter("fc.weight")!.grad);
    }

    [Fact]
    public void ClassAttention_Loss_UsesTheClassifiersOfToday()
    {
        using var scope = NewDisposeScope();
        using var student = Network(1);
        using var teacher = Network(2);
        var test = new FeatureCase(ClassAttentionTransferMethod.Entry, new ClassAttentionTransferOptions(), Student, Teacher, teacher, student);
        using (no_grad())
        {
            student.get_parameter("fc.weight")!.mul_(-1);
        }

        var expected = ClassActivationLoss.Compute(
            ClassActivationLoss.Maps(test.Student.Single(), student.get_parameter("fc.weight")!), ClassActivationLoss.Maps(test.Teacher.Single(), teacher.get_parameter("fc.weight")!));
        Assert.Equal(expected.item<float>(), test.Loss().item<float>(), 1e-6);
    }

    [Fact]
    public void Simkd_GradientReachesStudentAndProjectorOnly()
    {
        using var scope = NewDisposeScope();
        using var teacher = Network(2);
        new FeatureCase(SimkdMethod.Entry, new SimkdOptions(), Student, Teacher, teacher).CheckGradients();
        Assert.Null(teacher.get_parameter("fc.weight")!.grad);
    }

    [Fact]
    public void Simkd_DeployedLogits_AreTheTeachersClassifierOnTheProjection()
    {
        using var scope = NewDisposeScope();
        using var teacher = Network(2);
        var test = new FeatureCase(SimkdMethod.Entry, new SimkdOptions(), Student, Teacher, teacher);
        var last = test.Method.named_parameters().Where(parameter => parameter.name.StartsWith("projector.7.", StringComparison.Ordinal)).ToDictionary(parameter => parameter.name[12..], parameter => parameter.parameter);
        var projection = rand(128);
        using (no_grad())
        {
            // The last batch-norm gives the same projection whatever it is given.
            last["weight"].zero_();
            last["bias"].copy_(projection);
        }

        var expected = nn.functional.linear(projection, teacher.get_parameter("fc.weight")!, teacher.get_parameter("fc.bias")!);
        Assert.True(allclose(((SimkdMethod)test.Method).DeployedLogits(test.Student.Single()), expected.expand(4, 5), atol: 1e-5));
        Assert.Equal(["classifier_bias", "classifier_weight"], test.Method.state_dict().Keys.Where(key => key.StartsWith("classifier", StringComparison.Ordinal)).Order());
    }

    [Theory]
    [InlineData("simkd")]
    [InlineData("class_attention_transfer")]
    public void Constructor_TeacherWithoutParameters_SaysSo(string name)
    {
        using var scope = NewDisposeScope();
        using var student = Network(1);
        var entry = Entry(name);
        var error = Assert.Throws<ArgumentException>(() => new FeatureCase(entry, FeatureCase.Options(entry), Student, Teacher, null, student));
        Assert.Contains("the teacher", error.Message, StringComparison.Ordinal);
        Assert.Contains("live network", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("simkd")]
    [InlineData("class_attention_transfer")]
    public void Constructor_FeatureThatTheClassifierDoesNotRead_NamesBothNumbers(string name)
    {
        using var scope = NewDisposeScope();
        using var network = Network(2);
        var entry = Entry(name);
        var error = Assert.Throws<ArgumentException>(() => new FeatureCase(entry, FeatureCase.Options(entry), [[4, 128, 8, 8]], [[4, 32, 4, 4]], network, network));
        Assert.Contains("32 channels", error.Message, StringComparison.Ordinal);
        Assert.Contains("128", error.Message, StringComparison.Ordinal);
    }

    private static MethodEntry Entry(string name) => MethodCatalog.Default().Find(name)!;

    private static CifarResNet Network(int width) => new(new CifarResNetOptions { Depth = 8, WidthMultiplier = width }, SampleData.Images(3, 16, 5));
}
