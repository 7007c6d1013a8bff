namespace DistillSharp.Tests.Recipes;

/// <summary>Networks that are for the data, and terms and a language model that are for the networks.</summary>
public sealed class NetworkChecksTests
{
    private const string Speech = "data: {dataset: asterisk_en}\n";
    private const string Ctc = Speech + "teacher: {model: ctc_gru}\nstudent: {model: ctc_gru, heads: [1]}\n";
    private const string Attention = Speech + "teacher: {model: speech_transformer}\nstudent: {model: speech_transformer}\n";
    private const string Mixed = Speech + "teacher: {model: speech_transformer}\nstudent: {model: ctc_gru}\n";
    private const string Words = "data: {dataset: word_text}\nteacher: {model: ctc_cnn}\nstudent: {model: ctc_cnn}\n";
    private const string Phrases = "data: {dataset: toy_phrases}\nteacher: {model: transformer}\nstudent: {model: transformer}\n";
    private const string Activity = "data: {dataset: voice_activity}\nteacher: {model: activity_gru}\nstudent: {model: activity_gru}\n";
    private const string Digits = "data: {dataset: digits}\ntraining: {epochs: 1}\nteacher: {model: mlp, widths: [8]}\nobjective: {terms: [{method: soft_target}]}\n";
    private const string Written = "objective: {targets: {beam: 2}}\n";
    private const string LanguageModel = "evaluation: {language_model: {order: 2}}\n";

