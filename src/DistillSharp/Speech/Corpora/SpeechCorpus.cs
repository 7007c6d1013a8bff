using System.Security.Cryptography;
using System.Text;
using DistillSharp.Config;
using DistillSharp.Data;
using DistillSharp.Sequences;
using DistillSharp.Speech.Audio;

namespace DistillSharp.Speech.Corpora;

/// <summary>How recordings are read: options of every dataset of speech.</summary>
public record SpeechOptions : ICheckedOptions
{
    /// <summary>Samples a second that all sound is brought to.</summary>
    [Option("samples a second that all sound is brought to", Min = 1000, Max = 96000)]
    public int SampleRate { get; init; } = 8000;

    /// <summary>Mel bands.</summary>
    [Option("bands of the log-mel features", Min = 4, Max = 256)]
    public int Mels { get; init; } = 40;

    /// <summary>Characters that transcripts consist of.</summary>
    [Option("characters of transcripts in their normal form; utterances with others are left out and listed")]
    public string Alphabet { get; init; } = SymbolAlphabet.English;

    /// <summary>Number of symbols, where they are subwords.</summary>
    [Option("symbols of CTC where they are subwords, learned on the training transcripts: characters and joined pairs together; characters alone where it is not given", Min = 2, Max = 20000)]
    public int? Vocabulary { get; init; }

    /// <summary>Longest utterance in seconds.</summary>
    [Option("longest utterance in seconds; longer ones are left out of training and listed", Min = 0, AboveMin = true, Max = 600)]
    public double MaxSeconds { get; init; } = 20;

    /// <summary>Most utterances of validation.</summary>
    [Option("most utterances of the validation split, which is measured every epoch", Min = 1)]
    public int ValidationUtterances { get; init; } = 500;

    /// <summary>Share that is held out for testing where no test manifest is given.</summary>
    [Option("share of the sentences held out for testing, where no manifest is given for that", Min = 0.001, Max = 0.9)]
    public double TestShare { get; init; } = 0.1;

    /// <summary>Whether every recording is read before anything else.</summary>
    [Option("read every recording before anything else: those of 0 seconds and silent ones are left out and listed, clipped ones listed; false saves the reading of a large corpus")]
    public bool CheckSound { get; init; } = true;

    /// <summary>Megabytes of features that are kept in memory.</summary>
    [Option("megabytes of features that are kept in memory; the rest is computed anew in every epoch", Min = 0)]
    public int CacheMegabytes { get; init; } = 768;

    /// <summary>Random changes of training utterances.</summary>
    [Option("random changes of the training utterances, the same for teacher and student")]
    public SpeechAugmentOptions SpeechAugment { get; init; } = new();

    /// <inheritdoc/>
    public virtual void Check(ConfigNode node, ConfigErrors errors)
    {
        if (SpeechText.NeverNormal(Alphabet) is { Length: > 0 } never)
        {
            errors.Add(
                node.PathOf("alphabet"),
                $"has {Quoted(never)}, which no transcript has in its normal form (lower case, numbers in words, letters without accents, no marks, and no punctuation but apostrophes within words); leave out such characters",
                node.Line);
        }

        if (Vocabulary is not null && (Alphabet.Any(character => !char.IsAscii(character)) || !Alphabet.Contains(' ')))
        {
            errors.Add(node.PathOf("vocabulary"), $"needs an alphabet of ASCII characters with a space, not `{Alphabet}`", node.Line);
        }
        else if (Vocabulary is { } count && count <= Alphabet.Length)
        {
            errors.Add(node.PathOf("vocabulary"), $"counts characters and subwords together; it must be above the {Alphabet.Length} characters of the alphabet, not {count}", node.Line);
        }
    }

    /// <summary>Characters as messages name them.</summary>
    internal static string Quoted(string characters) => string.Join(' ', characters.Select(character => $"`{character}`"));
}

