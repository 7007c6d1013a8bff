namespace DistillSharp.Sequences.LanguageModels;

/// <summary>
/// A back-off n-gram model of whatever tokens (words, characters): log-probabilities of the n-grams that were seen, and of every context what
/// is left for others. Probabilities of a context sum to 1 over the vocabulary with <see cref="Unknown"/> and <see cref="End"/>.
/// </summary>
public sealed class NgramModel
{
    /// <summary>Comes before the first token.</summary>
    public const string Begin = "<s>";

    /// <summary>Comes after the last token.</summary>
    public const string End = "</s>";

    /// <summary>Stands for every token that was not seen in training.</summary>
    public const string Unknown = "<unk>";

    private readonly Dictionary<string, int> _ids;
    private readonly Dictionary<NgramKey, NgramEntry>[] _entries;

    /// <summary>A model of entries by order.</summary>
    internal NgramModel(IReadOnlyList<string> vocabulary, Dictionary<NgramKey, NgramEntry>[] entries)
    {
        (Vocabulary, _entries) = (vocabulary, entries);
        _ids = vocabulary.Index().ToDictionary(entry => entry.Item, entry => entry.Index);
    }

    /// <summary>Longest n-gram.</summary>
    public int Order => _entries.Length;

    /// <summary>All tokens, the three marks among them.</summary>
    public IReadOnlyList<string> Vocabulary { get; }

    /// <summary>Number of n-grams of an order, from 1 on.</summary>
    public int Count(int order) => _entries[order - 1].Count;

    /// <summary>The number of a token; that of <see cref="Unknown"/> where it was never seen.</summary>
    public int IdOf(string token) => _ids.TryGetValue(token, out var id) ? id : _ids[Unknown];

    /// <summary>The context at the begin of a text.</summary>
    public NgramKey Start => new([_ids[Begin]]);

    /// <summary>Natural logarithm of the probability of a token behind a context, and the context of the next.</summary>
    /// <param name="context">The tokens before; only the last <see cref="Order"/> − 1 count.</param>
    /// <param name="token">Number of the token.</param>
    public (double LogProbability, NgramKey Next) Score(NgramKey context, int token)
    {
        var (sum, tokens) = (0.0, context.Tokens.Length < Order ? context.Tokens : context.Tokens[^(Order - 1)..]);
        while (true)
        {
            if (_entries[tokens.Length].TryGetValue(new NgramKey([.. tokens, token]), out var found))
            {
                return (sum + found.LogProbability, Kept(context, token));
            }

            if (tokens.Length == 0)
            {
                throw new ArgumentException($"token {token} is none of the {Vocabulary.Count} of the model");
            }

            sum += _entries[tokens.Length - 1].TryGetValue(new NgramKey(tokens), out var left) ? left.BackOff : 0;
            tokens = tokens[1..];
        }
    }

    /// <summary>Natural logarithm of the probability of a text, its end included.</summary>
    public double Score(IEnumerable<string> tokens)
    {
        var (sum, context) = (0.0, Start);
        foreach (var id in tokens.Select(IdOf).Append(_ids[End]))
        {
            var (value, next) = Score(context, id);
            (sum, context) = (sum + value, next);
        }

        return sum;
    }

    /// <summary>The n-grams of an order by their tokens' numbers.</summary>
    internal IReadOnlyDictionary<NgramKey, NgramEntry> Entries(int order) => _entries[order - 1];

    private NgramKey Kept(NgramKey context, int token) => new(Order == 1 ? [] : [.. context.Tokens.Length < Order - 1 ? context.Tokens : context.Tokens[^(Order - 2)..], token]);
}

/// <summary>What is known of an n-gram, natural logarithms.</summary>
/// <param name="LogProbability">Of its last token behind the others.</param>
/// <param name="BackOff">What is added where a token was not seen behind it; 0 where it is no context.</param>
public readonly record struct NgramEntry(double LogProbability, double BackOff);

/// <summary>Numbers of tokens, compared one by one.</summary>
public readonly struct NgramKey(int[] tokens) : IEquatable<NgramKey>
{
    /// <summary>The numbers.</summary>
    public int[] Tokens { get; } = tokens;

    /// <summary>Whether they are the same.</summary>
    public static bool operator ==(NgramKey left, NgramKey right) => left.Equals(right);

    /// <summary>Whether they are not the same.</summary>
    public static bool operator !=(NgramKey left, NgramKey right) => !left.Equals(right);

    /// <inheritdoc/>
    public bool Equals(NgramKey other) => Tokens.AsSpan().SequenceEqual(other.Tokens);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is NgramKey other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        var hash = new HashCode();
        foreach (var token in Tokens)
        {
            hash.Add(token);
        }

        return hash.ToHashCode();
    }
}
