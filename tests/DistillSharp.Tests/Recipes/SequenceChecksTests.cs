namespace DistillSharp.Tests.Recipes;

/// <summary>What recipes on text and speech must keep to.</summary>
public sealed class SequenceChecksTests
{
    private const string Ctc = "data: {dataset: asterisk_en}\nteacher: {model: ctc_gru}\nstudent: {model: ctc_gru}\n";
    private const string Attention = "data: {dataset: asterisk_en}\nteacher: {model: speech_transformer}\nstudent: {model: speech_transformer}\n";
    private const string Words = "data: {dataset: word_text}\nteacher: {model: ctc_cnn}\nstudent: {model: ctc_cnn}\n";
    private const string Phrases = "data: {dataset: toy_phrases}\nteacher: {model: transformer}\nstudent: {model: transformer}\n";
    private const string Frames = "objective: {terms: [{method: ctc_frame}]}\n";
    private const string Tokens = "objective: {terms: [{method: token_soft_target}]}\n";

    [Fact]
    public void Read_SpeechThatTheStudentWrites_IsRefused()
    {
        const string Text = """
            data: {dataset: asterisk_en}
            teacher: {model: speech_transformer}
            student: {model: speech_transformer}
            objective: {targets: {by: student}, terms: [{method: token_jsd}]}
            """;

        Assert.Contains(RecipeText.Faults(Text), fault => fault.Message.Contains("`targets: {by: student}` is for text"));
    }

    [Fact]
    public void Read_ObjectiveOfMoreSources_IsNotComparedByEpochs()
    {
        const string More = "data: {dataset: toy_phrases, train_samples: 50}\nteacher: {model: transformer}\nstudent: {model: transformer}\ntraining: {epochs: 8}\n"
            + "objective: {name: more, targets: {left_out_sources: 20}, training: {epochs: 3}}\n";

        Assert.Contains(RecipeText.Read(More).Warnings, warning => warning.StartsWith("more trains 3 epochs of more samples than the 8 of the plain student", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(Ctc + Frames + "baselines: {label_smoothing: 0.1}", "baselines.label_smoothing", "ctc_gru learns by CTC")]
    [InlineData(Ctc + Frames + "training: {label_smoothing: 0.1}", "training.label_smoothing", "ctc_gru learns by CTC")]
    [InlineData(Ctc + Frames + "baselines: {training: {plain: {label_smoothing: 0.1}}}", "baselines.training.plain.label_smoothing", "ctc_gru learns by CTC")]
    [InlineData(Ctc + "objective: {terms: [{method: ctc_frame}], training: {label_smoothing: 0.1}}", "objective.training.label_smoothing", "ctc_gru learns by CTC")]
    [InlineData(Ctc + "objectives: {two: {stages: [{terms: [{method: ctc_frame}]}, {training: {label_smoothing: 0.1}}]}}", "objectives.two.stages[1].training.label_smoothing", "ctc_gru learns by CTC")]
    [InlineData(Attention + "objective: {student: {model: ctc_gru}, targets: {beam: 2}}\ntraining: {label_smoothing: 0.1}", "training.label_smoothing", "ctc_gru learns by CTC")]
    [InlineData(Words + Frames + "training: {label_smoothing: 0.1}", "training.label_smoothing", "ctc_cnn learns by CTC")]
    public void Read_SmoothedLabelsOfCtc_AreRefused(string text, string path, string message)
    {
        var fault = RecipeText.OnlyFault(text);

        Assert.Equal(path, fault.Path);
        Assert.Contains(message, fault.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(Attention + Tokens + "training: {label_smoothing: 0.1}\nbaselines: {label_smoothing: 0.1}")]
    [InlineData(Phrases + Tokens + "training: {label_smoothing: 0.1}\nbaselines: {label_smoothing: 0.1}")]
    [InlineData(Ctc + Frames + "training: {label_smoothing: 0}")]
    [InlineData(Attention + "objective: {student: {model: ctc_gru}, targets: {beam: 2}, training: {label_smoothing: 0}}\ntraining: {label_smoothing: 0.1}")]
    public void Read_SmoothedTokensOrNoSmoothing_AreFine(string text) => Assert.NotNull(RecipeText.Read(text).Recipe);

    [Theory]
    [InlineData(Ctc + Frames, "data.augment={shift: 1}", "data.augment", "`data.speech_augment` changes recordings")]
    [InlineData(Ctc + Frames, "training.augment={shift: 1}", "training.augment", "`data.speech_augment` changes recordings")]
    [InlineData(Ctc + Frames, "teacher.training.augment={flip: 0.5}", "teacher.training.augment", "nothing of asterisk_en reads it")]
    [InlineData(Phrases + Tokens, "data.workers=2", "data.workers", "nothing of toy_phrases reads it")]
    [InlineData(Phrases + Tokens, "data.normalise=false", "data.normalise", "leave it out")]
    [InlineData(Words + Frames, "data.leave_out=[a]", "data.leave_out", "nothing of word_text reads it")]
    [InlineData(Words + Frames, "objective.training={augment: {shift: 1}}", "objective.training.augment", "leave it out")]
    public void Read_KeysThatOnlyTablesOfSamplesKnow_AreRefused(string text, string assignment, string path, string message)
    {
        var fault = RecipeText.OnlyFault(text, assignment);

        Assert.Equal(path, fault.Path);
        Assert.Contains(message, fault.Message, StringComparison.Ordinal);
    }
}
