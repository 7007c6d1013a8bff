using System.IO.Compression;
using DistillSharp.Config;
using DistillSharp.Sequences;
using DistillSharp.Speech.Audio;

namespace DistillSharp.Speech.Corpora;

/// <summary>
/// Asterisk's English prompts, spoken by Allison Smith, with their transcripts (CC-BY-SA-3.0), fetched through apt. Test sentences are held out
/// with all that are nearly the same; it is one speaker in training and test.
/// </summary>
public static class AsteriskPrompts
{
    /// <summary>Name by which they are fetched.</summary>
    public const string FetchedName = "asterisk-en";

    private const double TestShare = 0.2;
    private const double NearDuplicate = 0.25;

    /// <summary>Fetches the prompts and writes <c>all.jsonl</c>, <c>train.jsonl</c> and <c>test.jsonl</c>; returns their folder.</summary>
    /// <param name="cache">The folder of all datasets.</param>
    /// <param name="report">Told what is being done.</param>
    /// <param name="cancellation">Stops apt.</param>
    /// <exception cref="InvalidDataException">There is no apt here, or the packages hold something else.</exception>
    public static string Get(string cache, Action<string> report, CancellationToken cancellation = default)
    {
        var folder = Path.Combine(cache, FetchedName);
        if (File.Exists(Path.Combine(folder, "all.jsonl")) && !SpeechManifest.Verify(Path.Combine(folder, "all.jsonl")).Any())
        {
            report($"{FetchedName} is in the cache already");
            return folder;
        }

        var work = Path.Combine(cache, $".fetch-{FetchedName}-{Environment.ProcessId}");
        try
        {
            report($"{FetchedName}: apt-get download asterisk-core-sounds-en-wav asterisk-core-sounds-en");
            ProgramRunner.Unpack(["asterisk-core-sounds-en-wav", "asterisk-core-sounds-en"], work, cancellation);
            var transcripts = Directory.EnumerateFiles(work, "core-sounds-en.txt*", SearchOption.AllDirectories).FirstOrDefault()
                ?? throw new InvalidDataException("asterisk-core-sounds-en holds no core-sounds-en.txt.gz: another version of it");
            var sounds = Directory.EnumerateFiles(work, "activated.wav", SearchOption.AllDirectories).Select(Path.GetDirectoryName).FirstOrDefault()
                ?? throw new InvalidDataException("asterisk-core-sounds-en-wav holds no activated.wav: another version of it");
            var (kept, dropped) = Read(Lines(transcripts), sounds);
            Install(kept, sounds, folder);
            report($"{FetchedName}: {kept.Count} recordings, {kept.Sum(utterance => utterance.Duration) / 60:0.0} minutes; left out {dropped.Count} ({string.Join("; ", dropped.Take(3))} …)");
        }
        finally
        {
            if (Directory.Exists(work))
            {
                Directory.Delete(work, recursive: true);
            }
        }

        return folder;
    }

    /// <summary>The recordings that a list of <c>name: text</c> describes, and what was left out why.</summary>
    internal static (List<SpeechUtterance> Kept, List<string> Dropped) Read(IEnumerable<string> lines, string sounds)
    {
        var (kept, dropped) = (new List<SpeechUtterance>(), new List<string>());
        foreach (var line in lines.Where(line => line.Length > 0 && line[0] != ';'))
        {
            if (line.Split(':', 2) is not [var name, var text])
            {
                dropped.Add($"`{line}` is no line `name: text`");
                continue;
            }

            var file = Path.Combine(sounds, name.Trim() + ".wav");
            var spoken = text.Replace("*", " star ", StringComparison.Ordinal).Replace("#", " pound ", StringComparison.Ordinal).Trim();
            var reason = !File.Exists(file) ? "has no recording"
                : spoken.Contains('[', StringComparison.Ordinal) || spoken.Contains('<', StringComparison.Ordinal) ? "is described and not transcribed"
                : SpeechText.Normalise(spoken).Length == 0 ? "has no words" : null;
            if (reason is not null)
            {
                dropped.Add($"{name} {reason}");
                continue;
            }

            kept.Add(new SpeechUtterance(file, spoken, WavFile.Read(file).Seconds, "Allison Smith") { Sha256 = FileHash.Sha256(file) });
        }

        return (kept, dropped);
    }

    /// <summary>True for each utterance that is held out: whole groups of sentences that differ in a quarter of their words or less.</summary>
    internal static bool[] HeldOut(IReadOnlyList<string> texts, double share)
    {
        var words = texts.Select(text => ErrorRates.SplitWords(SpeechText.Normalise(text))).ToArray();
        var groups = Enumerable.Range(0, texts.Count).ToArray();
        for (var i = 0; i < texts.Count; i++)
        {
            for (var j = 0; j < i; j++)
            {
                var longer = Math.Max(words[i].Length, words[j].Length);
                if (groups[i] != groups[j] && Math.Abs(words[i].Length - words[j].Length) <= NearDuplicate * longer && EditDistance.Between(words[i], words[j]) <= NearDuplicate * longer)
                {
                    var (old, joined) = (groups[i], groups[j]);
                    groups = Array.ConvertAll(groups, group => group == old ? joined : group);
                }
            }
        }

        // Groups are drawn by a hash of their first sentence, so that a longer list leaves the others where they are.
        return Array.ConvertAll(groups, group => FileHash.Sha256(System.Text.Encoding.UTF8.GetBytes(string.Join(' ', words[group])))[..8] is var hash
            && Convert.ToUInt32(hash, 16) < share * uint.MaxValue);
    }

    private static void Install(List<SpeechUtterance> kept, string sounds, string folder)
    {
        var placed = kept.Select(utterance => utterance with { Path = Path.Combine(folder, "wav", Path.GetRelativePath(sounds, utterance.Path)) }).ToList();
        foreach (var (from, to) in kept.Zip(placed))
        {
            Directory.CreateDirectory(Path.GetDirectoryName(to.Path)!);
            File.Copy(from.Path, to.Path, overwrite: true);
        }

        var held = HeldOut([.. placed.Select(utterance => utterance.Text!)], TestShare);
        SpeechManifest.Write(Path.Combine(folder, "train.jsonl"), placed.Where((_, i) => !held[i]));
        SpeechManifest.Write(Path.Combine(folder, "test.jsonl"), placed.Where((_, i) => held[i]));
        SpeechManifest.Write(Path.Combine(folder, "all.jsonl"), placed);
    }

    private static List<string> Lines(string path)
    {
        using var reader = new StreamReader(path.EndsWith(".gz", StringComparison.Ordinal) ? new GZipStream(File.OpenRead(path), CompressionMode.Decompress) : File.OpenRead(path));
        return [.. reader.ReadToEnd().Split('\n').Select(line => line.Trim())];
    }
}
