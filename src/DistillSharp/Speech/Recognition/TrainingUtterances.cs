using DistillSharp.Export;
using DistillSharp.Runs;
using DistillSharp.Sequences;
using DistillSharp.Speech.Corpora;

namespace DistillSharp.Speech.Recognition;

/// <summary>Which training utterances there are for a network.</summary>
internal enum TrainingPool
{
    /// <summary>Those of <see cref="SpeechCorpus.Train"/>.</summary>
    Transcribed,

    /// <summary>Those of <see cref="TrainingUtterances.Heard"/>.</summary>
    Heard,

    /// <summary>Those of <see cref="SpeechCorpus.AllTrain"/>.</summary>
    All,
}

/// <summary>The utterances that networks are trained on: those whose symbols fit their frames. Others are named in a file and counted in a note: nothing is left out in silence.</summary>
internal sealed class TrainingUtterances
{
    private const string ClippedFile = "clipped.txt";

    private const string MistimedFile = "wrong-durations.txt";

    private readonly SpeechCorpus _corpus;
    private readonly FeatureCache _features;
    private readonly ISymbolCodec _symbols;
    private readonly Dictionary<(int Subsampling, TrainingPool Pool), List<SpeechUtterance>> _fitting = [];

    /// <summary>Looks at no recording yet.</summary>
    /// <param name="corpus">The utterances.</param>
    /// <param name="features">Their features.</param>
    /// <param name="symbols">Symbols of their transcripts.</param>
    /// <param name="hearsRest">Whether students that learn from a teacher hear those that train_samples leaves over, too.</param>
    public TrainingUtterances(SpeechCorpus corpus, FeatureCache features, ISymbolCodec symbols, bool hearsRest)
    {
        (_corpus, _features, _symbols) = (corpus, features, symbols);
        var own = corpus.Train.Select(utterance => utterance.Path).ToHashSet();
        Heard = hearsRest ? [.. corpus.Train, .. corpus.AllTrain.Where(utterance => !own.Contains(utterance.Path)).Select(utterance => utterance with { Text = null })] : corpus.Train;
    }

    /// <summary>What students hear that learn from a teacher: beside the transcribed utterances perhaps those that train_samples leaves over, without their transcripts.</summary>
    public IReadOnlyList<SpeechUtterance> Heard { get; }

    /// <summary>What was noticed about recordings that are kept.</summary>
    public IReadOnlyList<string> Remarks =>
    [
        .. Remark(_corpus.Doubtful, "recordings are kept and clipped", ClippedFile),
        .. Remark(_corpus.Mistimed, "recordings are longer or shorter than their manifests say, and are taken as they are", MistimedFile),
    ];

    /// <summary>The utterances of a pool that fit a network.</summary>
    /// <exception cref="InvalidDataException">There are none.</exception>
    public List<SpeechUtterance> Of(TrainingPool pool, int subsampling)
    {
        if (!_fitting.TryGetValue((subsampling, pool), out var utterances))
        {
            var all = pool switch { TrainingPool.All => _corpus.AllTrain, TrainingPool.Heard => Heard, _ => _corpus.Train };
            utterances = _fitting[(subsampling, pool)] = [.. all.Where(utterance => Fits(utterance, subsampling))];
            if (utterances.Count == 0)
            {
                throw new InvalidDataException($"{_corpus.Name}: every training utterance has more symbols than frames after subsampling by {subsampling}; lower subsampling, or check the transcripts");
            }
        }

        return utterances;
    }

    /// <summary>Those of a teacher's texts that fit a student: they may be longer than what a student that halves more often can write.</summary>
    /// <param name="targets">Utterances with the teacher's texts.</param>
    /// <param name="arm">The student's arm.</param>
    /// <param name="seed">Its seed.</param>
    /// <param name="subsampling">Its input frames an output frame.</param>
    /// <param name="directory">The run, for the file that names the others.</param>
    /// <param name="note">Hears their number.</param>
    /// <exception cref="InvalidDataException">There are none.</exception>
    public List<SpeechUtterance> Fitting(List<SpeechUtterance> targets, string arm, int seed, int subsampling, RunDirectory directory, Action<string> note)
    {
        var tight = targets.Where(utterance => !Fits(utterance, subsampling)).Select(utterance => $"{TooLong(utterance, subsampling)}: `{utterance.Text}`").ToList();
        if (tight.Count == 0)
        {
            return targets;
        }

        var file = $"left-out-{arm.Replace('/', '-')}-seed-{seed}.txt";
        Write(directory, file, tight);
        note($"{arm}: {tight.Count} of {targets.Count} texts are left out for more symbols than frames; {file} names them, first {tight[0]}");
        return tight.Count < targets.Count
            ? [.. targets.Where(utterance => Fits(utterance, subsampling))]
            : throw new InvalidDataException($"{arm}: every text of the teacher has more symbols than frames after subsampling by {subsampling}; lower the student's subsampling");
    }

    /// <summary>Names what is left out for networks of a subsampling, and what is doubtful, once in a run.</summary>
    public void NoteLeftOut(int subsampling, RunDirectory directory, Action<string> note)
    {
        var file = $"left-out-subsampling-{subsampling}.txt";
        if (File.Exists(Path.Combine(directory.Path, file)))
        {
            return;
        }

        foreach (var (name, lines) in new[] { (ClippedFile, _corpus.Doubtful), (MistimedFile, _corpus.Mistimed) }.Where(entry => entry.Item2.Count > 0))
        {
            Write(directory, name, lines);
        }

        var tight = _corpus.AllTrain.Except(Of(TrainingPool.All, subsampling)).Select(utterance => TooLong(utterance, subsampling)).ToList();
        List<string> leftOut = [.. _corpus.LeftOut, .. tight];
        Write(directory, file, leftOut);
        if (leftOut.Count > 0)
        {
            note($"{leftOut.Count} utterances are left out, {tight.Count} of them for more symbols than frames; {file} names them, first {leftOut[0]}");
        }
    }

    private static IEnumerable<string> Remark(IReadOnlyList<string> lines, string what, string file) => lines.Count == 0 ? [] : [$"{lines.Count} {what}; {file} names them, first {lines[0]}"];

    private static void Write(RunDirectory directory, string file, IEnumerable<string> lines) => AtomicFile.WriteText(Path.Combine(directory.Path, file), string.Concat(lines.Select(line => line + "\n")));

    private bool Fits(SpeechUtterance utterance, int subsampling) =>
        utterance.Text is null || CtcDecoder.FramesNeeded(_symbols.Encode(utterance.Text)) <= (_features.FewestFrames(utterance) + subsampling - 1) / subsampling;

    private string TooLong(SpeechUtterance utterance, int subsampling) =>
        $"{utterance.Path}: more symbols than its frames allow after subsampling by {subsampling}{(_corpus.Options.SpeechAugment.Speed > 0 ? ", played at the fastest" : "")}";
}
