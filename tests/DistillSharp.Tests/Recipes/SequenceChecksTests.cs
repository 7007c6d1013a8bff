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

    [Fact]
    public void Read_LayersOfAnEarlierStudentThatIsNone_AreNotCountedInTheTeacher() => Assert.Equal("objectives.second.taught_by", RecipeText.OnlyFault(
        "data: {dataset: toy_phrases}\nteacher: {model: transformer, width: 16, heads: 2}\nstudent: {model: transformer, width: 8, heads: 2}\n"
        + "objectives: {first: {targets: {beam: 2}}, second: {taught_by: frst, targets: {beam: 2}, from_layers: {encoder: [1], decoder: [1]}}}\n").Path);

    [Theory]
    [InlineData("{encoder: [1, 2], decoder: [1]}", null)]
    [InlineData("{encoder: [1, 2, 3], decoder: [1]}", "objectives.second")]
    public void Read_LayersOfAnEarlierStudent_AreCountedInItsNetwork(string layers, string? path)
    {
        const string Students = "data: {dataset: toy_phrases}\nteacher: {model: transformer, width: 16, heads: 2, encoder_layers: 3, decoder_layers: 1}\n"
            + "student: {model: transformer, width: 8, heads: 2, encoder_layers: 2, decoder_layers: 1}\n";
        var text = Students + $"objectives: {{first: {{targets: {{beam: 2}}}}, second: {{taught_by: first, targets: {{beam: 2}}, from_layers: {layers}}}}}\n";

        if (path is null)
        {
            Assert.Equal("first", RecipeText.Read(text).Recipe.Objectives["second"].TaughtBy);
        }
        else
        {
            Assert.Equal(path, RecipeText.OnlyFault(text).Path);
        }
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
    [InlineData(Phrases + "objective: {targets: {beam: 2, share: 0.3}}", "objective.targets.share", "it is for `by: student`")]
    [InlineData(Ctc + "objective: {targets: {temperature: 2}}", "objective.targets.temperature", "the teacher writes these targets")]
    [InlineData(Phrases + "objective: {targets: {by: student, beam: 7}, terms: [{method: token_jsd}]}", "objective.targets.beam", "it is for `by: teacher`")]
    [InlineData(Phrases + "objective: {targets: {by: student, choose: closest}, terms: [{method: token_jsd}]}", "objective.targets.choose", "the student writes these targets")]
    [InlineData(Phrases + "objectives: {own: {targets: {by: student, originals: true}, terms: [{method: token_jsd}]}}", "objectives.own.targets.originals", "it is for `by: teacher`")]
    [InlineData(Phrases + "objective: {targets: {max_wer: 0.3}}", "objective.targets.max_wer", "it is for speech, and toy_phrases is text")]
    [InlineData(Phrases + "objective: {targets: {transcribed: 0.4}}", "objective.targets.transcribed", "it is for speech, and toy_phrases is text")]
    public void Read_KeysOfTargetsThatNothingReads_AreRefused(string text, string path, string message)
    {
        var fault = RecipeText.OnlyFault(text);

        Assert.Equal(path, fault.Path);
        Assert.Contains(message, fault.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(Phrases + "objective: {targets: {by: student, share: 0.3, temperature: 2}, terms: [{method: token_jsd}]}")]
    [InlineData(Phrases + "objective: {targets: {beam: 2, length_penalty: 0.6, choose: closest, originals: true}}")]
    [InlineData(Ctc + "objective: {targets: {beam: 2, choose: closest, originals: true, max_wer: 0.3, transcribed: 0.4}}")]
    public void Read_KeysOfTargetsThatAreRead_AreFine(string text) => Assert.NotNull(RecipeText.Read(text).Recipe);

    [Theory]
    [InlineData("data.max_words", "must be at least min_words, which is 9", "data.min_words=9", "data.max_words=3")]
    [InlineData("data.min_words", "must be at most max_words, which is 80", "data.min_words=90")]
    [InlineData("data.max_ratio", "must be at least min_ratio, which is 0.4", "data.max_ratio=0.2")]
    public void Read_BoundsOfPairsThatNoneIsWithin_AreRefused(string path, string message, params string[] assignments)
    {
        var fault = RecipeText.OnlyFault(Phrases + Tokens, assignments);

        Assert.Equal((path, message), (fault.Path, fault.Message));
    }

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
