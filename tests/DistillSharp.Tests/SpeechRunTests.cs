using System.Text.Json.Nodes;
using DistillSharp.Config;
using DistillSharp.Recipes;
using DistillSharp.RunLog;
using DistillSharp.Runs;
using DistillSharp.Sequences.LanguageModels;
using DistillSharp.Speech;
using DistillSharp.Speech.Audio;
using DistillSharp.Tests.Speech;

namespace DistillSharp.Tests;

/// <summary>Speech recognition end to end on a language of tones.</summary>
[Collection(nameof(TorchGenerator))]
public sealed class SpeechRunTests
{
    private const string Recipe = """
        name: tones
        data:
          dataset: speech_manifest
          train: [train.jsonl]
          test: {tones: test.jsonl, more: more.jsonl}
          alphabet: " abcde"
          mels: 16
          validation: 0.1
          speech_augment: {time_masks: 1, time_width: 3}
        teacher: {model: ctc_gru, layers: 1, width: 24, channels: 24, dropout: 0, training: {epochs: 12, learning_rate: 0.02}}
        student: {model: ctc_gru, layers: 2, width: 12, channels: 16, bidirectional: false, dropout: 0, heads: [1]}
        objectives:
          frame: {hard_labels: 0.5, terms: [{method: ctc_frame, weight: 0.5}]}
          guided_frame:
            stages:
              - {name: guided, terms: [{method: ctc_guided}], training: {epochs: 1}}
              - {name: frame, hard_labels: 0.5, terms: [{method: ctc_frame, frames: non_blank, weight: 0.5}], training: {epochs: 1}}
          sequence_half: {targets: {beam: 2, max_wer: 0.5, transcribed: 0.5, originals: true}}
          inter: {terms: [{method: ctc_intermediate, student: inter1, teacher: logits, weight: 0.5}]}
        training: {epochs: 2, batch_size: 8, optimizer: adamw, learning_rate: 0.01, clip_norm: 1, schedule: constant, select: best}
        evaluation: {beam: 2}
        seeds: [0]
        """;

