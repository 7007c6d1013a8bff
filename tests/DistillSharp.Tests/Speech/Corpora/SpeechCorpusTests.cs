using DistillSharp.Config;
using DistillSharp.Data;
using DistillSharp.Speech.Audio;
using DistillSharp.Speech.Corpora;
using DistillSharp.Speech.Recognition;
using DistillSharp.Training;

namespace DistillSharp.Tests.Speech.Corpora;

public sealed class SpeechCorpusTests
{
    [Theory]
    [InlineData("Please press 1, or 42.", "please press one or forty two")]
    [InlineData("It's Waldo's — 'quoted' café…", "it's waldo's quoted cafe")]
    [InlineData("1,234,567 and 0.05%", "one million two hundred thirty four thousand five hundred sixty seven and zero point zero five percent")]
    [InlineData("the 21st, 12th and 30th; room 007", "the twenty first twelfth and thirtieth room zero zero seven")]
    [InlineData("Don’t  stop\tnow", "don't stop now")]
    [InlineData("Привет", "привет")]
    public void Normalise_Texts_AreWordsAlone(string text, string expected) => Assert.Equal(expected, SpeechText.Normalise(text));

    [Theory]
    [InlineData("0", "zero")]
    [InlineData("19", "nineteen")]
    [InlineData("110", "one hundred ten")]
    [InlineData("1000000", "one million")]
    [InlineData("12345678901", "one two three four five six seven eight nine zero one")]
    public void Words_Numbers_AreEnglish(string digits, string expected) => Assert.Equal(expected, SpeechText.Words(digits));

    [Fact]
    public void Create_Splits_ShareNoSentenceAndTestedOnesAreNotTrainedOn()
    {
        var utterances = Enumerable.Range(0, 300).Select(i => new SpeechUtterance($"/x/{i}.wav", $"Sentence {i % 150}.", 1, "s")).ToList();
        var tested = new SpeechUtterance("/y/1.wav", "sentence seven", 1, "s");
        var corpus = SpeechCorpus.Create("x", utterances, [("real", [tested])], new SplitRequest(0.2, 0, null), new SpeechOptions());
        Assert.DoesNotContain(corpus.Train.Concat(corpus.Validation), utterance => utterance.Text == "sentence seven");
        Assert.Empty(corpus.Train.Select(utterance => utterance.Text).Intersect(corpus.Validation.Select(utterance => utterance.Text)));
        Assert.InRange(corpus.Validation.Count, 30, 90);
        var own = SpeechCorpus.Create("x", utterances, [], new SplitRequest(0.2, 0, 50), new SpeechOptions { TestShare = 0.3 });
        Assert.Equal(50, own.Train.Count);
        Assert.InRange(own.AllTrain.Count, 100, 200);
        Assert.Empty(own.AllTrain.Select(utterance => utterance.Text).Intersect(own.Tests[0].Utterances.Select(utterance => utterance.Text)));
    }

