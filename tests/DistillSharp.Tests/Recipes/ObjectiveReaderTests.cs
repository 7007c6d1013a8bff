using DistillSharp.Config;
using DistillSharp.Recipes;
using DistillSharp.Training;

namespace DistillSharp.Tests.Recipes;

/// <summary>What a recipe says of its objectives: terms, stages, schemes and students.</summary>
public class ObjectiveReaderTests
{
    [Theory]
    [InlineData("objective: {terms: {method: soft_target}}", "objective.terms", "must be a list of terms")]
    [InlineData("objective: {terms: [{method: soft_target}], tuning: {terms.0.temperature: [1, -2]}}\ntuning: {learning_rate: [1, 2]}", "objective.terms[0].temperature", "number above 0")]
    [InlineData("objective: {terms: [{method: soft_target}], tuning: {terms.0.temprature: [2]}}\ntuning: {learning_rate: [1]}", "objective.terms[0].temprature", "did you mean `temperature`?")]
    [InlineData("objective: {terms: [{method: soft_target}], tuning: {terms.1.temperature: [2]}}\ntuning: {learning_rate: [1]}", "objective.terms[1]", "there are 1 items")]
    [InlineData("objective: {terms: [{method: soft_target}], tuning: {terms.0.temperature: 2}}\ntuning: {learning_rate: [1]}", "objective.tuning.terms.0.temperature", "must be a list of values")]
    [InlineData("objective: {terms: [{method: soft_target}], tuning: [1]}\ntuning: {learning_rate: [1]}", "objective.tuning", "must be a map of keys")]
    [InlineData("objective: {terms: [{method: soft_target}], tuning: {terms.0.temperature: [1, 2]}}", "tuning", "list as many settings")]
    [InlineData("objective: {terms: [{method: soft_target}], tuning: {student.channels: [2, 4]}}\ntuning: {learning_rate: [1]}", "objective.tuning.student.channels", "as objective.student.channels of sweep.space")]
    [InlineData("objective: {terms: [{method: soft_target}], tuning: {targets.beam: [2, 4]}}\ntuning: {learning_rate: [1]}", "objective.tuning.targets.beam", "the same in all trials")]
    [InlineData("objective: {terms: [{method: soft_target}], tuning: {name: [a, b]}}\ntuning: {learning_rate: [1]}", "objective.tuning.name", "leave it out")]
    [InlineData("objective: {terms: [{method: soft_target}], epochs: 3, tuning: {training.epochs: [2, 4]}}\ntuning: {learning_rate: [1, 2]}", "objective.tuning.training.epochs", "`epochs` stands before training.epochs; try epochs")]
    [InlineData("objective: {terms: [{method: soft_target}], tuning: {epochs: [3], training.epochs: [2]}}\ntuning: {learning_rate: [1]}", "objective.tuning.training.epochs", "changes nothing")]
    [InlineData("objective: {stages: [{epochs: 1, terms: [{method: soft_target}]}, {epochs: 2}], tuning: {stages.1.training.epochs: [2]}}\ntuning: {learning_rate: [1]}", "objective.tuning.stages.1.training.epochs", "try stages.1.epochs")]
    [InlineData("objective: {stages: [{epochs: 1, terms: [{method: soft_target}], training: {learning_rate: 0.1}}, {epochs: 2}], tuning: {training.learning_rate: [0.1]}}\ntuning: {learning_rate: [1]}", "objective.tuning.training.learning_rate", "try stages.0.training.learning_rate as well")]
    [InlineData("objective: {stages: [{epochs: 3, terms: [{method: soft_target}], training: {learning_rate: 0.1}}], tuning: {training.learning_rate: [0.1], 'stages[0].training.learning_rate': [0.2]}}\ntuning: {learning_rate: [1]}", "objective.tuning.training.learning_rate", "reaches no stage")]
    [InlineData("objective: {terms: [soft_target]}", "objective.terms[0]", "must be a map")]
    [InlineData("objective: {terms: []}", "objective.terms", "without terms nothing is learned")]
    [InlineData("objective: {stages: [{epochs: 3}]}", "objective.terms", "without terms nothing is learned")]
    [InlineData("objective: {stages: 3}", "objective.stages", "must be a list of stages")]
    [InlineData("objective: {terms: [], stages: [{terms: [{method: soft_target}]}]}", "objective.terms", "give terms within the stages")]
    [InlineData("objective: {hard_labels: 0.5, stages: [{terms: [{method: soft_target}]}]}", "objective.hard_labels", "give hard_labels within the stages")]
    [InlineData("objective: {epochs: 4, stages: [{terms: [{method: soft_target}]}]}", "objective.epochs", "give epochs within the stages")]
    [InlineData("objective: {train_up_to: layer1, stages: [{terms: [{method: soft_target}]}]}", "objective.train_up_to", "give train_up_to within the stages")]
    [InlineData("objective: soft_target", "objective", "must be a map")]
    [InlineData("objectives: [{terms: [{method: soft_target}]}]", "objectives", "must be a map of arm names")]
    [InlineData("objectives: {}", "objective", "missing")]
    [InlineData("objectives: {plain: {terms: [{method: soft_target}]}}", "objectives.plain.name", "is taken")]
    [InlineData("objectives: {kd: {terms: [{method: soft_target}], name: other}}", "objectives.kd.name", "is called by its key, kd")]
    [InlineData("objectives: {../../x: {terms: [{method: soft_target}]}}", "objectives.../../x", "becomes a folder")]
    [InlineData("objective: {terms: [{method: soft_target, teacher: penultimate}]}", "objective.terms[0].teacher", "looks at no features of the teacher")]
    [InlineData("objective: {terms: [{method: soft_target, student: [layer1, penultimate]}]}", "objective.terms[0].student", "name one point")]
    [InlineData("objective: {terms: [{method: soft_target, student: layer9}]}", "objective.terms[0].student", "no feature point `layer9`")]
    [InlineData("objective: {terms: [{method: soft_target, hard: true, outputs: sigmoid}]}", "objective.terms[0].hard", "outputs that are classes")]
    [InlineData("objective: {terms: [{method: soft_target, name: hard_labels}]}", "objective.terms[0].name", "hard-label part")]
    [InlineData("objective: {terms: [{method: soft_targets}]}", "objective.terms[0].method", "did you mean `soft_target`?")]
    [InlineData("objective: {terms: [{method: fitnet}]}", "objective.terms[0].method", "name a feature point on each side")]
    [InlineData("objective: {terms: [{method: similarity, student: penultimate, teacher: [hidden1, penultimate]}]}", "objective.terms[0]", "1 student and 2 teacher")]
    [InlineData("objective: {terms: [{method: rkd, student: penultimate, teacher: penultimate}], training: {accumulate: 2}}", "objective.training", "accumulate must be 1")]
    [InlineData("objective: {terms: [{method: soft_target, weight: {schedule: linear, from: 1, to: -1}}]}", "objective.terms[0].weight", "it runs from -1 to 1")]
    [InlineData("objective: {terms: [{method: soft_target, weight: {from: 4, to: 1}}]}", "objective.terms[0].weight.to", "it is for linear, cosine or warm_up")]
    [InlineData("objective: {terms: [{method: soft_target, weight: {schedule: steps, from: 4, at: [2], until: 3}}]}", "objective.terms[0].weight.until", "does nothing with `schedule: steps`")]
    [InlineData("objective: {terms: [{method: soft_target, weight: {schedule: steps, at: [2]}}]}", "objective.terms[0].weight.from", "is 0 throughout")]
    [InlineData("objective: {terms: [{method: soft_target, weight: {schedule: steps, from: 4}}]}", "objective.terms[0].weight.at", "stays as it is")]
    [InlineData("objective: {terms: [{method: soft_target, weight: {schedule: linear, from: 4, factor: 0.5}}]}", "objective.terms[0].weight.factor", "it is for steps")]
    [InlineData("objective: {terms: [{method: soft_target, weight: {schedule: warm_up, until: 2}}]}", "objective.terms[0].weight.to", "is 0 throughout")]
    [InlineData("objective: {terms: [{method: soft_target, weight: {schedule: warm_up, from: 1, to: 2}}]}", "objective.terms[0].weight.from", "rises from 0")]
    [InlineData("objective: {terms: [{method: soft_target, weight: {schedule: linear, from: 4, start: 2, until: 1}}]}", "objective.terms[0].weight.until", "at least start (2)")]
    [InlineData("objective: {terms: [{method: soft_target, weight: {schedule: linaer, from: 4, to: 1}}]}", "objective.terms[0].weight.schedule", "did you mean `linear`?")]
    [InlineData("objective: {terms: [{method: logit_standardization, wraps: dkd, temperature: 3}]}", "objective.terms[0].temperature", "dkd takes the one of `with`")]
    [InlineData("objective: {terms: [{method: logit_standardization, temperature: 3, with: {temperature: 2}}]}", "objective.terms[0].temperature", "soft_target takes the one of `with`")]
    [InlineData("objective: {terms: [{method: soft_target}], training: {milestones: [2]}}", "objective.training.milestones", "does nothing without `schedule: multistep`")]
    [InlineData("objective: {terms: [{method: soft_target}], training: {schedule: linear, step_epochs: 2}}", "objective.training.step_epochs", "does nothing without `schedule: step`")]
    [InlineData("objective: {terms: [{method: soft_target}], training: {decay: 0.2}}", "objective.training.decay", "does nothing without `schedule: step` or `schedule: multistep`")]
    [InlineData("objective: {terms: [{method: soft_target}], training: {schedule: multistep, milestones: [1], final_learning_rate: 0.01}}", "objective.training.final_learning_rate", "does nothing without `schedule: cosine` or")]
    [InlineData("objective: {terms: [{method: soft_target}], training: {warm_up_epochs: 2}, epochs: 1}", "objective.training.warm_up_epochs", "at most epochs (1)")]
    [InlineData("objective: {stages: [{terms: [{method: soft_target}], training: {warm_up_epochs: 2}, epochs: 1}]}", "objective.stages[0].training.warm_up_epochs", "at most epochs (1)")]
    [InlineData("objective: {terms: [{method: soft_target}], train_up_to: layer9}", "objective.train_up_to", "no feature point `layer9`")]
    [InlineData("objective: {student: {model: mlp, widths: [8]}, terms: [{method: soft_target}], train_up_to: layer1}", "objective.train_up_to", "the student mlp has no feature point `layer1`")]
    [InlineData("objective: {student: {model: mlp, widths: [8, 8]}, scheme: {scheme: self_distillation, heads: [layer1]}}", "objective.scheme.heads", "the student mlp has no feature point `layer1`")]
    [InlineData("objective: {stages: [{name: a, terms: [{method: soft_target}]}, {name: a}]}", "objective.stages[1].name", "two stages")]
    [InlineData("objective: {scheme: {scheme: self_distillation, heads: []}}", "objective.scheme.heads", "at least one feature point")]
    [InlineData("objective: {scheme: {scheme: self_distillation, heads: [layer9]}}", "objective.scheme.heads", "no feature point `layer9`")]
    [InlineData("objective: {scheme: {scheme: self_distillation, heads: [layer1]}, train_up_to: layer1}", "objective.train_up_to", "trains the whole student")]
    [InlineData("objective: {scheme: {scheme: mutual_learning, peers: [{model: mlp}, {model: mlp}]}}", "objective.scheme.count", "set count to 3 or more")]
    [InlineData("objective: {scheme: {scheme: mutual_learning, peers: [{model: mlpp}]}}", "objective.scheme.peers[0].model", "did you mean `mlp`?")]
    [InlineData("objective: {scheme: last_batch_self, training: {accumulate: 2}}", "objective.training.accumulate", "must be 1: last_batch_self")]
    [InlineData("objective: {scheme: {scheme: class_wise_self, temperature: 0}}", "objective.scheme.temperature", "above 0")]
    [InlineData("objective: {scheme: mutual_learning, stages: [{name: a, epochs: 1}, {name: b, epochs: 2}]}", "objective.stages", "would forget it between stages")]
    [InlineData("objective: {scheme: mutual_learning, terms: [{method: soft_target}]}", "objective.terms", "has no teacher that terms could use")]
    [InlineData("objective: {scheme: born_again, terms: []}", "objective.terms", "leave `terms` out for soft_target")]
    [InlineData("objective: {scheme: born_again, stages: [{name: a, epochs: 1}, {name: b, epochs: 2, terms: []}]}", "objective.stages", "give a stage terms, such as soft_target")]
    [InlineData("objective: {scheme: self_destillation}", "objective.scheme", "did you mean `self_distillation`?")]
    [InlineData("objectives: {first: {terms: [{method: soft_target}]}, second: {taught_by: first, terms: []}}", "objectives.second.taught_by", "does nothing without")]
    [InlineData("objectives: {first: {terms: [{method: soft_target}]}, second: {taught_by: first, terms: [{method: soft_target}], tuning: {taught_by: [first]}}}\ntuning: {learning_rate: [0.1]}", "objectives.second.tuning.taught_by", "cannot be tried")]
    [InlineData("objective: {taught_by: first, terms: [{method: soft_target}]}", "objective.taught_by", "there is none")]
    [InlineData("objectives: {first: {terms: [{method: soft_target}]}, second: {taught_by: frst, terms: [{method: soft_target}]}}", "objectives.second.taught_by", "did you mean `first`?")]
    [InlineData("objectives: {first: {taught_by: second, terms: [{method: soft_target}]}, second: {terms: [{method: soft_target}]}}", "objectives.first.taught_by", "no objective before this one")]
    [InlineData("objectives: {first: {terms: [{method: soft_target}]}, second: {taught_by: first, scheme: mutual_learning}}", "objectives.second.taught_by", "says itself who teaches")]
    [InlineData("objectives: {first: {terms: [{method: soft_target}]}, second: {stages: [{taught_by: first, terms: [{method: soft_target}]}]}}", "objectives.second.stages[0].taught_by", "of the whole objective")]
    public void Read_FaultyObjective_SaysWhereAndWhatWouldBeRight(string objective, string path, string message)
    {
        var fault = RecipeText.OnlyFault(RecipeText.Start + objective + "\n");

        Assert.Equal(path, fault.Path);
        Assert.Contains(message, fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_TermsWithoutTeacher_SaysThatItIsMissing() =>
        Assert.Equal("teacher", RecipeText.OnlyFault(RecipeText.Plain.Replace("teacher: {model: mlp, widths: [64]}\n", "", StringComparison.Ordinal)).Path);

    [Fact]
    public void Read_TermThatReadsNoTeacher_NeedsNone() =>
        Assert.Null(RecipeText.Read("data: {dataset: digits}\nstudent: {model: mlp, widths: [8]}\nobjective: {terms: [{method: virtual_teacher}]}\n").Recipe.Teacher);

    [Fact]
    public void Read_TrainingOfTeacherObjectiveAndStage_ChangesSingleKeys()
    {
        var recipe = RecipeText.Read(
            """
            data: {dataset: digits}
            teacher: {model: mlp, widths: [64], training: {epochs: 40}}
            student: {model: mlp, widths: [8]}
            training: {epochs: 6, learning_rate: 0.2, batch_size: 16}
            objective:
              training: {learning_rate: 0.1}
              stages:
                - {name: hint, epochs: 2, train_up_to: hidden1, hard_labels: 0, terms: [{method: fitnet, student: hidden1, teacher: hidden1}]}
                - {epochs: 4, terms: [{method: soft_target}], training: {batch_size: 8}}
            """).Recipe;

        Assert.Equal((40, 0.2, 16), Keys(recipe.Teacher!.Training));
        var stages = recipe.Objectives["fitnet"].Stages;
        Assert.Equal((2, 0.1, 16), Keys(stages[0].Training));
        Assert.Equal((4, 0.1, 8), Keys(stages[1].Training));
        Assert.Equal("hidden1", stages[0].TrainUpTo);
        Assert.Equal(["hint", "stage2"], stages.Select(stage => stage.Name));

        static (int Epochs, double Rate, int Batch) Keys(TrainingOptions training) => (training.Epochs, training.LearningRate, training.BatchSize);
    }

    [Fact]
    public void Read_StagesLongerThanPlain_WarnsThatEpochsDiffer()
    {
        var warnings = RecipeText.Read(RecipeText.Start + "objective: {stages: [{epochs: 3, terms: [{method: soft_target}]}, {epochs: 1}]}\n").Warnings;

        Assert.Contains("trains 4 epochs and the plain student 3", Assert.Single(warnings), StringComparison.Ordinal);
    }

    [Fact]
    public void Read_PlainStudentWithEpochsOfItsOwn_IsComparedByThem()
    {
        const string Own = "baselines: {training: {plain: {epochs: 6}}}\n";

        Assert.Contains("trains 3 epochs and the plain student 6", Assert.Single(RecipeText.Read(RecipeText.Plain + Own).Warnings), StringComparison.Ordinal);
        Assert.Empty(RecipeText.Read(RecipeText.Plain + Own, "objective.epochs=6").Warnings);
    }

    [Fact]
    public void Read_EpochsInAnotherNotation_AreComparedAsTheyAreTrained()
    {
        Assert.Empty(RecipeText.Read(RecipeText.Plain, "training.epochs=1e3").Warnings);
        Assert.Empty(RecipeText.Read(RecipeText.Plain, "baselines.training.plain.epochs=1e1", "objective.epochs=10").Warnings);
        Assert.Contains("trains 3 epochs and the plain student 1000", Assert.Single(RecipeText.Read(RecipeText.Plain, "baselines.training.plain.epochs=1e3").Warnings), StringComparison.Ordinal);
    }

    [Fact]
    public void Read_FewerEpochsInTheGridThanWarmUp_IsRefusedForEveryArm()
    {
        var faults = RecipeText.Faults(RecipeText.Plain + "tuning: {epochs: [1, 4]}\n", "training.warm_up_epochs=2");

        Assert.Equal(["tuning.epochs", "tuning.epochs"], faults.Select(fault => fault.Path));
        Assert.StartsWith("plain would train a stage for 1, and its warm_up_epochs are 2", faults[0].Message, StringComparison.Ordinal);
        Assert.StartsWith("soft_target", faults[1].Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_MilestonesOfAScheduleThatAnObjectiveChanges_AreFine()
    {
        var recipe = RecipeText.Read(RecipeText.Plain, "training={epochs: 3, schedule: multistep, milestones: [2]}", "objective.training={schedule: cosine}").Recipe;

        Assert.Equal(LearningRateShape.Cosine, recipe.Objectives["soft_target"].Stages[0].Training.Schedule);
    }

    [Fact]
    public void Read_KeysOfAScheduleThatAnObjectiveChanges_AreFine()
    {
        var recipe = RecipeText.Read(
            RecipeText.Plain, "training={epochs: 30, schedule: multistep, milestones: [20], decay: 0.2}", "objective.training={schedule: linear, final_learning_rate: 0.01}").Recipe;

        Assert.Equal(LearningRateShape.Linear, recipe.Objectives["soft_target"].Stages[0].Training.Schedule);
    }

    [Fact]
    public void Read_FeaturePointsOfAnObjectivesOwnStudent_AreItsOwn() =>
        Assert.Equal("hidden1", RecipeText.Read(RecipeText.Plain, "objective.student={model: mlp, widths: [8]}", "objective.train_up_to=hidden1").Recipe.Objectives["soft_target"].Stages[0].TrainUpTo);

    [Fact]
    public void Read_ObjectiveTaughtByAnEarlierOne_HasItsStudentAsTeacher()
    {
        const string Second = "objectives: {first: {student: {model: mlp, widths: [8]}, terms: [{method: soft_target}]}, second: {taught_by: first, terms: [{method: similarity, student: penultimate, teacher: hidden1}]}}\n";
        var recipe = RecipeText.Read(RecipeText.Start + Second).Recipe;

        Assert.Contains("second trains 3 epochs after those of first", Assert.Single(RecipeText.Read(RecipeText.Start + Second).Warnings), StringComparison.Ordinal);
        Assert.Equal("first", Arms.Of(recipe).Single(arm => arm.Name == "second").Teacher);
        Assert.Equal("teacher", Arms.Of(recipe).Single(arm => arm.Name == "first").Teacher);
        Assert.Contains("leave it out", Assert.Single(Assert.Throws<ConfigException>(() => SweepPlan.Of(recipe)).Errors).Message, StringComparison.Ordinal);
    }
}
