namespace DistillSharp.Sequences;

/// <summary>
/// Keeps the most probable beginnings of a sentence and gives its finished outputs from the best score on. A sentence is done when it
/// has as many finished outputs as the beam is wide and none of its beginnings scores better than the best of them, or at its longest
/// length. (To stop at the number alone would take what a poor beginning ended with while the best one is still being written.)
/// </summary>
public static class BeamSearch
{
    /// <summary>The outputs of every sentence of a model whose width is the beam's.</summary>
    /// <param name="model">The model, opened for the sentences; their number changes as they are done.</param>
    /// <param name="begin">Token that every output is begun with.</param>
    /// <param name="end">Token that ends an output.</param>
    /// <param name="longest">Most tokens of each output.</param>
    /// <param name="options">Width and length normalisation.</param>
    public static IReadOnlyList<Hypothesis>[] Run(IStepModel model, int begin, int end, IReadOnlyList<int> longest, DecodingOptions options)
    {
        var beam = options.Beam;
        var sentences = longest.Select((limit, index) => new Sentence(index, beam, limit)).ToList();
        var found = new IReadOnlyList<Hypothesis>[sentences.Count];
        var (last, scratch, logits) = (Enumerable.Repeat(begin, sentences.Count * beam).ToArray(), new float[model.Vocabulary], new float[sentences.Count * beam * model.Vocabulary]);
        while (sentences.Count > 0)
        {
            model.Step(last, logits.AsSpan(0, sentences.Count * beam * model.Vocabulary));
            var (origins, next) = (new int[last.Length], new int[last.Length]);
            for (var i = 0; i < sentences.Count; i++)
            {
                sentences[i].Extend(logits.AsSpan(i * beam * model.Vocabulary, beam * model.Vocabulary), scratch, end);
                for (var row = 0; row < beam; row++)
                {
                    (origins[(i * beam) + row], next[(i * beam) + row]) = ((i * beam) + sentences[i].Origins[row], sentences[i].Last(row));
                }
            }

            if (origins.Index().Any(entry => entry.Index != entry.Item))
            {
                model.Reorder(origins);
            }

            var going = Enumerable.Range(0, sentences.Count).Where(i => !sentences[i].IsDone(beam, options.LengthPenalty)).ToList();
            sentences.Where(sentence => sentence.IsDone(beam, options.LengthPenalty)).ToList().ForEach(sentence => found[sentence.Index] = sentence.Best(options.LengthPenalty));
            if (going.Count < sentences.Count)
            {
                next = [.. going.SelectMany(i => next[(i * beam)..((i + 1) * beam)])];
                sentences = [.. going.Select(i => sentences[i])];
                if (sentences.Count > 0)
                {
                    model.Keep([.. going]);
                }
            }

            last = next;
        }

        return found;
    }

    private sealed class Sentence(int index, int beam, int longest)
    {
        private readonly List<Hypothesis> _finished = [];
        private (int[] Tokens, double LogProbability)[] _beginnings = [.. Enumerable.Range(0, beam).Select(i => (Array.Empty<int>(), i == 0 ? 0 : double.NegativeInfinity))];

        public int Index => index;

        public int[] Origins { get; private set; } = [.. Enumerable.Range(0, beam)];

        public int Last(int row) => _beginnings[row].Tokens[^1];

        public bool IsDone(int width, double lengthPenalty) => _beginnings[0].Tokens.Length >= longest || (_finished.Count >= width
            && _beginnings[0].LogProbability / Math.Pow(_beginnings[0].Tokens.Length, lengthPenalty) <= _finished.Max(output => output.Score(lengthPenalty)));

        // At most one candidate of a row is its end, so that twice the width always leaves enough that go on.
        public void Extend(ReadOnlySpan<float> logits, float[] scratch, int end)
        {
            var size = logits.Length / beam;
            var wanted = Math.Min(size, 2 * beam);
            var candidates = new List<(double LogProbability, int Row, int Token)>(beam * wanted);
            Span<(float Value, int Index)> best = stackalloc (float, int)[wanted];
            for (var row = 0; row < beam; row++)
            {
                if (double.IsNegativeInfinity(_beginnings[row].LogProbability))
                {
                    continue;
                }

                var numbers = logits.Slice(row * size, size);
                LogProbabilities.Top(numbers, best);
                var offset = _beginnings[row].LogProbability - LogProbabilities.LogSum(numbers, scratch);
                foreach (var (value, token) in best)
                {
                    candidates.Add((offset + value, row, token));
                }
            }

            var next = new List<(int[] Tokens, double LogProbability)>(beam);
            var origins = new List<int>(beam);
            var rank = 0;
            foreach (var (logProbability, row, token) in candidates.OrderByDescending(candidate => candidate.LogProbability))
            {
                if (token == end)
                {
                    // An end counts only where it is among the best, as one that the beam would have kept.
                    if (rank < beam)
                    {
                        _finished.Add(new Hypothesis(_beginnings[row].Tokens, logProbability, true));
                    }
                }
                else
                {
                    next.Add(([.. _beginnings[row].Tokens, token], logProbability));
                    origins.Add(row);
                }

                rank++;
                if (next.Count == beam)
                {
                    break;
                }
            }

            // A vocabulary smaller than the beam leaves rows empty.
            while (next.Count < beam)
            {
                next.Add((next.Count > 0 ? next[0].Tokens : [end], double.NegativeInfinity));
                origins.Add(0);
            }

            (_beginnings, Origins) = ([.. next], [.. origins]);
        }

        public IReadOnlyList<Hypothesis> Best(double lengthPenalty)
        {
            IEnumerable<Hypothesis> all = _finished.Count > 0
                ? _finished
                : _beginnings.Where(beginning => double.IsFinite(beginning.LogProbability)).Select(beginning => new Hypothesis(beginning.Tokens, beginning.LogProbability, false));
            return [.. all.OrderByDescending(hypothesis => hypothesis.Score(lengthPenalty))];
        }
    }
}