    [Fact]
    public void Run_EveryWayOfDistilling_ReachesResultsAndATranscriber()
    {
        using var folder = new TemporaryFolder();
        ToneWords.Write(folder, "train", 110, 1);
        ToneWords.Write(folder, "test", 20, 2);
        ToneWords.Write(folder, "more", 5, 3);
        // Utterances with more symbols than frames, and one with a character that is no letter of the alphabet.
        WavFile.Write(folder.File("short.wav"), new AudioClip([.. Enumerable.Range(0, 400).Select(i => 0.3f * MathF.Sin(i))], 8000));
        File.AppendAllText(folder.File("train.jsonl"), string.Concat(
            new[] { "dcbaedcbae", "edcbaedcba", "bcdeabcdea", "cdeabcdeab" }.Select(spoken => $"{{\"path\": \"short.wav\", \"text\": \"{spoken}\"}}\n")) + "{\"path\": \"train-0.wav\", \"text\": \"a xyz\"}\n");
        var text = Recipe.Replace("train.jsonl", folder.File("train.jsonl"), StringComparison.Ordinal)
            .Replace("test.jsonl", folder.File("test.jsonl"), StringComparison.Ordinal).Replace("more.jsonl", folder.File("more.jsonl"), StringComparison.Ordinal);
        var directory = new RunDirectory(folder.File("run"));
        var recipe = RecipeReader.Read(text, "tones", folder.Path).Recipe;
        Experiment.Prepare(recipe, directory);
        var results = new Experiment(recipe, directory, new SilentSink()).Run(TestContext.Current.CancellationToken);

        var teacher = JobResult.Load(directory.JobResultFile("teacher", 0)).Metrics;
        Assert.InRange(teacher["cer"], 0, 0.3);
        Assert.Equal(teacher["cer"], teacher["cer_tones"]);
        Assert.True(teacher["real_time_factor"] > 0 && teacher.ContainsKey("wer_more") && teacher.ContainsKey("wer_beam"));
        Assert.Equal("wer", results.PrimaryMetric);
        foreach (var arm in new[] { "plain", "frame", "guided_frame", "sequence_half", "inter" })
        {
            Assert.InRange(results.Arm(arm)!.Metrics["wer"].Mean, 0, 2);
        }

        var elsewhere = results.Difference("frame", "plain", "wer_more")!;
        Assert.Equal(results.Arm("frame")!.Metrics["wer_more"].Mean - results.Arm("plain")!.Metrics["wer_more"].Mean, elsewhere.Value, 9);
        Assert.InRange(elsewhere.Value, elsewhere.SampleInterval![0], elsewhere.SampleInterval[1]);

        var leftOut = File.ReadAllText(Path.Combine(directory.Path, "left-out-subsampling-4.txt"));
        Assert.Contains("short.wav: more symbols than its frames allow", leftOut, StringComparison.Ordinal);
        Assert.Contains("characters outside the alphabet: `x` `y` `z`", leftOut, StringComparison.Ordinal);

        var onnx = Path.ChangeExtension(directory.WeightsFile("teacher", 0), ".onnx");
        using var transcriber = new Transcriber(onnx);
        var clips = Enumerable.Range(0, 16).Select(i => AudioReader.Read(folder.File($"test-{i}.wav"), 8000)).ToList();
        var alone = clips.Select(clip => transcriber.Transcribe(clip).Text).ToList();
        Assert.Equal(alone, transcriber.Batch(clips).Select(transcript => transcript.Text));
        var hypotheses = File.ReadLines(Path.Combine(directory.JobFolder("teacher", 0), "test.tones.jsonl")).Take(16).ToList();
        Assert.All(alone.Zip(hypotheses), pair => Assert.Contains($"\"hypothesis\":\"{pair.First}\"", pair.Second, StringComparison.Ordinal));
        Assert.True(File.Exists(directory.OnnxFile));

        // All of the utterances there are, as they are fewer than asked for, each alone and in a batch of 16.
        var parity = JsonNode.Parse(File.ReadAllText(Path.Combine(directory.JobFolder("teacher", 0), "onnx_parity.json")))!;
        Assert.Equal(139, (int)parity["utterances"]!);
        Assert.InRange((double)parity["largest_difference"]!, 1e-9, 1e-3);
        Assert.All(parity["mismatches"]!.AsArray(), mismatch => Assert.InRange((double)mismatch!["margin"]!, 0, 1e-2));

        // From the kept weights the same file again, whatever it is called.
        using var trained = TrainedArm.Load(recipe, directory, "plain", 0, null);
        var exported = trained.ExportOnnx(folder.File("again.model"));
        Assert.Equal((139, 0), (exported.Samples, exported.Files.Count));
        Assert.InRange(exported.LargestDifference, 0, 1e-3);
        Assert.Equal(File.ReadAllBytes(Path.ChangeExtension(directory.WeightsFile("plain", 0), ".onnx")), File.ReadAllBytes(folder.File("again.model")));

        using var searching = new Transcriber(onnx) { Beam = 4 };
        var found = searching.Transcribe(clips[0]);
        Assert.Equal(found.Text, string.Join(' ', found.Words.Select(word => word.Word)));
        Assert.All(found.Words, word => Assert.True(word.Start >= 0 && word.End > word.Start && word.End <= clips[0].Seconds + 0.05 && word.Confidence is > 0 and <= 1));
    }