    [Fact]
    public void Create_WhatCannotBeUsed_IsListedWithItsReason()
    {
        SpeechUtterance[] utterances =
        [
            .. Enumerable.Range(0, 60).Select(i => new SpeechUtterance($"/x/{i}.wav", $"number {i}", 1, "s")),
            new("/x/a.wav", "привет", 1, "s"), new("/x/b.wav", "...", 1, "s"), new("/x/c.wav", "too long", 99, "s"), new("/x/d.wav", null, 1, "s"),
        ];
        var corpus = SpeechCorpus.Create("x", utterances, [], new SplitRequest(0.2, 0, null), new SpeechOptions());
        Assert.Contains("/x/a.wav: its transcript has characters outside the alphabet: `п` `р` `и` `в` `е` `т`", corpus.LeftOut);
        Assert.Contains("/x/b.wav: its transcript has no words", corpus.LeftOut);
        Assert.Contains("/x/c.wav: 99.0 s are more than max_seconds 20", corpus.LeftOut);
        Assert.Contains(corpus.Train, utterance => utterance.Path == "/x/d.wav");
        Assert.Contains("no training utterances are left", Assert.Throws<InvalidDataException>(() => SpeechCorpus.Create("x", [utterances[60]], [], new SplitRequest(0.2, 0, null), new SpeechOptions())).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Create_TestRowsWithoutTextAndValidationThatIsTested_AreListed()
    {
        var utterances = Enumerable.Range(0, 60).Select(i => new SpeechUtterance($"/x/{i}.wav", $"number {i}", 1, "s")).ToList();
        var plain = SpeechCorpus.Create("x", utterances, [("real", [new("/y/1.wav", "something else", 1, "s")])], new SplitRequest(0.2, 0, null), new SpeechOptions());
        var (validated, tested) = (plain.Validation[0], new SpeechUtterance("/y/1.wav", plain.Validation[0].Text, 1, "s"));
        var corpus = SpeechCorpus.Create("x", utterances, [("real", [tested, new("/y/2.wav", null, 1, "s")])], new SplitRequest(0.2, 0, null), new SpeechOptions());

        Assert.Equal("/y/1.wav", Assert.Single(corpus.Tests[0].Utterances).Path);
        Assert.Equal(["/y/2.wav: it is for testing and has no transcript", $"{validated.Path}: its sentence is tested"], corpus.LeftOut);
        Assert.Equal(plain.Validation.Skip(1), corpus.Validation);
    }

    [Fact]
    public void Create_RecordingsOfTestAndValidation_AreNotTrainedOnWithOtherTextsOrNone()
    {
        var utterances = Enumerable.Range(0, 60).Select(i => new SpeechUtterance($"/x/{i}.wav", $"number {i}", 1, "s")).ToList();
        var tested = new SpeechUtterance("/y/1.wav", "something else", 1, "s");
        var plain = SpeechCorpus.Create("x", utterances, [("real", [tested])], new SplitRequest(0.2, 0, null), new SpeechOptions());
        var (validated, trained) = (plain.Validation[0], plain.Train[0]);
        SpeechUtterance[] more = [tested with { Text = null }, tested with { Text = trained.Text }, tested with { Text = validated.Text }, validated with { Text = null }, validated with { Text = trained.Text }, new("/x/new.wav", null, 1, "s")];
        var corpus = SpeechCorpus.Create("x", utterances.Concat(more), [("real", [tested])], new SplitRequest(0.2, 0, null), new SpeechOptions());

        Assert.Equal([.. plain.Train, more[^1]], corpus.Train);
        Assert.Equal(plain.Validation, corpus.Validation);
        Assert.Equal(3, corpus.LeftOut.Count(line => line == "/y/1.wav: its recording is tested"));
        Assert.Equal(2, corpus.LeftOut.Count(line => line == $"{validated.Path}: its recording is for validation"));
        Assert.Equal(5, corpus.LeftOut.Count);

        // Where the test set is a share of the rows, the same holds.
        var own = SpeechCorpus.Create("x", utterances.Concat(utterances.Select(utterance => utterance with { Text = null })), [], new SplitRequest(0.2, 0, null), new SpeechOptions());
        Assert.Empty(own.Train.Select(utterance => utterance.Path).Intersect(own.Validation.Concat(own.Tests[0].Utterances).Select(utterance => utterance.Path)));
    }

    [Fact]
    public void Create_DataInAnotherFolder_IsDrawnInTheSameWay()
    {
        IEnumerable<string> Drawn(string folder)
        {
            var utterances = Enumerable.Range(0, 60).Select(i => new SpeechUtterance($"{folder}/{i}.wav", $"number {i}", 1, "s") { Key = $"{i}.wav" });
            var corpus = SpeechCorpus.Create("x", utterances, [("real", [new("/y/1.wav", "something else", 1, "s")])], new SplitRequest(0.2, 0, 20), new SpeechOptions { ValidationUtterances = 4 });
            return corpus.Train.Concat(corpus.Validation).Select(utterance => utterance.Key);
        }

        Assert.Equal(24, Drawn("/home/a").Count());
        Assert.Equal(Drawn("/home/a"), Drawn("/data"));
    }

    [Fact]
    public void Create_NoTextsToValidateOn_SaysHowManyRowsHaveNone()
    {
        var utterances = Enumerable.Range(0, 9).Select(i => new SpeechUtterance($"/x/{i}.wav", null, 1, "s"));
        var error = Assert.Throws<InvalidDataException>(() => SpeechCorpus.Create("x", utterances, [("real", [new("/y/1.wav", "a", 1, "s")])], new SplitRequest(0.2, 0, null), new SpeechOptions()));
        Assert.Contains("no validation utterances are left; 9 of 9 usable rows have no `text`", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(" 'abcdefghijklmnopqrstuvwxyz", null)]
    [InlineData(" абвгд", null)]
    [InlineData(" abcé", "has `é`, which no transcript has")]
    [InlineData(" abcÄß", "has `Ä` `ß`, which no transcript has")]
    [InlineData(" ABc1-", "has `A` `B` `1` `-`, which no transcript has")]
    [InlineData(" abe\u0301", "has `\u0301`, which no transcript has")]
    public void Check_Alphabet_HasOnlyCharactersOfNormalTexts(string alphabet, string? message)
    {
        var errors = new ConfigErrors();
        new SpeechOptions { Alphabet = alphabet }.Check(ConfigNode.Map("data", new Dictionary<string, ConfigNode>(), 2), errors);

        string[] faulty = message is null ? [] : ["data.alphabet"];
        Assert.Equal(faulty, errors.All.Select(error => error.Path));
        Assert.Contains(message ?? "", string.Concat(errors.All.Select(error => error.Message)), StringComparison.Ordinal);
    }

    [Fact]
    public void Check_NamesOfTestSets_AreThoseOfFilesAndFreeMetrics()
    {
        static IReadOnlyList<ConfigError> Faults(params string[] names)
        {
            var errors = new ConfigErrors();
            new SpeechManifestOptions { Train = ["x.jsonl"], Test = names.ToDictionary(name => name, _ => "y.jsonl") }.Check(ConfigNode.Map("data", new Dictionary<string, ConfigNode>(), 2), errors);
            return errors.All;
        }

        Assert.Empty(Faults("real", "test-clean_2", "Beams"));
        Assert.All(Faults("clean/a", "", "größe", "beam", "beam_lm"), fault => Assert.Equal("data.test", fault.Path));
        Assert.Equal(5, Faults("clean/a", "", "größe", "beam", "beam_lm").Count);
        Assert.Contains("`clean/a` is no name of a test set", Faults("clean/a")[0].Message, StringComparison.Ordinal);
        Assert.Contains("wer_beam is a metric already", Faults("beam")[0].Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Asterisk_Lines_AreReadAndDescriptionsLeftOut()
    {
        using var folder = new TemporaryFolder();
        foreach (var name in new[] { "a", "b", "tone" })
        {
            WavFile.Write(folder.File(name + ".wav"), new AudioClip(new float[80], 8000));
        }

        var (kept, dropped) = AsteriskPrompts.Read(["; head", "", "a: Press * now", "b: Hello", "tone: [a beep]", "gone: Hi", "nonsense"], folder.Path);
        Assert.Equal(["Press  star  now", "Hello"], kept.Select(utterance => utterance.Text));
        Assert.Equal(["tone is described and not transcribed", "gone has no recording", "`nonsense` is no line `name: text`"], dropped);
    }

    [Fact]
    public void HeldOut_NearlyTheSameSentences_StayTogether()
    {
        List<string> texts = [.. Enumerable.Range(0, 40).SelectMany(i => new[] { $"alpha{(char)('a' + i % 26)}{(char)('a' + i / 26)} beta gamma delta", $"alpha{(char)('a' + i % 26)}{(char)('a' + i / 26)} x y" })];
        texts.AddRange(["please enter your number now", "please enter your password now", "one", "one"]);
        var held = AsteriskPrompts.HeldOut(texts, 0.5);
        Assert.Equal(held[80], held[81]);
        Assert.Equal(held[82], held[83]);
        // All sentences that end in beta gamma delta are near each other.
        Assert.Single(Enumerable.Range(0, 40).Select(i => held[2 * i]).Distinct());
        Assert.InRange(Enumerable.Range(0, 40).Count(i => held[(2 * i) + 1]), 8, 32);
    }

    [Fact]
    public void TeacherTranscripts_FarFromTheReference_AreDropped()
    {
        SpeechUtterance[] utterances = [new("/x/a", "one two three", 1, ""), new("/x/b", "one two three", 1, ""), new("/x/c", null, 1, ""), new("/x/d", "four", 1, "")];
        string[][] outputs = [["one two tree", "one two three"], ["six", "seven"], ["eight"], [""]];
        var best = TeacherTranscripts.Choose(utterances, outputs, new TeacherTargetsOptions { MaxWer = 0.34 }, out var summary);
        Assert.Equal(["one two tree", "eight"], best.Select(utterance => utterance.Text));
        Assert.StartsWith("of 4 outputs of the teacher 1 are empty and 1 are further", summary, StringComparison.Ordinal);
        var closest = TeacherTranscripts.Choose(utterances, outputs, new TeacherTargetsOptions { Choose = OutputChoice.Closest, Originals = true }, out _);
        Assert.Equal(["one two three", "one two three", "eight", "four"], closest.Select(utterance => utterance.Text));
        var blind = TeacherTranscripts.Choose(utterances, outputs, new TeacherTargetsOptions { Transcribed = 0, Originals = true }, out _);
        Assert.Equal(["one two tree", "six", "eight"], blind.Select(utterance => utterance.Text));
    }

    [Fact]
    public void TeacherTranscripts_SameNameInManyFolders_AreDrawnApartAndWhereverTheyLie()
    {
        IEnumerable<string> Read(string folder)
        {
            var utterances = Enumerable.Range(0, 200).Select(i => new SpeechUtterance($"{folder}/{i}/1.wav", "one", 1, "") { Key = $"{i}/1.wav" }).ToList();
            var options = new TeacherTargetsOptions { Transcribed = 0.5, Originals = true };
            return TeacherTranscripts.Choose(utterances, [.. utterances.Select(_ => new[] { "" })], options, out _).Select(utterance => utterance.Key);
        }

        Assert.InRange(Read("/home/a").Count(), 60, 140);
        Assert.Equal(Read("/home/a"), Read("/data"));
    }

    [Fact]
    public void Audible_EmptySilentAndClippedClips_AreCountedAndNamed()
    {
        using var folder = new TemporaryFolder();
        var sounds = new Dictionary<string, float[]>
        {
            ["good"] = [.. Enumerable.Range(0, 400).Select(i => (float)Math.Sin(i) / 2)],
            ["empty"] = [],
            ["silent"] = new float[400],
            ["loud"] = [.. Enumerable.Range(0, 400).Select(i => 2 * (float)Math.Sin(i))],
        };
        var utterances = sounds.Select(sound =>
        {
            WavFile.Write(folder.File(sound.Key + ".wav"), new AudioClip(sound.Value, 8000));
            return new SpeechUtterance(folder.File(sound.Key + ".wav"), $"this is {sound.Key}", 0, "s");
        }).ToList();
        var (leftOut, clipped, mistimed) = (new List<string>(), new List<string>(), new List<string>());

        Assert.Equal(["this is good", "this is loud"], SoundCheck.Audible(utterances, 8000, leftOut, clipped, mistimed).Select(utterance => utterance.Text));
        Assert.Empty(mistimed);
        Assert.Equal([$"{folder.File("empty.wav")}: it is 0 seconds long", $"{folder.File("silent.wav")}: it is silent"], leftOut);
        Assert.StartsWith($"{folder.File("loud.wav")}: 6", Assert.Single(clipped), StringComparison.Ordinal);

        File.WriteAllBytes(folder.File("good.wav"), File.ReadAllBytes(folder.File("good.wav"))[..300]);
        Assert.Contains("the file is cut off", Assert.Throws<InvalidDataException>(() => SoundCheck.Audible(utterances, 8000, leftOut, clipped, mistimed).Count()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Durations_OfManifests_GiveWayToThoseOfTheRecordings()
    {
        using var folder = new TemporaryFolder();
        WavFile.Write(folder.File("x.wav"), new AudioClip([.. Enumerable.Range(0, 4000).Select(i => (float)Math.Sin(i) / 2)], 8000));
        var utterances = new[] { 0, 0.45, 3 }.Select(seconds => new SpeechUtterance(folder.File("x.wav"), "x", seconds, "s")).ToList();
        var mistimed = new List<string>();

        var audible = SoundCheck.Audible(utterances, 16000, [], [], mistimed).ToList();
        Assert.Equal([0.5, 0.5, 0.5], audible.Select(utterance => utterance.Duration));
        Assert.Equal($"{folder.File("x.wav")}: it is 0.50 s long, and its manifest says 3.00", Assert.Single(mistimed));
        Assert.Equal([0.5, 0.45, 3.0], SoundCheck.Timed(utterances, 16000).Select(utterance => utterance.Duration));

        // What is longer than is allowed does not hide behind its manifest.
        var hidden = utterances[0] with { Text = "y", Duration = 0.1 };
        var error = Assert.Throws<InvalidDataException>(() => SpeechCorpus.CreateChecked("x", [hidden], [("real", [utterances[0]])], new SplitRequest(0.2, 0, null), new SpeechOptions { MaxSeconds = 0.4 }));
        Assert.Contains("x.wav: 0.5 s are more than max_seconds 0.4", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Features_MoreThanThereIsRoomFor_AreComputedAnewAndNotKept()
    {
        using var folder = new TemporaryFolder();
        WavFile.Write(folder.File("x.wav"), new AudioClip([.. Enumerable.Range(0, 4000).Select(i => (float)Math.Sin(i) / 2)], 8000));
        var utterance = new SpeechUtterance(folder.File("x.wav"), "x", 0.5, "s");
        var (roomy, full) = (new FeatureCache(new SpeechOptions()), new FeatureCache(new SpeechOptions { CacheMegabytes = 0 }));

        Assert.Same(roomy.Of(utterance), roomy.Of(utterance));
        Assert.NotSame(full.Of(utterance), full.Of(utterance));
        Assert.Equal(roomy.Of(utterance), full.Of(utterance));
    }

    [Fact]
    public void Descriptions_FetchedTable_GivesPlainSentencesOfTwoSides()
    {
        using var folder = new TemporaryFolder();
        Assert.Empty(DescriptionSentences.Read(folder.Path).Train);
        Directory.CreateDirectory(folder.File(DescriptionSentences.FetchedName));
        using (var writer = new StreamWriter(new System.IO.Compression.GZipStream(File.Create(Path.Combine(folder.File(DescriptionSentences.FetchedName), "en-it.tsv.gz")), System.IO.Compression.CompressionLevel.Fastest)))
        {
            var words = new[] { "red", "green", "blue", "old", "new", "small" };
            foreach (var (first, second) in words.SelectMany(first => words.Select(second => (first, second))))
            {
                writer.Write($"A {first} and {second} library. Too short! Uses GTK 3 and /etc/{first}.\tUna libreria\tpackage\n");
            }
        }

        var (train, test) = DescriptionSentences.Read(folder.Path);
        Assert.Equal((34, 2), (train.Count, test.Count));
        Assert.Empty(train.Intersect(test));
        Assert.Contains("a red and green library", train.Concat(test));
        Assert.All(train.Concat(test), text => Assert.StartsWith("a ", text, StringComparison.Ordinal));
    }

    [Fact]
    public void Sentences_SameKey_AreTheSameAndOfTheGivenWords()
    {
        var sentences = new SyntheticSentences(["press one now", "press two"]);
        var drawn = Enumerable.Range(0, 200).Select(i => sentences.Draw((ulong)i)).ToList();
        Assert.Equal(drawn, Enumerable.Range(0, 200).Select(i => new SyntheticSentences(["press one now", "press two"]).Draw((ulong)i)));
        Assert.Contains("press one now", drawn);
        Assert.All(drawn, text => Assert.Equal(text, SpeechText.Normalise(text)));
        Assert.True(drawn.Distinct().Count() > 60);
    }

    [Fact]
    public void Chunks_LongSound_IsCutAtQuietPlaces()
    {
        var samples = Enumerable.Range(0, 8000 * 50).Select(i => (float)Math.Sin(i)).ToArray();
        Array.Clear(samples, 8000 * 17, 1600);
        var chunks = DistillSharp.Speech.Transcriber.Chunks(new AudioClip(samples, 8000)).ToList();
        Assert.InRange(chunks[0].Length, 8000 * 17, (8000 * 17) + 1600);
        Assert.All(chunks, chunk => Assert.InRange(chunk.Length, 1, 8000 * 20));
        Assert.Equal(samples.Length, chunks.Sum(chunk => chunk.Length));
        Assert.All(chunks.Skip(1).Zip(chunks), pair => Assert.Equal(pair.Second.Start + pair.Second.Length, pair.First.Start));
    }
}
