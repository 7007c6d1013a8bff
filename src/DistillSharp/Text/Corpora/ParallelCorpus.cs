using System.Security.Cryptography;
using System.Text;
using DistillSharp.Data;

namespace DistillSharp.Text.Corpora;

/// <summary>Pairs of sentences in splits; no group is in two of them, and no source sentence of training is in the others.</summary>
/// <param name="Name">Name of the dataset.</param>
/// <param name="Train">Training pairs.</param>
/// <param name="Validation">Validation pairs.</param>
/// <param name="Test">Test pairs.</param>
/// <param name="Options">How they were made, and the vocabulary to learn.</param>
public sealed record ParallelCorpus(string Name, IReadOnlyList<SentencePair> Train, IReadOnlyList<SentencePair> Validation, IReadOnlyList<SentencePair> Test, PairFilterOptions Options)
    : IDomainData
{
    /// <summary>Training pairs that <see cref="SplitRequest.TrainSamples"/> leaves out, none with a source that is trained on or tested.</summary>
    public IReadOnlyList<SentencePair> LeftOut { get; init; } = [];

    /// <summary>Usable test pairs of a test file of its own, of which <see cref="PairFilterOptions.TestPairs"/> are measured; 0 where there is no such file.</summary>
    public int GivenTestPairs { get; init; }

    /// <summary>What was dropped and why.</summary>
    public IReadOnlyDictionary<string, int> Dropped { get; init; } = new Dictionary<string, int>();

    /// <summary>Splits pairs by a hash of their groups and drops from validation and test what occurs in training.</summary>
    /// <param name="name">Name of the dataset.</param>
    /// <param name="pairs">Pairs to be divided.</param>
    /// <param name="test">Test pairs; null where some of <paramref name="pairs"/> become that.</param>
    /// <param name="split">Shares, seed and limits.</param>
    /// <param name="options">Filter and limits.</param>
    /// <exception cref="InvalidDataException">A split is empty; says what to change.</exception>
    public static ParallelCorpus Create(string name, IEnumerable<SentencePair> pairs, IEnumerable<SentencePair>? test, SplitRequest split, PairFilterOptions options)
    {
        var filter = new PairFilter(options);
        var parts = new List<SentencePair>[] { [], [], [] };
        foreach (var pair in filter.Apply(pairs))
        {
            parts[Part(pair.Group, split, test is null ? options.TestShare : 0)].Add(pair);
        }

        if (test is not null)
        {
            parts[2].AddRange(filter.Apply(test));
        }

        var train = Limit(parts[0], split.TrainSamples ?? int.MaxValue, split.Seed);
        if (split.TrainSamples > parts[0].Count)
        {
            throw new InvalidDataException($"{name}: train_samples is {split.TrainSamples}, but {parts[0].Count} training pairs are left after validation and test");
        }

        // Against all training pairs, also those that train_samples leaves out: the test set is then the same for every size.
        var known = parts[0].Select(pair => PairFilter.Normalise(pair.Source)).ToHashSet();
        var (validation, tested) = (Unseen(parts[1], known), Unseen(parts[2], [.. known, .. parts[1].Select(pair => PairFilter.Normalise(pair.Source))]));
        var dropped = new SortedDictionary<string, int>(filter.Dropped.ToDictionary(), StringComparer.Ordinal) { ["occurs in training"] = parts[1].Count + parts[2].Count - validation.Count - tested.Count };
        foreach (var (part, count) in new[] { ("training", train.Count), ("validation", validation.Count), ("test", tested.Count) })
        {
            if (count == 0)
            {
                var reasons = string.Join(", ", dropped.Where(entry => entry.Value > 0).Select(entry => $"{entry.Value} {entry.Key}"));
                throw new InvalidDataException($"{name}: no {part} pairs are left{(reasons.Length > 0 ? $" (dropped: {reasons})" : "")}; bring more text, or change data.validation, test_share, min_words, max_words, min_ratio or max_ratio");
            }
        }

        return new ParallelCorpus(name, train, Limit(validation, options.ValidationPairs, split.Seed), Limit(tested, options.TestPairs, split.Seed), options)
        {
            LeftOut = train.Count == parts[0].Count ? [] : Unseen(parts[0], [.. train.Select(pair => PairFilter.Normalise(pair.Source))]),
            GivenTestPairs = test is null ? 0 : tested.Count,
            Dropped = dropped,
        };
    }

    /// <summary>SHA-256 over the pairs of a split.</summary>
    public static string Sha256(IEnumerable<SentencePair> pairs)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var pair in pairs)
        {
            hash.AppendData(Encoding.UTF8.GetBytes($"{pair.Source}\t{pair.Target}\n"));
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private static int Part(string group, SplitRequest split, double test)
    {
        var place = new StableRandom(StableRandom.Key(Hash(group), unchecked((ulong)split.Seed), 0x5917)).Unit();
        return place < test ? 2 : place < test + split.Validation ? 1 : 0;
    }

    private static List<SentencePair> Unseen(List<SentencePair> pairs, HashSet<string> known)
    {
        var seen = new HashSet<string>();
        return [.. pairs.Where(pair => PairFilter.Normalise(pair.Source) is var text && !known.Contains(text) && seen.Add(text))];
    }

    // A sample by hash and not the first ones, which are those of packages whose names begin with a.
    internal static List<SentencePair> Limit(IReadOnlyList<SentencePair> pairs, int count, int seed) => pairs.Count <= count
        ? [.. pairs]
        : [.. pairs.Index().OrderBy(pair => StableRandom.Key(Hash(pair.Item.Source), Hash(pair.Item.Target), unchecked((ulong)seed))).Take(count).OrderBy(pair => pair.Index).Select(pair => pair.Item)];

    // FNV-1a: the same on every platform and version.
    private static ulong Hash(string text) => Encoding.UTF8.GetBytes(text).Aggregate(14695981039346656037UL, (hash, value) => (hash ^ value) * 1099511628211UL);
}