    [Fact]
    public void Run_ConformerSubwordsAndLanguageModel_ReachesResultsAndATranscriber()
    {
        using var folder = new TemporaryFolder();
        ToneWords.Write(folder, "train", 110, 1);
        ToneWords.Write(folder, "test", 20, 2);
        var text = $$$"""
            name: tones
            data: {dataset: speech_manifest, train: [{{{folder.File("train.jsonl")}}}], test: {tones: {{{folder.File("test.jsonl")}}} }, alphabet: " abcde", vocabulary: 10, mels: 16, validation: 0.1}
            teacher: {model: ctc_conformer, layers: 2, width: 24, attention_heads: 2, channels: 24, kernel: 5, subsampling: 2, dropout: 0, training: {epochs: 14, learning_rate: 0.01}}
            student: {model: ctc_conformer, layers: 1, width: 16, attention_heads: 2, channels: 16, kernel: 3, subsampling: 2, bidirectional: false, dropout: 0}
            objectives:
              frame: {hard_labels: 0.5, terms: [{method: ctc_frame, weight: 0.5}]}
              started: {from_layers: {encoder: [2]}, student: {model: ctc_conformer, layers: 1, width: 24, attention_heads: 2, channels: 24, kernel: 5, subsampling: 2, dropout: 0}}
              states:
                student: {model: ctc_gru, layers: 1, width: 16, channels: 16, subsampling: 4}
                terms: [{method: hidden_states, student: layer1, teacher: layer2, weight: 0.1}]
                training: {accumulate: 2}
            training: {epochs: 2, batch_size: 8, optimizer: adamw, learning_rate: 0.01, clip_norm: 1, schedule: constant, select: best}
            evaluation: {beam: 4, latency: false, language_model: {level: character, order: 3, weights: [0, 0.5], bonuses: [0, 1], utterances: 8}}
            seeds: [0]
            """;
        var directory = new RunDirectory(folder.File("run"));
        var recipe = RecipeReader.Read(text, "tones", folder.Path).Recipe;
        Experiment.Prepare(recipe, directory);
        new Experiment(recipe, directory, new SilentSink()).Run(TestContext.Current.CancellationToken);

        var teacher = JobResult.Load(directory.JobResultFile("teacher", 0)).Metrics;
        Assert.InRange(teacher["cer"], 0, 0.4);
        Assert.InRange(teacher["wer_beam_lm"], 0, 1.5);
        // What starts with the teacher's convolutions, a block and the output is better than what starts with nothing.
        double Of(string arm) => JobResult.Load(directory.JobResultFile(arm, 0)).Metrics["cer"];
        Assert.True(Of("started") < Of("plain"), $"{Of("started")} and {Of("plain")}");
        Assert.InRange(Of("states"), 0, 2);
        var model = ArpaFile.Load(Path.Combine(directory.Path, "language_model.arpa"));
        Assert.Equal(3, model.Order);
        var choice = JsonNode.Parse(File.ReadAllText(Path.Combine(directory.JobFolder("teacher", 0), "language_model.json")))!;
        Assert.Contains((double)choice["weight"]!, new[] { 0, 0.5 });
        Assert.InRange((double)choice["validation_wer"]!, 0, 2);

        using var transcriber = new Transcriber(Path.ChangeExtension(directory.WeightsFile("teacher", 0), ".onnx"));
        var hypotheses = File.ReadLines(Path.Combine(directory.JobFolder("teacher", 0), "test.tones.jsonl")).ToList();
        Assert.All(Enumerable.Range(0, 8), i => Assert.Contains($"\"hypothesis\":\"{transcriber.Transcribe(folder.File($"test-{i}.wav")).Text}\"", hypotheses[i], StringComparison.Ordinal));
        using var searching = new Transcriber(Path.ChangeExtension(directory.WeightsFile("teacher", 0), ".onnx")) { Beam = 4, Language = LanguageFusion.Of(model, 0.5, 0) };
        Assert.NotEmpty(searching.Transcribe(folder.File("test-0.wav")).Words);
    }

    [Fact]
    public void Run_RestWithoutTranscripts_IsHeardByThoseThatLearnFromTheTeacher()
    {
        using var folder = new TemporaryFolder();
        ToneWords.Write(folder, "train", 110, 1);
        ToneWords.Write(folder, "test", 10, 2);
        var text = $$$"""
            name: tones
            data: {dataset: speech_manifest, train: [{{{folder.File("train.jsonl")}}}], test: {tones: {{{folder.File("test.jsonl")}}} }, alphabet: " abcde", mels: 16, validation: 0.1, train_samples: 40, unlabelled: rest}
            teacher: {model: ctc_gru, layers: 1, width: 24, channels: 24, dropout: 0, all_samples: true, training: {epochs: 12, learning_rate: 0.02}}
            student: {model: ctc_gru, layers: 1, width: 8, channels: 8, bidirectional: false, dropout: 0}
            objectives:
              frame: {hard_labels: 0.5, terms: [{method: ctc_frame, weight: 0.5}]}
              sequence: {targets: {beam: 2, max_wer: 0, originals: true}}
            training: {epochs: 1, batch_size: 8, optimizer: adamw, learning_rate: 0.01, clip_norm: 1, schedule: constant}
            evaluation: {beam: 2}
            seeds: [0]
            """;
        var directory = new RunDirectory(folder.File("run"));
        var recipe = RecipeReader.Read(text, "tones", folder.Path).Recipe;
        Experiment.Prepare(recipe, directory);
        var sink = new RecordingSink();
        new Experiment(recipe, directory, sink).Run(TestContext.Current.CancellationToken);

        var steps = sink.Written.OfType<JobStarted>().ToDictionary(job => job.Arm, job => job.StepsPerEpoch);
        Assert.Equal(5, steps["plain"]);
        Assert.Equal(steps["teacher"], steps["frame"]);
        Assert.InRange(steps["frame"], 10, 13);
        // 40 transcripts, and a text of the teacher for each of the others that it hears anything in.
        Assert.InRange(steps["sequence"], 10, 13);
        Assert.Contains(sink.Written.OfType<NoteLogged>(), note => note.Message.Contains("40 of them transcripts", StringComparison.Ordinal));
        Assert.Throws<ConfigException>(() => RecipeReader.Read(text.Replace("unlabelled: rest", "unlabelled: {npy: x.npy}", StringComparison.Ordinal), "tones", folder.Path));
    }

