using DistillSharp.Config;
using DistillSharp.Tests.Recipes;
using DistillSharp.Training;
using static TorchSharp.torch;

namespace DistillSharp.Tests.Training;

/// <summary>Weights and temperatures that change in training, from the recipe's text to the loss.</summary>
public sealed class AnnealingTests
{
    [Theory]
    [InlineData("{schedule: constant, from: 3}", 0, 3)]
    [InlineData("{schedule: linear, from: 4, to: 1}", 0, 4)]
    [InlineData("{schedule: linear, from: 4, to: 1}", 2.5, 3.25)]
    [InlineData("{schedule: linear, from: 4, to: 1}", 10, 1)]
    [InlineData("{schedule: linear, from: 4, to: 1, start: 2, until: 5}", 1, 4)]
    [InlineData("{schedule: linear, from: 4, to: 1, start: 2, until: 5}", 4, 2)]
    [InlineData("{schedule: linear, from: 4, to: 1, start: 2, until: 5}", 7, 1)]
    [InlineData("{schedule: cosine, from: 4, to: 2}", 5, 3)]
    [InlineData("{schedule: cosine, from: 4, to: 2}", 2.5, 3.7071067811865475)]
    [InlineData("{schedule: warm_up, to: 2, until: 4}", 1, 0.5)]
    [InlineData("{schedule: warm_up, to: 2, until: 4}", 9, 2)]
    [InlineData("{schedule: steps, from: 8, at: [3, 6], factor: 0.5}", 2.9, 8)]
    [InlineData("{schedule: steps, from: 8, at: [3, 6], factor: 0.5}", 3, 4)]
    [InlineData("{schedule: steps, from: 8, at: [3, 6], factor: 0.5}", 6, 2)]
    public void ValueAt_ScheduleOfARecipe_IsTheValueByHand(string weight, double epoch, double expected)
    {
        var term = Terms($"weight: {weight}").Weight;
        Assert.Equal(expected, term.ValueAt(new Progress(epoch, 10)), 1e-12);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1.5)]
    [InlineData(4)]
    public void Compute_AnnealedTemperatureAndWeights_LossIsThatOfTheMoment(double epoch)
    {
        using var scope = NewDisposeScope();
        var test = new TrainingCase();
        using var student = test.Mlp(6, 4);
        using var teacher = test.Mlp(6, 5);
        var plan = Recipe(
            "{hard_labels: {schedule: linear, from: 0, to: 1}, terms: [{method: soft_target, temperature: {schedule: linear, from: 5, to: 1}, weight: {schedule: linear, from: 2, to: 0}}]}");
        var source = SchemeCase.Loader(TrainingCase.Samples(5, [6]), 5, plan.Scheme);
        using var task = SchemeCase.Task(plan.Scheme, SchemeCase.Mlp(4), student, plan.Stages[0], source, teacher);
        using var batch = SchemeCase.First(source);
        var parts = task.Compute(batch, new Progress(epoch, 4)).ToDictionary(part => part.Name);

        var (own, other) = (SchemeCase.Rows(student.Logits(batch)), SchemeCase.Rows(teacher.Logits(batch)));
        var temperature = 5 - epoch;
        SchemeCase.AssertPart(parts["soft_target"], 2 - (epoch / 2), own.Zip(other, (a, b) => SchemeCase.Divergence(a, b, temperature)).Sum(), 5);
        Assert.Equal(epoch > 0, parts.TryGetValue("hard_labels", out var hard));
        Assert.Equal(epoch / 4, hard.Weight, 1e-12);
    }

    private static DistillSharp.Methods.MethodPlan Terms(string keys) => Recipe($"{{terms: [{{method: soft_target, {keys}}}]}}").Stages[0].Terms[0];

    private static ObjectivePlan Recipe(string objective) =>
        Assert.Single(RecipeText.Read(RecipeText.Start + "objective: " + objective + "\n").Recipe.Objectives.Values);
}
