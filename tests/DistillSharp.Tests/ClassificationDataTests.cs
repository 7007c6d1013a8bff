using DistillSharp.Data;
using DistillSharp.Recipes;

namespace DistillSharp.Tests;

public sealed class ClassificationDataTests
{
    [Fact]
    public void Source_ClassLeftOutAndTheRestUnlabelled_IsNotAmongIt()
    {
        var recipe = RecipeReader.Read(
            """
            data: {dataset: digits, train_samples: 100, leave_out: ["3"], unlabelled: rest}
            teacher: {model: mlp, widths: [8], all_samples: true}
            student: {model: mlp, widths: [8]}
            objective: {terms: [{method: soft_target}]}
            """, "rest", ".").Recipe;
        var whole = Digits.Load().Train;
        var labels = Enumerable.Range(0, whole.Count).ToDictionary(i => (long)whole.SampleId(i), i => whole.Label(i));
        var data = RunData.Load(recipe, null);
        var arms = Arms.Of(recipe).ToDictionary(arm => arm.Name);

        var seen = Labels("soft_target");
        Assert.Equal(9, seen.Distinct().Count());
        Assert.DoesNotContain(3, seen);
        Assert.True(seen.Count > 500);
        // A teacher of all samples has seen what its student has not.
        Assert.Contains(3, Labels("teacher"));

        List<int> Labels(string arm)
        {
            var found = new List<int>();
            foreach (var batch in data.Source(arms[arm], arms[arm].Plan.Stages[0], 0).Epoch(0, 0, TestContext.Current.CancellationToken))
            {
                using (batch)
                {
                    found.AddRange(batch.SampleIds.Select(id => labels[id]));
                }
            }

            return found;
        }
    }
}
