using DistillSharp.Data;
using DistillSharp.Export;
using DistillSharp.Losses.Features;
using DistillSharp.Methods;
using DistillSharp.Methods.Features;
using DistillSharp.Models;
using DistillSharp.Signals;
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
    public void Simkd_DeployedLayers_AreTheTeachersClassifierOnTheProjection()
    {
        using var scope = NewDisposeScope();
        using var teacher = Network(2);
        var test = new FeatureCase(SimkdMethod.Entry, new SimkdOptions(), Student, Teacher, teacher);
        var method = (SimkdMethod)test.Method;
        method.eval();
        var projection = rand(128);
        using (no_grad())
        {
            // The last batch-norm gives the same projection whatever it is given.
            method.get_parameter("projector.7.weight")!.zero_();
            method.get_parameter("projector.7.bias")!.copy_(projection);
        }

        var expected = nn.functional.linear(projection, teacher.get_parameter("fc.weight")!, teacher.get_parameter("fc.bias")!).expand(4, 5);
        Assert.True(allclose(method.DeployedLayers(copy: false).call(test.Student.Single()), expected, atol: 1e-5));
        using var copy = method.DeployedLayers(copy: true);
        copy.eval();
        using (no_grad())
        {
            method.get_parameter("projector.7.bias")!.zero_();
        }

        Assert.True(allclose(copy.call(test.Student.Single()), expected, atol: 1e-5));
    }

    [Fact]
    public void Simkd_Vectors_HaveAProjectorOfLinearLayers()
    {
        using var scope = NewDisposeScope();
        using var teacher = Network(2);
        var test = new FeatureCase(SimkdMethod.Entry, new SimkdOptions(), [[4, 64]], [[4, 128, 4, 4]], teacher);
        test.CheckGradients();
        Assert.Equal([4L, 5], ((SimkdMethod)test.Method).DeployedLayers(copy: false).call(test.Student.Single()).shape);
    }

    [Fact]
    public void DeployedNetwork_OfAStudent_CountsAndSavesOnlyWhatItsLogitsDependOn()
    {
        using var scope = NewDisposeScope();
        using var teacher = Network(2);
        using var student = Network(1);
        var context = FeatureCase.Context(Student, Teacher) with { TeacherNetwork = teacher };
        context = context with
        {
            StudentFeatures = ["layer3"],
            StudentShapes = context.StudentShapes with { Features = new Dictionary<string, IReadOnlyList<long>> { ["layer3"] = [4, 64, 4, 4] } },
        };
        using var method = new SimkdMethod(new SimkdOptions(), context);
        using var batch = Batch.Of(randn(4, 3, 16, 16), null, [0, 1, 2, 3]);
        using var deployed = DeployedNetwork.Of(student, method, batch);
        using var copy = deployed.Copy();

        Assert.DoesNotContain("student.fc.weight", copy.state_dict().Keys);
        Assert.Contains("student.layer3.0.conv1.weight", copy.state_dict().Keys);
        Assert.Contains("head.classifier.weight", copy.state_dict().Keys);
        long Size(nn.Module module) => module.parameters().Sum(parameter => parameter.numel());
        Assert.Equal(Size(student) - (64 * 5) - 5 + Size(method), Size(copy));
        Assert.All(student.parameters(), parameter => Assert.Null(parameter.grad));

        copy.eval();
        student.eval();
        using var reader = new SignalReader(student, ["layer3"]);
        var expected = method.DeployedLayers(copy: true);
        expected.eval();
        Assert.True(allclose(expected.call(reader.Read(batch).Features["layer3"].Value), copy.Logits(batch), atol: 1e-5));

        // Convolutions and linear layers of the student but for its classifier, of the projector on 4 × 4 positions, and the teacher's classifier.
        var data = SampleData.Images(3, 16, 5);
        var projector = ((64 * 64) + (64 * 64 * 9) + (64 * 128)) * 16;
        Assert.Equal(MacCounter.Count(student, data) - (64 * 5) + projector + (128 * 5), MacCounter.Count((INetworkGraph)copy, data));
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
