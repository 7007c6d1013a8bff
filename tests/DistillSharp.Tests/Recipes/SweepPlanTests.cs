using System.Globalization;
using DistillSharp.Config;
using DistillSharp.Recipes;

namespace DistillSharp.Tests.Recipes;

/// <summary>What a sweep tries, without training.</summary>
public sealed class SweepPlanTests
{
    private const string Two =
        """
        data: {dataset: digits}
        teacher: {model: mlp, widths: [16], training: {learning_rate: 0.2}}
        student: {model: mlp, widths: [8]}
        training: {epochs: 4, learning_rate: 0.05}
        baselines: {plain: true, label_smoothing: 0.1}
        objectives:
          kd: {hard_labels: 0.1, terms: [{method: soft_target, temperature: 4, weight: 0.9}]}
          dkd: {terms: [{method: dkd}], training: {learning_rate: 0.02}}

        """;

    private const string Staged =
        """
        data: {dataset: digits}
        teacher: {model: mlp, widths: [16]}
        student: {model: mlp, widths: [8]}
        training: {epochs: 4, learning_rate: 0.05}
        objective:
          name: hint
          stages:
            - {name: first, epochs: 2, training: {learning_rate: 0.01}, terms: [{method: fitnet, student: hidden1, teacher: hidden1}]}
            - {epochs: 2, terms: [{method: soft_target}]}

        """;

    [Fact]
    public void Of_RecipeWithoutSpace_TriesRateTemperatureAndWeightWithAsManyTrialsAnArm()
    {
        var plan = Plan(Two + "sweep: {trials: 7}");
        Assert.Equal(["plain", "label_smoothing", "kd", "dkd"], plan.Arms.Select(arm => arm.Name));
        Assert.All(plan.Arms, arm => Assert.Equal(7, arm.Trials.Select(Text).Distinct().Count()));
        Assert.Equal(["training.learning_rate"], plan.Arms[0].Trials[0].Keys);
        Assert.Equal(["training.learning_rate", "baselines.label_smoothing"], plan.Arms[1].Trials[0].Keys);
        Assert.Equal(["training.learning_rate", "objectives.kd.terms.0.temperature", "objectives.kd.terms.0.weight"], plan.Arms[2].Trials[0].Keys);
        Assert.All(plan.Arms[2].Trials, trial =>
        {
            Assert.InRange(Number(trial["training.learning_rate"]), 0.01, 0.25);
            Assert.InRange(Number(trial["objectives.kd.terms.0.temperature"]), 1, 16);
            Assert.InRange(Number(trial["objectives.kd.terms.0.weight"]), 0.225, 3.6);
        });

        // What all try is tried in the same places by all.
        Assert.All(plan.Arms, arm => Assert.Equal(plan.Arms[0].Trials.Select(trial => trial["training.learning_rate"]), arm.Trials.Select(trial => trial["training.learning_rate"])));
    }

    [Fact]
    public void With_ChosenTrials_ChangesEveryArmAloneAndLeavesTheTeacher()
    {
        var plan = Plan(Two + "tuning: {learning_rate: [0.1]}\nsweep: {trials: 2, search: grid, space: {training.learning_rate: [0.3, 0.4]}}");
        var recipe = plan.With(new Dictionary<string, int> { ["plain"] = 1, ["label_smoothing"] = 0, ["kd"] = 0, ["dkd"] = 1 });
        var rates = Arms.Of(recipe).ToDictionary(arm => arm.Name, arm => arm.Plan.Stages[0].Training.LearningRate);
        Assert.Equal(new Dictionary<string, double> { ["teacher"] = 0.2, ["plain"] = 0.4, ["label_smoothing"] = 0.3, ["kd"] = 0.3, ["dkd"] = 0.4 }, rates);
        Assert.Null(recipe.Tuning);
        Assert.Equal(0.1, Arms.Of(recipe).First(arm => arm.Name == "label_smoothing").Plan.Stages[0].Training.LabelSmoothing);

        // What is written reads back as the same plans.
        var again = RecipeReader.Read(YamlConfig.Write(recipe.Source), "again", "/").Recipe;
        Assert.Equal(rates, Arms.Of(again).ToDictionary(arm => arm.Name, arm => arm.Plan.Stages[0].Training.LearningRate));
    }

    [Fact]
    public void With_KeysOfAllObjectives_AreSetWhereAnObjectiveHasThem()
    {
        var plan = Plan(Two + "sweep: {trials: 2, search: grid, space: {training.weight_decay: [0.001, 0.002], 'objectives.*.terms.0.temperature': [3, 5]}}");
        Assert.Equal(2, plan.Arms.Single(arm => arm.Name == "kd").Trials[0].Count);
        Assert.Single(plan.Arms.Single(arm => arm.Name == "dkd").Trials[0]);
    }

