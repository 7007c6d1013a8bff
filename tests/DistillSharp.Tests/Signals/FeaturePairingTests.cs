using DistillSharp.Signals;

namespace DistillSharp.Tests.Signals;

public sealed class FeaturePairingTests
{
    [Fact]
    public void Propose_SameResolutions_PairsByResolutionThenDepth()
    {
        LayerShape[] student = [new("layer1", [8, 16, 16]), new("layer2", [16, 8, 8]), new("penultimate", [16])];
        LayerShape[] teacher = [new("layer1", [32, 16, 16]), new("layer2", [32, 16, 16]), new("layer3", [64, 8, 8]), new("layer4", [64, 8, 8]), new("penultimate", [64])];

        var pairs = FeaturePairing.Propose(student, teacher);

        // Depths of the student are 0, ½, 1; of the teacher 0, ¼, ½, ¾, 1.
        Assert.Equal([("layer1", "layer1"), ("layer2", "layer3"), ("penultimate", "penultimate")], pairs.Select(pair => (pair.Student.Name, pair.Teacher.Name)));
    }

    [Fact]
    public void Propose_ResolutionsDiffer_TakesTheNearestByFactor()
    {
        LayerShape[] teacher = [new("a", [4, 28, 28]), new("b", [4, 7, 7])];

        // 14 is as far from 28 as from 7, so depth decides; 9 is nearer to 7.
        Assert.Equal("a", FeaturePairing.Propose([new("x", [4, 14, 14]), new("y", [4, 9, 9])], teacher)[0].Teacher.Name);
        Assert.Equal("b", FeaturePairing.Propose([new("x", [4, 9, 9]), new("y", [9])], teacher)[0].Teacher.Name);
    }

    [Fact]
    public void Propose_OtherKinds_AreNotPaired()
    {
        LayerShape[] student = [new("layer1.preact", [4, 8, 8]), new("layer1", [4, 8, 8]), new("penultimate", [4])];
        LayerShape[] teacher = [new("layer1", [4, 8, 8])];

        Assert.Equal(("layer1", "layer1"), Assert.Single(FeaturePairing.Propose(student, teacher).Select(pair => (pair.Student.Name, pair.Teacher.Name))));
    }

    [Fact]
    public void Stages_SeveralLayersAtAResolution_KeepsTheDeepestWithoutPreActivations()
    {
        LayerShape[] layers = [new("layer1", [4, 8, 8]), new("layer2.preact", [4, 8, 8]), new("layer2", [4, 8, 8]), new("layer3", [8, 4, 4]), new("penultimate", [8])];

        Assert.Equal(["layer2", "layer3"], FeaturePairing.Stages(FeaturePairing.Propose(layers, layers)).Select(pair => pair.Student.Name));
    }
}
