using DistillSharp.Teachers;
using static TorchSharp.torch;

namespace DistillSharp.Tests.Teachers;

/// <summary>A teacher's outputs in the data's classes, compared with sums of probabilities.</summary>
public sealed class ClassMapTests
{
    private static readonly string[] Theirs = ["cat", "siamese", "dog", "ship"];
    private static readonly Dictionary<string, string> Same = [];

    [Fact]
    public void Apply_SameNames_IsTheSameTensor()
    {
        using var scope = NewDisposeScope();
        var logits = rand(2, 4);
        Assert.Same(logits, ClassMap.Create(Theirs, Same, Theirs, MissingClasses.Refuse).Apply(logits));
    }

    [Fact]
    public void Apply_PermutedSubset_IsNormalisedAgainOverIt()
    {
        using var scope = NewDisposeScope();
        var logits = rand(3, 4) * 4;
        var mapped = ClassMap.Create(Theirs, Same, ["ship", "cat"], MissingClasses.Refuse).Apply(logits).softmax(-1);
        var all = logits.softmax(-1);
        var kept = all[.., 3] + all[.., 0];
        Assert.True(mapped[.., 0].allclose(all[.., 3] / kept, 1e-4, 1e-6));
        Assert.True(mapped[.., 1].allclose(all[.., 0] / kept, 1e-4, 1e-6));
    }

    [Fact]
    public void Apply_ManyToOne_AddsTheirProbabilities()
    {
        using var scope = NewDisposeScope();
        var logits = rand(3, 4) * 4;
        var map = ClassMap.Create(Theirs, new Dictionary<string, string> { ["siamese"] = "cat", ["ship"] = "boat" }, ["dog", "cat", "boat"], MissingClasses.Refuse);
        var (mapped, all) = (map.Apply(logits).softmax(-1), logits.softmax(-1));
        Assert.True(mapped.allclose(stack([all[.., 2], all[.., 0] + all[.., 1], all[.., 3]], -1), 1e-4, 1e-6));
        Assert.Equal([0, 1, 2], map.Covered);
    }

    [Fact]
    public void Apply_OtherNumberOfOutputs_IsRefused()
    {
        using var scope = NewDisposeScope();
        var error = Assert.Throws<InvalidDataException>(() => ClassMap.Create(Theirs, Same, Theirs, MissingClasses.Refuse).Apply(rand(2, 5)));
        Assert.Contains("gives 5 outputs and has the names of 4 classes", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Create_ClassThatTheTeacherLacks_IsNamedOrLeftOut()
    {
        string[] ours = ["dog", "horse", "cat"];
        var error = Assert.Throws<ArgumentException>(() => ClassMap.Create(Theirs, Same, ours, MissingClasses.Refuse));
        Assert.Contains("no output for the class `horse`; its own are cat, siamese, dog, ship", error.Message, StringComparison.Ordinal);
        Assert.Equal([0, 2], ClassMap.Create(Theirs, Same, ours, MissingClasses.LeaveOut).Covered);
    }

    [Theory]
    [InlineData("kat", "cat", "the teacher has no class `kat`; did you mean `cat`?")]
    [InlineData("cat", "dig", "the data has no class `dig`; did you mean `dog`?")]
    public void Create_UnknownName_NamesTheNearest(string theirs, string ours, string message)
    {
        var error = Assert.Throws<ArgumentException>(() => ClassMap.Create(Theirs, new Dictionary<string, string> { [theirs] = ours }, ["dog", "cat"], MissingClasses.Refuse));
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Create_FewerThanTwoClassesInCommon_IsRefused() =>
        Assert.Contains("1 of the data's 3 classes", Assert.Throws<ArgumentException>(() => ClassMap.Create(Theirs, Same, ["cat", "a", "b"], MissingClasses.LeaveOut)).Message, StringComparison.Ordinal);

    [Fact]
    public void Create_NameThatOccursTwice_IsRefused() =>
        Assert.Contains("called `a`", Assert.Throws<ArgumentException>(() => ClassMap.Create(["a", "a"], Same, ["a"], MissingClasses.Refuse)).Message, StringComparison.Ordinal);
}