    [Fact]
    public void Run_AttentionNetworks_LearnTokensAndWhatTheTeacherWrites()
    {
        using var folder = new TemporaryFolder();
        ToneWords.Write(folder, "train", 120, 1);
        ToneWords.Write(folder, "test", 20, 2);
        var text = $$$"""
            name: tones
            data: {dataset: speech_manifest, train: [{{{folder.File("train.jsonl")}}}], test: {tones: {{{folder.File("test.jsonl")}}} }, alphabet: " abcde", mels: 16, validation: 0.1}
            teacher: {model: speech_transformer, width: 32, heads: 2, feed_forward: 64, encoder_layers: 1, decoder_layers: 1, channels: 32, dropout: 0, training: {epochs: 30, learning_rate: 0.005}}
            student: {model: speech_transformer, width: 16, heads: 2, feed_forward: 32, encoder_layers: 1, decoder_layers: 1, channels: 16, dropout: 0}
            objectives:
              token: {hard_labels: 0.5, terms: [{method: token_soft_target, weight: 0.5}]}
              sequence: {targets: {beam: 2, max_wer: 2}}
              encoder: {terms: [{method: hidden_states, student: encoder, teacher: encoder, weight: 0.1}]}
            training: {epochs: 2, batch_size: 8, optimizer: adamw, learning_rate: 0.005, clip_norm: 1, schedule: constant, select: best}
            evaluation: {beam: 2}
            seeds: [0]
            """;
        var directory = new RunDirectory(folder.File("run"));
        var recipe = RecipeReader.Read(text, "tones", folder.Path).Recipe;
        Experiment.Prepare(recipe, directory);
        new Experiment(recipe, directory, new SilentSink()).Run(TestContext.Current.CancellationToken);

        var teacher = JobResult.Load(directory.JobResultFile("teacher", 0)).Metrics;
        // A network that does not listen writes the likeliest text everywhere, which is wrong by more than half.
        Assert.InRange(teacher["cer"], 0, 0.6);
        Assert.True(teacher.ContainsKey("wer_beam") && teacher["real_time_factor"] > 0);
        Assert.All(new[] { "plain", "token", "sequence", "encoder" }, arm => Assert.InRange(JobResult.Load(directory.JobResultFile(arm, 0)).Metrics["cer"], 0, 20));
        Assert.NotEmpty(Directory.EnumerateFiles(directory.JobFolder("teacher", 0), "transcripts-*.json"));
        var parity = JsonNode.Parse(File.ReadAllText(Path.Combine(directory.JobFolder("teacher", 0), "onnx_parity.json")))!;
        Assert.Equal(140, (int)parity["utterances"]!);
        Assert.All(parity["mismatches"]!.AsArray(), mismatch => Assert.InRange((double)mismatch!["margin"]!, 0, 1e-2));

        using var transcriber = new Transcriber(Path.ChangeExtension(directory.WeightsFile("teacher", 0), ".encoder.onnx"));
        Assert.True(transcriber.Writes);
        var hypotheses = File.ReadLines(Path.Combine(directory.JobFolder("teacher", 0), "test.tones.jsonl")).ToList();
        var heard = Enumerable.Range(0, 8).Select(i => transcriber.Transcribe(folder.File($"test-{i}.wav"))).ToList();
        Assert.All(heard.Zip(hypotheses), pair => Assert.Contains($"\"hypothesis\":\"{pair.First.Text}\"", pair.Second, StringComparison.Ordinal));
        Assert.All(heard.SelectMany(each => each.Words), word => Assert.True(word.Start == 0 && word.End > 0.3 && word.Confidence is > 0 and <= 1));

        using var trained = TrainedArm.Load(recipe, directory, "plain", 0, null);
        var exported = trained.ExportOnnx(folder.File("again.onnx"));
        Assert.Equal([folder.File("again.encoder.onnx"), folder.File("again.decoder.onnx")], exported.Files);
        Assert.All(exported.Files, file => Assert.True(File.Exists(file)));
        Assert.True(double.IsNaN(exported.LargestDifference) && exported.Samples == 140);
    }
}
