using DistillSharp.Config;
using DistillSharp.Sequences;

namespace DistillSharp.Tests.Sequences;

public class EditDistanceTests
{
    [Theory]
    [InlineData("kitten", "sitting", 3)]
    [InlineData("", "abc", 3)]
    [InlineData("abc", "", 3)]
    [InlineData("", "", 0)]
    [InlineData("same", "same", 0)]
    [InlineData("abcdef", "azced", 3)]
    public void Between_KnownPairs_AreTheirDistance(string reference, string hypothesis, int distance)
    {
        Assert.Equal(distance, EditDistance.Between(reference.ToCharArray(), hypothesis.ToCharArray()));
        Assert.Equal(distance, EditDistance.Count(reference.ToCharArray(), hypothesis.ToCharArray()).Errors);
    }

    [Fact]
    public void Count_RandomPairs_AgreesWithTheDistanceAndTheAlignmentIsOne()
    {
        var random = new Random(3);
        for (var trial = 0; trial < 200; trial++)
        {
            var (reference, hypothesis) = (Letters(random), Letters(random));
            var edits = EditDistance.Align(reference.ToCharArray(), hypothesis.ToCharArray());
            Assert.Equal(NearestName.Distance(reference, hypothesis), edits.Count(edit => edit.Kind != EditKind.Match));
            Assert.Equal(Enumerable.Range(0, reference.Length), edits.Where(edit => edit.Reference >= 0).Select(edit => edit.Reference));
            Assert.Equal(Enumerable.Range(0, hypothesis.Length), edits.Where(edit => edit.Hypothesis >= 0).Select(edit => edit.Hypothesis));
            Assert.All(edits.Where(edit => edit is { Reference: >= 0, Hypothesis: >= 0 }), edit =>
                Assert.Equal(edit.Kind == EditKind.Match, reference[edit.Reference] == hypothesis[edit.Hypothesis]));
        }
    }

    [Fact]
    public void Align_HandWorkedSentence_NamesEveryError()
    {
        var edits = EditDistance.Align("the cat sat on mat".Split(' '), "a cat sat on the mat now".Split(' '));
        Assert.Equal(
            [
                new Edit(EditKind.Substitution, 0, 0), new Edit(EditKind.Match, 1, 1), new Edit(EditKind.Match, 2, 2), new Edit(EditKind.Match, 3, 3),
                new Edit(EditKind.Insertion, -1, 4), new Edit(EditKind.Match, 4, 5), new Edit(EditKind.Insertion, -1, 6),
            ],
            edits);
    }

    [Fact]
    public void Between_OwnComparer_Decides() =>
        Assert.Equal(0, EditDistance.Between(["A", "b"], ["a", "B"], StringComparer.OrdinalIgnoreCase));

    private static string Letters(Random random) => new([.. Enumerable.Range(0, random.Next(9)).Select(_ => (char)('a' + random.Next(3)))]);
}
