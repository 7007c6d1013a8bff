using DistillSharp.Config;
using DistillSharp.Methods.Logits;
using DistillSharp.Recipes;
using DistillSharp.Training;

namespace DistillSharp.Tests.Recipes;

public class RecipeReaderTests
{
    [Fact]
    public void Read_PlainDistillation_HoldsWhatWasWritten()
    {
        var recipe = RecipeText.Read(RecipeText.Plain).Recipe;

        Assert.Equal("test", recipe.Name);
        Assert.Equal("digits", recipe.Dataset.Entry.Name);
        Assert.Equal("small_cnn", recipe.Student.Entry.Name);
        Assert.Equal([0, 1, 2], recipe.Seeds);
        var (arm, plan) = Assert.Single(recipe.Objectives);
        Assert.Equal("soft_target", arm);
        var stage = Assert.Single(plan.Stages);
        Assert.Equal(0.1, stage.HardLabels.ValueAt(Progress.Start));
        Assert.Equal(3, stage.Training.Epochs);
        Assert.Equal(0.9, Assert.Single(stage.Terms).Weight.ValueAt(Progress.Start));
        Assert.Equal(["teacher", "plain", "soft_target"], Arms.Of(recipe).Select(each => each.Name));
    }

    [Fact]
    public void Read_FiveFaults_ReportsFiveAtTheirPlaces()
    {
        var faults = RecipeText.Faults(
            """
            data: {dataset: digitz}
            teacher: {model: mlp, widths: [64]}
            student: {model: small_cnn, channels: [4, 4], depht: 3}
            training: {epochs: 0}
            objective:
              terms:
                - {method: soft_target, temperature: hot}
                - {method: fitnet, student: layer9, teacher: hidden1}
            """);

        Assert.Equal(
            [(1, "data.dataset", "digitz"), (3, "student.depht", null), (4, "training.epochs", "0"), (7, "objective.terms[0].temperature", "hot"), (8, "objective.terms[1].student", "layer9")],
            faults.Select(fault => (fault.Line, fault.Path, fault.Value)).Order());
        Assert.Contains("did you mean `digits`?", faults.Single(fault => fault.Path == "data.dataset").Message, StringComparison.Ordinal);
        Assert.Contains("at least 1", faults.Single(fault => fault.Path == "training.epochs").Message, StringComparison.Ordinal);
        Assert.Contains("number above 0", faults.Single(fault => fault.Path == "objective.terms[0].temperature").Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_ModelWithoutItsPrefix_SuggestsThatWithIt()
    {
        Assert.Contains("did you mean `cifar_vgg8`? Known: cifar_vgg8, vgg,", RecipeText.OnlyFault(RecipeText.Plain, "teacher={model: vgg8}").Message, StringComparison.Ordinal);
        Assert.Contains("did you mean `vgg11`?", RecipeText.OnlyFault(RecipeText.Plain, "teacher={model: VGG11}").Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_UnknownFeaturePoint_ListsThoseThatExist()
    {
        var fault = RecipeText.OnlyFault(RecipeText.Start + "objective: {terms: [{method: fitnet, student: conv1, teacher: layer1}]}\n", "student.model=mlp", "student={model: mlp, widths: [8]}", "objective.terms[0].student=hidden1");

        Assert.Equal("objective.terms[0].teacher", fault.Path);
        Assert.Contains("the teacher mlp has no feature point `layer1`", fault.Message, StringComparison.Ordinal);
        Assert.Contains("hidden1", fault.Message, StringComparison.Ordinal);
        Assert.Contains("penultimate", fault.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("data={dataset: digits, mean: [0.5]}", "data.standard_deviation", "mean has 1, standard_deviation 0")]
    [InlineData("data={dataset: digits, mean: [0.5], standard_deviation: [0]}", "data.standard_deviation[0]", "above 0")]
    [InlineData("data={dataset: digits, mean: [0.5], standard_deviation: [0.2], normalise: false}", "data.normalise", "must be true")]
    public void Read_FaultyNormalisation_SaysWhereAndWhatWouldBeRight(string assignment, string path, string message)
    {
        var fault = RecipeText.OnlyFault(RecipeText.Plain, assignment);

        Assert.Equal(path, fault.Path);
        Assert.Contains(message, fault.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("trainig: {epochs: 3}", "trainig", "did you mean `training`?")]
    [InlineData("seeds: [1, 1]", "seeds", "seed 1 occurs twice")]
    [InlineData("seeds: []", "seeds", "at least one seed")]
    [InlineData("seeds: [0.5]", "seeds", "whole number")]
    [InlineData("name: ../elsewhere", "name", "letters, digits")]
    [InlineData("device: tpu", "device", "Known: cpu, cuda")]
    [InlineData("export: {arm: soft_targte}", "export.arm", "did you mean `soft_target`?")]
    [InlineData("tuning: {seed: 7}", "tuning", "must list learning_rate")]
    [InlineData("plugins: absent.dll", "plugins", "there is no file")]
    [InlineData("baselines: {label_smoothing: 1.5}", "baselines.label_smoothing", "at most 0.9")]
    [InlineData("baselines: {training: {label_smoothing: {learning_rate: 0.1}}}", "baselines.training.label_smoothing", "no such arm without `baselines.label_smoothing`")]
    [InlineData("export: {arm: label_smoothing}", "export.arm", "no such arm")]
    [InlineData("evaluation: [1]", "evaluation", "must be a map")]
    public void Read_FaultySection_SaysWhereAndWhatWouldBeRight(string section, string path, string message)
    {
        var fault = RecipeText.OnlyFault(RecipeText.Plain + section + "\n");

        Assert.StartsWith(path, fault.Path, StringComparison.Ordinal);
        Assert.Contains(message, fault.Message, StringComparison.Ordinal);
    }

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
    public void Read_PickleAsWeights_ExplainsWhatToGiveInstead() =>
        Assert.Contains("pickle", RecipeText.OnlyFault(RecipeText.Plain, "teacher.weights=teacher.pth").Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("", "must hold a map")]
    [InlineData("- 1", "must hold a map")]
    [InlineData("a: [", "not valid YAML")]
    [InlineData("a: 1\na: 2", "not valid YAML")]
    [InlineData("data: &d\n  dataset: digits\n  again: *d", "levels deep")]
    public void Read_NoRecipeAtAll_SaysSo(string text, string message) =>
        Assert.Contains(message, RecipeText.OnlyFault(text).Message, StringComparison.Ordinal);

    [Fact]
    public void Read_Overrides_WinOverTheText()
    {
        var recipe = RecipeText.Read(
            RecipeText.Plain, "training.epochs=9", "objective.terms[0].temperature={schedule: linear, from: 8, to: 2}", "seeds=[4]", "student.channels=[2, 2]").Recipe;

        var stage = recipe.Objectives["soft_target"].Stages[0];
        Assert.Equal(9, stage.Training.Epochs);
        Assert.Equal([4], recipe.Seeds);
        var temperature = ((SoftTargetOptions)stage.Terms[0].Options).Temperature;
        Assert.Equal(5, temperature.ValueAt(new Progress(5, 10)), 12);
        Assert.Contains("from: 8", YamlConfig.Write(recipe.Source), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("null")]
    [InlineData("~")]
    public void Read_NullForAKeyThatIsGiven_TakesItBack(string nothing)
    {
        var recipe = RecipeText.Read(RecipeText.Plain + "name: given\n", "data.train_samples=100", $"data.train_samples={nothing}", $"name={nothing}").Recipe;

        Assert.Null(recipe.Data.TrainSamples);
        Assert.Equal("test", recipe.Name);
        Assert.Equal(new TrainingOptions().Epochs, RecipeText.Read(RecipeText.Plain, $"training.epochs={nothing}").Recipe.Training.Epochs);
        Assert.Contains("missing", RecipeText.OnlyFault(RecipeText.Plain, $"objective.terms[0].method={nothing}").Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_NullForAKeyOfTheFormerModel_TakesItBack()
    {
        var recipe = RecipeText.Read(RecipeText.Plain, "student.model=mlp", "student.channels=null").Recipe;

        Assert.Equal("mlp", recipe.Student.Entry.Name);
        Assert.DoesNotContain("channels", YamlConfig.Write(recipe.Source), StringComparison.Ordinal);
    }

    [Fact]
    public void Read_NullForAKeyThatIsNotGiven_IsReadAsItsValue()
    {
        Assert.Contains("did you mean `train_samples`?", RecipeText.OnlyFault(RecipeText.Plain, "data.train_smaples=null").Message, StringComparison.Ordinal);
        Assert.Contains("whole number", RecipeText.OnlyFault(RecipeText.Plain, "training.batch_size=null").Message, StringComparison.Ordinal);
        Assert.Null(RecipeText.Read(RecipeText.Plain, "data.train_samples=null").Recipe.Data.TrainSamples);
    }

    [Theory]
    [InlineData("threads=0", "--set threads = 0: must be a whole number at least 1")]
    [InlineData("training={epochs: 3, batch_size: 0}", "--set training.batch_size = 0: must be")]
    [InlineData("evaluaton.latency=false", "--set evaluaton: unknown key")]
    [InlineData("data={dataset: digits, mean: [0.5]}", "--set data.standard_deviation: must have")]
    [InlineData("objective.terms[3].weight=2", "--set objective.terms[3]: there are 1 items")]
    [InlineData("objective.terms.weight=2", "--set objective.terms.weight: a list")]
    public void Read_FaultOfAnOverride_SaysSoAndHasNoLine(string assignment, string text)
    {
        var fault = RecipeText.OnlyFault(RecipeText.Plain, assignment);

        Assert.StartsWith(text, fault.ToString(), StringComparison.Ordinal);
        Assert.Equal((0, true), (fault.Line, fault.IsOverride));
    }

    [Fact]
    public void Read_FaultOfAValueToTry_HasTheLineOfTheRecipe()
    {
        var fault = RecipeText.OnlyFault(RecipeText.Start + "objective: {terms: [{method: soft_target}], tuning: {terms.0.temperature: [1, -2]}}\ntuning: {learning_rate: [1, 2]}\n");

        Assert.StartsWith("line 5: objective.terms[0].temperature = -2: must be", fault.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void ReadFile_FileWhoseNameNoRunCanHave_IsCalledLikeIt()
    {
        using var folder = new TemporaryFolder();

        Assert.Equal("my-recipe", RecipeReader.ReadFile(folder.Write("my recipe.yaml", RecipeText.Plain)).Recipe.Name);
    }

    [Fact]
    public void ReadFile_PairedTranslationRecipe_TakesTheWholeCorpusAsItSays()
    {
        var path = Repository.File("recipes", "text", "translation", "debian_en-it_paired.yaml");

        Assert.Null(RecipeReader.ReadFile(path, ["data.train_samples=null", "data.max_words=30"]).Recipe.Data.TrainSamples);
    }

    [Theory]
    [InlineData("training.epochs", "--set")]
    [InlineData("objective.terms.temperature=2", "objective.terms.temperature")]
    [InlineData("objective.terms[3].temperature=2", "objective.terms[3]")]
    [InlineData("training.epochs=[1", "--set")]
    public void Read_FaultyOverride_IsReported(string assignment, string path) =>
        Assert.Equal(path, RecipeText.OnlyFault(RecipeText.Plain, assignment).Path);

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

    [Fact]
    public void Read_LabelSmoothedStudent_CanBeExported() =>
        Assert.Equal("label_smoothing", Arms.Exported(RecipeText.Read(RecipeText.Plain + "baselines: {label_smoothing: 0.1}\nexport: {arm: label_smoothing}\n").Recipe));

    [Fact]
    public void Read_SeedOfASweepThatIsOneOfTheTable_IsSaid()
    {
        Assert.Contains("sweep.seed 2 is one of the table's seeds", Assert.Single(RecipeText.Read(RecipeText.Plain + "sweep: {seed: 2}\n").Warnings), StringComparison.Ordinal);
        Assert.Empty(RecipeText.Read(RecipeText.Plain + "sweep: {seed: 7}\n").Warnings);
    }

    [Fact]
    public void Read_OneSeed_WarnsThatThereIsNoInterval() =>
        Assert.Contains("one seed", Assert.Single(RecipeText.Read(RecipeText.Plain + "seeds: [5]\n").Warnings), StringComparison.Ordinal);

    public static TheoryData<string> ShippedRecipes() =>
        [.. Directory.GetFiles(Repository.File("recipes"), "*.yaml", SearchOption.AllDirectories).Select(path => Path.GetRelativePath(Repository.Root, path))];

    [Theory]
    [MemberData(nameof(ShippedRecipes))]
    public void ReadFile_ShippedRecipe_HasNoFault(string path)
    {
        try
        {
            Assert.NotEmpty(Arms.Of(RecipeReader.ReadFile(Repository.File(path)).Recipe));
        }
        catch (ConfigException error)
        {
            // Somebody else's teacher need not be on this machine.
            Assert.All(error.Errors, fault => Assert.Matches("there is no file .*`distill data get [a-z-]+` fetches it", fault.ToString()));
        }
    }
}
