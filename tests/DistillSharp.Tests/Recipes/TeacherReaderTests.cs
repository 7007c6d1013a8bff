using DistillSharp.Methods.Logits;
using DistillSharp.Recipes;
using DistillSharp.Teachers;
using DistillSharp.Tests.Teachers;

namespace DistillSharp.Tests.Recipes;

/// <summary>What recipes say of several teachers, of assistants and of generations.</summary>
public sealed class TeacherReaderTests
{
    private const string Start =
        """
        data: {dataset: digits}
        student: {model: small_cnn, channels: [4, 4]}
        training: {epochs: 3}

        """;

    private const string Teachers = Start +
        """
        teachers:
          wide: {model: mlp, widths: [64], training: {epochs: 9}}
          deep: {model: small_cnn, channels: [8, 8], seed: 5}
          combine: confidence_weighted
          temperature: 3

        """;

    private const string OneTeacher = Start + "teacher: {model: mlp, widths: [64]}\n";

    private const string SoftTarget = "objective: {terms: [{method: soft_target}]}\n";

    [Fact]
    public void Read_SeveralTeachers_HaveKeysOfTheirOwnAndACombiner()
    {
        var recipe = RecipeText.Read(Teachers + SoftTarget).Recipe;

        Assert.Null(recipe.Teacher);
        Assert.Equal(new CombinerOptions { Combine = Combination.ConfidenceWeighted, Temperature = 3 }, recipe.Teachers!.Combiner);
        Assert.Equal([("wide", "mlp", 9, null), ("deep", "small_cnn", 3, 5)], recipe.Teachers.Members.Select(member => (
            member.Key, member.Value.Model!.Entry.Name, member.Value.Training.Epochs, member.Value.Seed)));
        var arms = Arms.Of(recipe);
        Assert.Equal(
            ["teacher.wide: 0", "teacher.deep: 5", "teacher: 0", "plain: 0 1 2", "soft_target: 0 1 2"], arms.Select(arm => $"{arm.Name}: {string.Join(" ", arm.Seeds)}"));
        Assert.Equal(["teacher.wide", "teacher.deep"], arms.Single(arm => arm.Name == "teacher").Ensemble!.Members.Values);
    }