    [Fact]
    public void Of_KeyThatAStageGivesItself_NamesTheStagesKey()
    {
        var error = Assert.Throws<ConfigException>(() => Plan(Staged + "sweep: {trials: 2, space: {training.learning_rate: 0.01..0.1}}"));
        var fault = Assert.Single(error.Errors);
        Assert.Equal("sweep.space.training.learning_rate", fault.Path);
        Assert.Contains("try objective.stages.0.training.learning_rate as well", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Of_EpochsThatAStageGivesItself_NamesTheStagesKey()
    {
        var error = Assert.Throws<ConfigException>(() => Plan(Staged + "sweep: {trials: 2, space: {training.epochs: [4, 6]}}"));
        Assert.Equal(["try objective.stages.0.epochs as well", "try objective.stages.1.epochs as well"], error.Errors.Select(fault => fault.Message.Split("; ")[1].Split(',')[0]));
    }

    [Fact]
    public void With_KeyOfAStage_ReachesThatStage()
    {
        var plan = Plan(Staged + "sweep: {trials: 2, space: {training.learning_rate: 0.01..0.1, objective.stages.0.training.learning_rate: 0.001..0.002}}");
        var stages = plan.With(new Dictionary<string, int> { ["hint"] = 0 }).Objectives["hint"].Stages;
        Assert.InRange(stages[0].Training.LearningRate, 0.001, 0.002);
        Assert.InRange(stages[1].Training.LearningRate, 0.01, 0.1);
    }

    [Fact]
    public void Of_KeyThatEveryStageGivesItself_IsNotTriedInTheObjective()
    {
        var plan = Plan(Staged.Replace("{epochs: 2, terms", "{epochs: 2, training: {learning_rate: 0.03}, terms", StringComparison.Ordinal) + "sweep: {trials: 2}");
        var keys = plan.Arms.Single(arm => arm.Name == "hint").Trials[0].Keys;
        Assert.Equal(["objective.stages.0.training.learning_rate", "objective.stages.1.training.learning_rate"], keys.Where(key => key.EndsWith("learning_rate", StringComparison.Ordinal)));
    }

    [Fact]
    public void Of_TemperatureThatAWrappedMethodDoesNotTake_IsNotTried()
    {
        var plan = Plan(Two.Replace("{method: dkd}", "{method: logit_standardization, wraps: dkd}", StringComparison.Ordinal) + "sweep: {trials: 2}");
        Assert.Equal(["training.learning_rate", "objectives.dkd.terms.0.weight"], plan.Arms.Single(arm => arm.Name == "dkd").Trials[0].Keys);
    }

    [Fact]
    public void TrialArms_ChainOfAnObjective_AreRenamedTogetherAndShortened()
    {
        var plan = Plan(
            """
            data: {dataset: digits}
            student: {model: mlp, widths: [8]}
            training: {epochs: 4}
            objective: {scheme: {scheme: born_again, generations: 2}}
            sweep: {trials: 3, epochs: 1, space: {training.learning_rate: 0.01..0.1}}
            """);
        var links = plan.TrialArms("born_again", 2, new Dictionary<string, int> { ["plain"] = 1 });
        Assert.Equal(["born_again_1/trial-03", "born_again/trial-03"], links.Select(link => link.Name));
        Assert.Equal(["plain/trial-02", "born_again_1/trial-03"], links.Select(link => link.Teacher));
        Assert.All(links, link => Assert.Equal((1, 1000), (link.Plan.Epochs, Assert.Single(link.Seeds))));
        Assert.True(plan.LearnsFromPlain("born_again"));
        Assert.False(plan.LearnsFromPlain("plain"));
    }

    [Fact]
    public void Of_TeacherKey_TriesTheTeacherToo()
    {
        var plan = Plan(Two + "sweep: {trials: 2, space: {training.learning_rate: 0.01..0.1, teacher.training.learning_rate: 0.05..0.5}}");
        Assert.Equal("teacher", plan.Arms[0].Name);
        var best = plan.TrialArms("kd", 0, new Dictionary<string, int> { ["teacher"] = 1 });
        Assert.Equal("teacher", Assert.Single(best).Teacher);
    }

    [Theory]
    [InlineData("space: {student.widths: [[4], [8]]}", "sweep.space.student.widths", "must be a list of values")]
    [InlineData("space: {student.dropout: 0..0.5, training.learning_rate: 0.1..0.2}", "sweep.space.student.dropout", "belongs to no arm")]
    [InlineData("space: {objectives.kd.hard_labels: 0..1}", "sweep.space", "plain would try nothing")]
    [InlineData("trials: 5, space: {training.learning_rate: [0.1, 0.2]}", "sweep.trials", "only 2 different settings")]
    [InlineData("space: {training.learning_rate: 0.3..0.1}", "sweep.space.training.learning_rate", "above its `from`")]
    [InlineData("space: {training.learning_rate: {from: 0, to: 1, scale: log}}", "sweep.space.training.learning_rate", "above 0")]
    [InlineData("trials: 2, space: {training.momentum: [0.9, 1.5]}", "momentum", "1.5")]
    [InlineData("select: parameter_count", "sweep.select", "no metric")]
    public void Of_FaultySpace_SaysWhatWouldBeRight(string sweep, string path, string message)
    {
        var error = Assert.Throws<ConfigException>(() => Plan($"{Two}sweep: {{{sweep}}}"));
        Assert.Contains(error.Errors, fault => fault.Path.Contains(path, StringComparison.Ordinal) && fault.ToString().Contains(message, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("{training.learning_rate: 0.3..0.1}", true)]
    [InlineData("{training.momentum: [0.9, 1.5]}", false)]
    public void Of_FaultOfASpaceThatAnOverrideGives_HasNoLine(string space, bool isOverride)
    {
        var recipe = RecipeReader.Read(Two, "sweep", "/", ["sweep.trials=2", $"sweep.space={space}"]).Recipe;

        Assert.All(Assert.Throws<ConfigException>(() => SweepPlan.Of(recipe)).Errors.Where(fault => fault.Value is not null), fault => Assert.Equal((0, isOverride), (fault.Line, fault.IsOverride)));
    }

    [Fact]
    public void Draw_LowDiscrepancy_HasOneValueInEveryEighthOfEachDimension()
    {
        SweepDimension[] space = [SweepDimension.Between("a", 1, 100), SweepDimension.Between("b", 0, 1)];
        var drawn = SweepSampler.Draw(SweepSearch.LowDiscrepancy, space, 8, 3);
        // Halton's base 2 fills each of 8 equal parts once; the scale is logarithmic from 1 to 100. A shift moves all of them alike.
        var places = drawn.Select(values => Math.Log(Number(values[0]), 100)).Order().ToList();
        Assert.All(places.Zip(places.Skip(1)), pair => Assert.Equal(1.0 / 8, pair.Second - pair.First, 0.003));
        Assert.All(drawn, values => Assert.InRange(Number(values[1]), 0, 1));
        Assert.Equal(drawn, SweepSampler.Draw(SweepSearch.LowDiscrepancy, space, 8, 3));
        Assert.NotEqual(drawn, SweepSampler.Draw(SweepSearch.LowDiscrepancy, space, 8, 4));
    }

    [Fact]
    public void Draw_Random_ShiftsWithSeedAndStaysInRange()
    {
        SweepDimension[] space = [SweepDimension.Between("a", 0.01, 1)];
        var numbers = SweepSampler.Draw(SweepSearch.Random, space, 200, 1).Select(values => Number(values[0])).ToList();
        Assert.All(numbers, number => Assert.InRange(number, 0.01, 1));
        // The middle of a logarithmic scale is the geometric mean.
        Assert.InRange(numbers.Count(number => number < 0.1), 80, 120);
    }

    [Fact]
    public void Draw_GridOfListAndRange_HasEndsOfTheRangeAndEveryValueOfTheList()
    {
        var errors = new ConfigErrors();
        var list = SweepDimension.Read("b", YamlConfig.Parse("b: [1, 2]", errors)!.Get("b")!, new ConfigBinder(errors))!;
        var drawn = SweepSampler.Draw(SweepSearch.Grid, [SweepDimension.Between("a", 0.1, 10), list], 6, 0);
        Assert.Equal(
            ["0.1 1", "0.1 2", "1 1", "1 2", "10 1", "10 2"], drawn.Select(values => string.Join(' ', values)));
    }

    [Theory]
    [InlineData(1, 2, 0.5)]
    [InlineData(6, 2, 0.375)]
    [InlineData(5, 3, 7.0 / 9)]
    public void RadicalInverse_KnownNumbers_MirrorsDigits(int number, int radix, double expected) => Assert.Equal(expected, SweepSampler.RadicalInverse(number, radix), 1e-12);

    private static SweepPlan Plan(string text) => SweepPlan.Of(RecipeReader.Read(text, "sweep", "/").Recipe);

    private static string Text(Dictionary<string, string> settings) => string.Join(' ', settings.Values);

    private static double Number(string text) => double.Parse(text, CultureInfo.InvariantCulture);
}