    [Theory]
    [InlineData(Phrases + "objectives: {word: {terms: [{method: ctc_frame}]}}", "objectives.word.terms[0].method", "nothing learns toy_phrases by CTC; take token_soft_target")]
    [InlineData(Phrases + "objective: {terms: [{method: hidden_states, student: encoder1, teacher: encoder1}, {method: ctc_guided}]}", "objective.terms[1].method", "take token_soft_target")]
    [InlineData(Activity + "objective: {terms: [{method: ctc_frame}]}", "objective.terms[0].method", "nothing learns voice_activity by CTC")]
    [InlineData(RecipeText.Start + "objective: {terms: [{method: ctc_frame}]}", "objective.terms[0].method", "take soft_target")]
    [InlineData(Attention + "objective: {terms: [{method: ctc_guided}]}", "objective.terms[0].method", "speech_transformer writes symbol by symbol; take token_soft_target")]
    [InlineData(Attention + "objective: {stages: [{terms: [{method: ctc_intermediate, student: encoder, teacher: encoder}]}]}", "objective.stages[0].terms[0].method", "whose class 0 is blank")]
    [InlineData(Mixed + "objective: {terms: [{method: ctc_frame}]}", "objective.terms[0].method", "`targets: {choose: best}` without terms")]
    [InlineData(Attention + "objective: {student: {model: ctc_gru}, terms: [{method: token_jsd}]}", "objective.terms[0].method", "what ctc_gru gives are frames of CTC; learn what the teacher writes")]
    [InlineData(Ctc + "objective: {terms: [{method: token_soft_target}]}", "objective.terms[0].method", "take ctc_frame")]
    [InlineData(Words + "objective: {terms: [{method: token_soft_target}]}", "objective.terms[0].method", "take ctc_frame")]
    public void Read_TermsOfCtcAndOfTokens_AreForTheirNetworksAlone(string text, string path, string message)
    {
        var fault = RecipeText.OnlyFault(text);

        Assert.Equal(path, fault.Path);
        Assert.Contains(message, fault.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(Ctc + "objective: {terms: [{method: ctc_frame}, {method: ctc_guided}, {method: ctc_intermediate, student: inter1, teacher: logits}]}")]
    [InlineData(Words + "objective: {terms: [{method: ctc_frame}]}")]
    [InlineData(Attention + "objective: {terms: [{method: token_jsd}, {method: hidden_states, student: encoder, teacher: encoder}]}")]
    [InlineData(Phrases + "objective: {terms: [{method: token_soft_target}]}")]
    [InlineData(Activity + "objective: {terms: [{method: token_soft_target}]}")]
    [InlineData(Mixed + Written)]
    public void Read_TermsOfTheirNetworks_AreFine(string text) => Assert.NotNull(RecipeText.Read(text).Recipe);

    [Theory]
    [InlineData(Speech + "student: {model: ctc_gru}\nobjective: {scheme: mutual_learning}", "ctc_gru gives are frames of CTC")]
    [InlineData("data: {dataset: word_text}\nstudent: {model: ctc_cnn}\nobjective: {scheme: {scheme: mutual_learning, count: 3}}", "born_again fit, with terms such as ctc_frame")]
    public void Read_MutualLearningOfNetworksOfCtc_SaysWhichSchemesFit(string text, string message)
    {
        var fault = RecipeText.OnlyFault(text);

        Assert.Equal("objective.scheme", fault.Path);
        Assert.Contains(message, fault.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(Phrases + Written, "student={model: mlp}", "student.model", "does not translate, and toy_phrases is text; take `transformer`")]
    [InlineData(Phrases + "objectives: {other: {student: {model: mlp}, terms: []}, word: {terms: [{method: token_jsd}]}}", "training.epochs=2", "objectives.other.student.model", "does not translate")]
    [InlineData(Speech + "student: {model: mlp}\nobjectives: {one: {terms: []}, two: {terms: []}}", "training.epochs=2", "student.model", "does not recognise speech, and asterisk_en is speech")]
    [InlineData(Ctc + Written, "teacher={model: small_cnn}", "teacher.model", "take `ctc_gru`, `ctc_conformer` or `speech_transformer`")]
    public void Read_NetworkOfOtherData_IsRefused(string text, string assignment, string path, string message)
    {
        var fault = RecipeText.OnlyFault(text, assignment);

        Assert.Equal(path, fault.Path);
        Assert.Contains(message, fault.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("student:\n  model: vit\n  heads: 3\n  patch_size: 3", "student.patch_size", 8, "which do not fill 8×8; give `vit` a `patch_size` that divides both (1, 2, 4, 8)")]
    [InlineData("student:\n  heads: 3\n  model: deit", "student.model", 7, "patches of 16×16 pixels, which do not fill 8×8; give `deit` a `patch_size`")]
    [InlineData("student: {model: vit_b_16}", "student.model", 5, "give `vit` a `patch_size`")]
    [InlineData("student: {model: vgg11}", "student.model", 5, "at least 32×32 pixels; samples of `digits` have 8×8. For small images there is cifar_vgg")]
    [InlineData("student: {model: small_cnn, channels: [4, 4, 4, 4, 4, 4, 4, 4]}", "student.channels", 5, "8×8 pixels are too few; list fewer channels")]
    [InlineData("student: {model: ctc_cnn}", "student.model", 5, "needs images of text")]
    public void Read_NetworkThatTheShapeOfTheDataDoesNotFit_IsRefusedAtItsLine(string student, string path, int line, string message)
    {
        var fault = RecipeText.OnlyFault(Digits + student);

        Assert.Equal((path, line), (fault.Path, fault.Line));
        Assert.Contains(message, fault.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("teacher={model: vgg13_bn}", "teacher.model")]
    [InlineData("objective={student: {model: vgg11}, terms: [{method: soft_target}]}", "objective.student.model")]
    [InlineData("objective={scheme: {scheme: teacher_assistant, assistants: [{model: mlp}, {model: vgg11}]}, terms: [{method: soft_target}]}", "objective.scheme.assistants[1].model")]
    [InlineData("objective={scheme: {scheme: mutual_learning, peers: [{model: vgg11}]}}", "objective.scheme.peers[0].model")]
    public void Read_AnyNetworkThatTheShapeOfTheDataDoesNotFit_IsRefused(string assignment, string path) =>
        Assert.Equal(path, RecipeText.OnlyFault(Digits + "student: {model: mlp, widths: [4]}", assignment).Path);

    [Theory]
    [InlineData("data={dataset: image_folder, folder: photographs, size: 100}", "vit_b_16", "100×100")]
    [InlineData("data={dataset: tiny_imagenet}", "vit_h_14", "64×64")]
    [InlineData("data={dataset: cifar100}", "vit_h_14", "32×32")]
    public void Read_ImagesThatAreReadLater_HaveTheirShapeAlready(string data, string model, string shape) =>
        Assert.Contains($"which do not fill {shape};", RecipeText.OnlyFault(Digits + $"student: {{model: {model}}}", data).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("data={dataset: digits}", "{model: vit, patch_size: 4}")]
    [InlineData("data={dataset: digits}", "{model: cifar_vgg8}")]
    [InlineData("data={dataset: cifar100}", "{model: vit_b_16}")]
    [InlineData("data={dataset: imagenet_folder}", "{model: vit_h_14}")]
    [InlineData("data={dataset: csv, train: a.csv, test: b.csv, label: x}", "{model: vgg11}")]
    public void Read_NetworkThatTheShapeFitsOrIsNotKnown_IsFine(string data, string student) =>
        Assert.NotNull(RecipeText.Read(Digits + $"student: {student}", data).Recipe);

    [Fact]
    public void Read_FaultyOption_IsReportedWithoutWhatItWouldLeadTo() =>
        Assert.Contains("at least 1", RecipeText.OnlyFault(Digits + "student: {model: vit, patch_size: 0}").Message, StringComparison.Ordinal);

    [Fact]
    public void Read_LanguageModelWithoutNetworksOfCtc_IsRefused()
    {
        var fault = RecipeText.OnlyFault(Attention + Written + LanguageModel);

        Assert.Equal("evaluation.language_model", fault.Path);
        Assert.Contains("speech_transformer writes symbol by symbol", fault.Message, StringComparison.Ordinal);
        Assert.NotNull(RecipeText.Read(Attention + Written + LanguageModel, "evaluation.language_model=null").Recipe);
    }

    [Theory]
    [InlineData(Ctc, false)]
    [InlineData(Mixed, true)]
    public void Read_LanguageModelWithSomeNetworksOfCtc_SaysWhichGoWithout(string networks, bool isSaid) => Assert.Equal(
        isSaid,
        RecipeText.Read(networks + Written + LanguageModel).Warnings.Contains("evaluation.language_model is for networks of CTC: speech_transformer is measured without it"));
}