    [Theory]
    [InlineData("teachers.combine=mean", "teachers.combine", "Known: ")]
    [InlineData("teachers.temperature=0", "teachers.temperature", "a number above 0")]
    [InlineData("teachers.combin=mean_logits", "teachers.combin", "must be the map of a teacher")]
    [InlineData("teachers.wide=", "teachers.wide", "must be the map of a teacher")]
    [InlineData("teachers.wide.width=[3]", "teachers.wide.width", "did you mean `widths`?")]
    [InlineData("teachers.wide.weights=x.pt", "teachers.wide.weights", "pickle")]
    [InlineData("teachers={only: {model: mlp}}", "teachers", "at least two")]
    [InlineData("teachers={a b: {model: mlp}, c: {model: mlp}, d: {model: mlp}}", "teachers.a b", "letters, digits")]
    [InlineData("teacher={model: mlp}", "teacher", "either `teacher` or `teachers`")]
    [InlineData("objective.name=teacher.wide", "objective.name", "is taken")]
    public void Read_FaultyTeachers_SaysWhereAndWhatWouldBeRight(string assignment, string path, string message)
    {
        var fault = RecipeText.OnlyFault(Teachers + SoftTarget, assignment);
        Assert.Equal(path, fault.Path);
        Assert.Contains(message, fault.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("layer1", "teacher.feature`, such as wide.penultimate")]
    [InlineData("wild.penultimate", "did you mean `wide`?")]
    [InlineData("wide.layer1", "the teacher wide, a mlp has no feature point `layer1`")]
    public void Read_FeatureOfSeveralTeachers_IsNamedWithItsTeacher(string point, string message)
    {
        var fault = RecipeText.OnlyFault(Teachers + $"objective: {{terms: [{{method: similarity, student: layer1, teacher: {point}}}]}}\n");
        Assert.Equal("objective.terms[0].teacher", fault.Path);
        Assert.Contains(message, fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_FeatureOfOneOfSeveralTeachers_IsFine() =>
        Assert.Equal(["deep.layer1"], RecipeText.Read(Teachers + "objective: {terms: [{method: similarity, student: layer1, teacher: deep.layer1}]}\n").Recipe.Objectives["similarity"].Stages[0].Terms[0].TeacherFeatures);

    [Fact]
    public void Read_MethodThatReadsATeachersParameters_WantsOneTeacher()
    {
        var fault = RecipeText.OnlyFault(Teachers + "objective: {terms: [{method: simkd, student: layer1, teacher: deep.layer1}]}\n");
        Assert.Equal("objective.terms[0].method", fault.Path);
        Assert.Contains("simkd reads the parameters of one network", fault.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{scheme: teacher_assistant}", "objective.scheme.assistants", "missing")]
    [InlineData("{scheme: teacher_assistant, assistants: []}", "objective.scheme.assistants", "at least one network")]
    [InlineData("{scheme: teacher_assistant, assistants: [{model: mlpp}]}", "objective.scheme.assistants[0].model", "did you mean `mlp`?")]
    [InlineData("{scheme: teacher_assistant, assistants: [{model: mlp, width: 3}]}", "objective.scheme.assistants[0].width", "did you mean `widths`?")]
    [InlineData("{scheme: teacher_assistant, assistants: [{model: mlp}], names: [a, b]}", "objective.scheme.names", "2 names for 1 assistants")]
    [InlineData("{scheme: teacher_assistant, assistants: [{model: mlp}], names: [plain]}", "objective.scheme", "`plain` is taken")]
    [InlineData("{scheme: teacher_assistant, assistants: [{model: mlp}], names: [a/b]}", "objective.scheme.names", "becomes a folder")]
    [InlineData("{scheme: born_again, generations: 0}", "objective.scheme.generations", "at least 1")]
    [InlineData("{scheme: born_again, generation: 2}", "objective.scheme.generation", "did you mean `generations`?")]
    public void Read_FaultyChain_SaysWhereAndWhatWouldBeRight(string scheme, string path, string message)
    {
        var fault = RecipeText.OnlyFault(OneTeacher + $"objective: {{scheme: {scheme}, terms: [{{method: soft_target}}]}}\n");
        Assert.Equal(path, fault.Path);
        Assert.Contains(message, fault.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("student: layer1, teacher: hidden1", "objective.terms[0].student", "the assistant assistant_1, a mlp has no feature point `layer1`")]
    [InlineData("student: penultimate, teacher: hidden2", "objective.terms[0].teacher", "the teacher mlp has no feature point `hidden2`")]
    public void Read_FeatureThatALinkOfTheChainLacks_NamesTheLink(string features, string path, string message)
    {
        var fault = RecipeText.OnlyFault(
            OneTeacher + $"objective: {{scheme: {{scheme: teacher_assistant, assistants: [{{model: mlp, widths: [32]}}]}}, terms: [{{method: similarity, {features}}}]}}\n");
        Assert.Equal(path, fault.Path);
        Assert.Contains(message, fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_TeacherAssistantWithoutTeacher_SaysThatItIsMissing() =>
        Assert.Equal("teacher", RecipeText.OnlyFault(Start + "objective: {scheme: {scheme: teacher_assistant, assistants: [{model: mlp}]}, terms: [{method: soft_target}]}\n").Path);

    [Fact]
    public void Read_TwoChains_NeedNamesForTheirAssistants()
    {
        const string Chain = "{scheme: {scheme: teacher_assistant, assistants: [{model: mlp}]NAMES}, terms: [{method: soft_target}]}";
        var text = OneTeacher + "objectives:\n  one: " + Chain.Replace("NAMES", "", StringComparison.Ordinal) + "\n  two: " + Chain + "\n";
        var fault = RecipeText.OnlyFault(text.Replace("NAMES", "", StringComparison.Ordinal));
        Assert.Equal("objectives.two.scheme", fault.Path);
        Assert.Contains("`names: […]`", fault.Message, StringComparison.Ordinal);

        var recipe = RecipeText.Read(text.Replace("NAMES", ", names: [middle]", StringComparison.Ordinal)).Recipe;
        Assert.Equal(["teacher", "assistant_1", "middle", "plain", "one", "two"], Arms.Of(recipe).Select(arm => arm.Name));
    }

    [Fact]
    public void Read_BornAgainWithoutTerms_LearnsSoftTargetsAtTemperatureOne()
    {
        var reading = RecipeText.Read(Start + "objective: {scheme: born_again}\n");

        var stage = Assert.Single(reading.Recipe.Objectives["born_again"].Stages);
        var term = Assert.Single(stage.Terms);
        Assert.Equal((1, 1, 1), (((SoftTargetOptions)term.Options).Temperature.From, term.Weight.From, stage.HardLabels.From));
        Assert.Contains("trains 3 + 3 × 3 epochs over its generations and the plain student 3", Assert.Single(reading.Warnings), StringComparison.Ordinal);
        Assert.Equal(["plain", "born_again_1", "born_again_2", "born_again"], Arms.Of(reading.Recipe).Select(arm => arm.Name));
    }

    [Fact]
    public void Read_BornAgainFeatures_AreTheStudentsOnBothSides()
    {
        const string Terms = "objective: {scheme: born_again, terms: [{method: similarity, student: layer1, teacher: POINT}]}\n";
        Assert.Contains(
            "the student small_cnn has no feature point `hidden1`",
            RecipeText.OnlyFault(OneTeacher + Terms.Replace("POINT", "hidden1", StringComparison.Ordinal)).Message, StringComparison.Ordinal);
        Assert.NotEmpty(RecipeText.Read(Start + Terms.Replace("POINT", "layer1", StringComparison.Ordinal)).Recipe.Objectives);
    }

    [Fact]
    public void Read_OnnxTeacher_IsAFileThatIsNotTrained()
    {
        using var folder = new TemporaryFolder();
        OnnxFiles.Mlp(folder.File("teacher.onnx"));
        var recipe = RecipeReader.Read(Start + "teacher: {onnx: teacher.onnx, output: logits, missing_classes: leave_out}\n" + SoftTarget, "onnx", folder.Path).Recipe;

        Assert.Equal(folder.File("teacher.onnx"), recipe.Teacher!.Source!.Location);
        var teacher = Arms.Of(recipe)[0];
        Assert.Equal(("teacher", false, 0), (teacher.Name, teacher.IsTrained, teacher.Plan.Epochs));
    }

    [Theory]
    [InlineData("{onnx: absent.onnx}", "teacher.onnx", "there is no file")]
    [InlineData("{onnx: teacher.onnx, input: inputs}", "teacher.onnx", "no input `inputs`; did you mean `input`?")]
    [InlineData("{onnx: teacher.onnx, output: probabilities}", "teacher.onnx", "no output `probabilities`; Known: logits")]
    [InlineData("{onnx: teacher.onnx, weights: a.safetensors}", "teacher.weights", "unknown key")]
    [InlineData("{onnx: teacher.onnx, mean: [0.5]}", "teacher", "1 values of `mean` and 0 of `deviation`")]
    [InlineData("{onnx: teacher.onnx}", "teacher.onnx", "no output for the classes `3`, `4`")]
    [InlineData("{onnx: teacher.onnx, missing_classes: leave_out, class_map: {two: 3}}", "teacher.onnx", "no class `two`; ")]
    [InlineData("{onnx: teacher.onnx, classes: [a, b], class_map: {c: 3}}", "teacher.class_map.c", "no class `c`; ")]
    [InlineData("{onnx: teacher.onnx, size: [1, 2, 3]}", "teacher.size", "height and width")]
    [InlineData("{onnx: teacher.onnx, colour: gray}", "teacher.colour", "did you mean `grey`?")]
    [InlineData("{onnx: elsewhere.onnx}", "teacher.onnx", "`../secret`, which is outside of its folder")]
    [InlineData("{onnx: absolute.onnx}", "teacher.onnx", "`/etc/passwd`, which is outside of its folder")]
    [InlineData("{onnx: without.onnx}", "teacher.onnx", "no such file beside it")]
    [InlineData("{onnx: linked.onnx}", "teacher.onnx", "outside of its folder")]
    [InlineData("{onnx: half.onnx}", "teacher.onnx", "no sound ONNX file")]
    [InlineData("{onnx: text.onnx}", "teacher.onnx", "no sound ONNX file")]
    public void Read_FaultyOnnxTeacher_SaysWhereAndWhatWouldBeRight(string teacher, string path, string message)
    {
        using var folder = new TemporaryFolder();
        OnnxFiles.Mlp(folder.File("teacher.onnx"));
        var bytes = File.ReadAllBytes(folder.File("teacher.onnx"));
        folder.Write("half.onnx", bytes[..(bytes.Length / 2)]);
        folder.Write("text.onnx", "no model");
        OnnxFiles.KeepWeightsIn(folder.File("teacher.onnx"), folder.File("elsewhere.onnx"), "../secret");
        OnnxFiles.KeepWeightsIn(folder.File("teacher.onnx"), folder.File("absolute.onnx"), "/etc/passwd");
        OnnxFiles.KeepWeightsIn(folder.File("teacher.onnx"), folder.File("without.onnx"), "weights.bin");
        OnnxFiles.KeepWeightsIn(folder.File("teacher.onnx"), folder.File("linked.onnx"), "link.bin");
        File.CreateSymbolicLink(folder.File("link.bin"), "/etc/hostname");
        var error = Assert.Throws<Config.ConfigException>(() => RecipeReader.Read(Start + $"teacher: {teacher}\n" + SoftTarget, "onnx", folder.Path));

        var fault = Assert.Single(error.Errors);
        Assert.Equal(path, fault.Path);
        Assert.Contains(message, fault.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{torchscript: absent.pt}", "teacher.torchscript", "there is no file")]
    [InlineData("{torchscript: half.pt}", "teacher.torchscript", "half.pt is cut short or damaged")]
    [InlineData("{torchscript: state.pt}", "teacher.torchscript", "is a PyTorch pickle, which can run any code")]
    [InlineData("{torchscript: text.onnx}", "teacher.torchscript", "is no TorchScript file")]
    [InlineData("{torchscript: teacher.pt, outputs: 1}", "teacher.outputs", "did you mean `output`?")]
    [InlineData("{torchscript: teacher.pt, onnx: teacher.onnx}", "teacher.torchscript", "unknown key")]
    [InlineData("{endpoint: logits}", "teacher.endpoint", "must be an address")]
    [InlineData("{endpoint: \"http://127.0.0.1:1/\", class_map: {nine: \"9\"}}", "teacher.endpoint", "nothing says them; give them in their order as `classes`")]
    [InlineData("{endpoint: \"http://example.org/\", token: secret}", "teacher.token", "unknown key")]
    [InlineData("{endpoint: \"http://example.org/\", timeout: 0}", "teacher.timeout", "a number above 0")]
    public void Read_FaultyScriptOrEndpoint_SaysWhereAndWhatWouldBeRight(string teacher, string path, string message)
    {
        using var scope = TorchSharp.torch.NewDisposeScope();
        using var folder = new TemporaryFolder();
        TorchScriptFiles.Write(folder.File("teacher.pt"), OnnxFiles.Mlp(folder.File("teacher.onnx")));
        folder.Write("half.pt", File.ReadAllBytes(folder.File("teacher.pt"))[..800]);
        TorchScriptFiles.StateDictionary(folder.File("state.pt"));
        folder.Write("text.onnx", "no model");
        var error = Assert.Throws<Config.ConfigException>(() => RecipeReader.Read(Start + $"teacher: {teacher}\n" + SoftTarget, "file", folder.Path));

        var fault = Assert.Single(error.Errors);
        Assert.Equal(path, fault.Path);
        Assert.Contains(message, fault.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("rest", "data.unlabelled", "`train_samples` leaves over, and it is not given")]
    [InlineData("others", "data.unlabelled", "`rest`, or a map")]
    [InlineData("{npy: a.npy, csv: b.csv}", "data.unlabelled", "or one of")]
    [InlineData("{npy: a.npy, label: x}", "data.unlabelled.label", "is a column of `csv`")]
    [InlineData("{dataset: digit}", "data.unlabelled.dataset", "did you mean `digits`?")]
    public void Read_FaultyUnlabelledData_SaysWhereAndWhatWouldBeRight(string unlabelled, string path, string message)
    {
        var fault = RecipeText.OnlyFault(RecipeText.Plain, $"data.unlabelled={unlabelled}");
        Assert.Equal(path, fault.Path);
        Assert.Contains(message, fault.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{method: dkd}", true)]
    [InlineData("{method: dkd, unlabelled: teacher_class}", false)]
    [InlineData("{method: soft_target}", false)]
    public void Read_TermThatReadsLabelsBesideUnlabelledData_IsToldOf(string term, bool told) =>
        Assert.Equal(told, RecipeText.Read(RecipeText.Start + $"objective: {{terms: [{term}]}}\n", "data.train_samples=100", "data.unlabelled=rest").Warnings.Any(each => each.Contains("learns nothing from samples without", StringComparison.Ordinal)));

    [Fact]
    public void Read_UnlabelledDataWithoutATeacher_IsRefused() =>
        Assert.Contains("there is none", RecipeText.OnlyFault(Start + "objective: {scheme: born_again}\n", "data.unlabelled={csv: a.csv}").Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("{method: similarity, student: layer1, teacher: hidden7}", "objective.terms[0].teacher", "has no tensor `hidden7`; ")]
    [InlineData("{method: simkd, student: layer1, teacher: relu}", "objective.terms[0].method", "an ONNX file shows none")]
    public void Read_TermThatAnOnnxTeacherCannotGive_SaysSo(string term, string path, string message)
    {
        using var folder = new TemporaryFolder();
        OnnxFiles.Mlp(folder.File("teacher.onnx"));
        var text = Start + $"teacher: {{onnx: teacher.onnx, missing_classes: leave_out}}\nobjective: {{terms: [{term}]}}\n";
        var error = Assert.Throws<Config.ConfigException>(() => RecipeReader.Read(text, "onnx", folder.Path));

        var fault = Assert.Single(error.Errors, each => each.Path == path);
        Assert.Contains(message, fault.Message, StringComparison.Ordinal);
    }
}