/// <summary>Utterances in splits: no sentence, in its normal form, and no recording is in two of them.</summary>
/// <param name="Name">Name of the dataset.</param>
/// <param name="Train">Training utterances, some perhaps without transcripts.</param>
/// <param name="Validation">Validation utterances.</param>
/// <param name="Tests">Test sets by name, measured apart; the first is the one that verdicts are about.</param>
/// <param name="Options">How they are read.</param>
public sealed record SpeechCorpus(
    string Name, IReadOnlyList<SpeechUtterance> Train, IReadOnlyList<SpeechUtterance> Validation, IReadOnlyList<(string Name, IReadOnlyList<SpeechUtterance> Utterances)> Tests, SpeechOptions Options) : IDomainData
{
    /// <summary>What was left out, one line each.</summary>
    public IReadOnlyList<string> LeftOut { get; init; } = [];

    /// <summary>What is kept although something is wrong with it, one line each: clipped recordings.</summary>
    public IReadOnlyList<string> Doubtful { get; init; } = [];

    /// <summary>Recordings whose manifest says another duration than they have, one line each; their own is what counts.</summary>
    public IReadOnlyList<string> Mistimed { get; init; } = [];

    /// <summary>Training utterances before train_samples, for teachers that may hear all of them.</summary>
    public IReadOnlyList<SpeechUtterance> AllTrain { get; init; } = Train;

    /// <summary>Normalises transcripts and splits utterances by a hash of them.</summary>
    /// <param name="name">Name of the dataset.</param>
    /// <param name="utterances">Utterances to train on, and to take validation from.</param>
    /// <param name="tests">Test sets; none for one of <paramref name="utterances"/>.</param>
    /// <param name="split">Shares and seed.</param>
    /// <param name="options">Alphabet and limits.</param>
    /// <exception cref="InvalidDataException">A split is empty; says what was left out.</exception>
    public static SpeechCorpus Create(
        string name, IEnumerable<SpeechUtterance> utterances, IReadOnlyList<(string Name, IEnumerable<SpeechUtterance> Utterances)> tests, SplitRequest split, SpeechOptions options) =>
        Create(name, utterances, tests, split, options, []);

    /// <summary>The same with recordings that nothing can be heard in left out, and clipped ones named.</summary>
    internal static SpeechCorpus CreateChecked(
        string name, IEnumerable<SpeechUtterance> utterances, IReadOnlyList<(string Name, IEnumerable<SpeechUtterance> Utterances)> tests, SplitRequest split, SpeechOptions options)
    {
        var (leftOut, doubtful, mistimed) = (new List<string>(), new List<string>(), new List<string>());
        IEnumerable<SpeechUtterance> Audible(IEnumerable<SpeechUtterance> all) => options.CheckSound
            ? SoundCheck.Audible(all, options.SampleRate, leftOut, doubtful, mistimed)
            : SoundCheck.Timed(all, options.SampleRate);
        return Create(name, Audible(utterances), [.. tests.Select(test => (test.Name, Audible(test.Utterances)))], split, options, leftOut) with { Doubtful = doubtful, Mistimed = mistimed };
    }

    private static SpeechCorpus Create(
        string name, IEnumerable<SpeechUtterance> utterances, IReadOnlyList<(string Name, IEnumerable<SpeechUtterance> Utterances)> tests, SplitRequest split, SpeechOptions options, List<string> leftOut)
    {
        var alphabet = new SymbolAlphabet(options.Alphabet);
        var tested = tests.Select(test => (test.Name, Utterances: Usable(test.Utterances, alphabet, null, leftOut).ToList())).ToList();
        var parts = new List<SpeechUtterance>[] { [], [], [] };
        foreach (var utterance in Usable(utterances, alphabet, options.MaxSeconds, leftOut))
        {
            parts[utterance.Text is null ? 0 : Part(utterance.Text, split, tests.Count == 0 ? options.TestShare : 0)].Add(utterance);
        }

        if (tests.Count == 0)
        {
            tested.Add(("test", parts[2]));
        }

        var (sentences, recordings) = (tested.SelectMany(test => test.Utterances).Select(utterance => utterance.Text!).ToHashSet(), Recordings(tested.SelectMany(test => test.Utterances)));
        string? Leak(SpeechUtterance utterance) => utterance.Text is { } text && sentences.Contains(text) ? "its sentence is tested"
            : recordings.Contains(utterance.Path) ? "its recording is tested" : null;
        var validation = Kept(parts[1], Leak, leftOut).OrderBy(utterance => Hash(utterance.Key)).Take(options.ValidationUtterances).ToList();
        var validated = Recordings(validation);
        var train = Kept(parts[0], utterance => Leak(utterance) ?? (validated.Contains(utterance.Path) ? "its recording is for validation" : null), leftOut);
        IReadOnlyList<SpeechUtterance> all = train;
        if (split.TrainSamples is { } wanted)
        {
            train = wanted <= train.Count
                ? [.. train.OrderBy(utterance => StableRandom.Key(Hash(utterance.Key), unchecked((ulong)split.Seed))).Take(wanted).OrderBy(utterance => utterance.Key, StringComparer.Ordinal)]
                : throw new InvalidDataException($"{name}: train_samples is {wanted}, but {train.Count} training utterances are left after validation");
        }

        var (rows, bare) = (parts.Sum(part => part.Count), parts[0].Count(utterance => utterance.Text is null));
        foreach (var (part, count) in new[] { ("training", train.Count), ("validation", validation.Count) }.Concat(tested.Select(test => ($"test ({test.Name})", test.Utterances.Count))))
        {
            if (count == 0)
            {
                throw new InvalidDataException($"{name}: no {part} utterances are left{(bare > 0 && part == "validation" ? $"; {bare} of {rows} usable rows have no `text`, and only those that have one are taken for validation" : "")}{(leftOut.Count > 0 ? $"; left out: {string.Join("; ", leftOut.Take(5))}" : "")}");
            }
        }

        return new SpeechCorpus(name, train, validation, [.. tested.Select(test => (test.Name, (IReadOnlyList<SpeechUtterance>)test.Utterances))], options) { LeftOut = leftOut, AllTrain = all };
    }

    /// <summary>SHA-256 over paths' names, transcripts and, where they are known, hashes of the sound of a split.</summary>
    public static string Sha256(IEnumerable<SpeechUtterance> utterances)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var utterance in utterances)
        {
            hash.AppendData(Encoding.UTF8.GetBytes($"{System.IO.Path.GetFileName(utterance.Path)}\t{utterance.Text}\t{utterance.Sha256}\n"));
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    // Where there is no longest, utterances are for testing: of any length, and of no use without a transcript.
    private static IEnumerable<SpeechUtterance> Usable(IEnumerable<SpeechUtterance> utterances, SymbolAlphabet alphabet, double? longest, List<string> leftOut)
    {
        foreach (var utterance in utterances)
        {
            var text = utterance.Text is null ? null : SpeechText.Normalise(utterance.Text);
            var reason = text is null && longest is null ? "it is for testing and has no transcript"
                : text is "" ? "its transcript has no words"
                : text is not null && alphabet.Unknown(text) is { Length: > 0 } unknown ? $"its transcript has characters outside the alphabet: {SpeechOptions.Quoted(unknown)}"
                : longest is { } limit && utterance.Duration > limit ? FormattableString.Invariant($"{utterance.Duration:0.0} s are more than max_seconds {limit}")
                : null;
            if (reason is not null)
            {
                leftOut.Add($"{utterance.Path}: {reason}");
                continue;
            }

            yield return utterance with { Text = text };
        }
    }

    private static HashSet<string> Recordings(IEnumerable<SpeechUtterance> utterances) => utterances.Select(utterance => utterance.Path).ToHashSet();

    // Those for which there is no reason against them; the others are listed with it.
    private static List<SpeechUtterance> Kept(List<SpeechUtterance> utterances, Func<SpeechUtterance, string?> against, List<string> leftOut)
    {
        var kept = new List<SpeechUtterance>();
        foreach (var utterance in utterances)
        {
            if (against(utterance) is { } reason)
            {
                leftOut.Add($"{utterance.Path}: {reason}");
            }
            else
            {
                kept.Add(utterance);
            }
        }

        return kept;
    }

    private static int Part(string text, SplitRequest split, double test)
    {
        var place = new StableRandom(StableRandom.Key(Hash(text), unchecked((ulong)split.Seed), 0x5bee)).Unit();
        return place < test ? 2 : place < test + split.Validation ? 1 : 0;
    }

    // FNV-1a: the same on every platform and version.
    private static ulong Hash(string text) => Encoding.UTF8.GetBytes(text).Aggregate(14695981039346656037UL, (hash, value) => (hash ^ value) * 1099511628211UL);
}
