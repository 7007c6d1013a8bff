using DistillSharp.Data;
using DistillSharp.Sequences;

namespace DistillSharp.Tests.Sequences;

public sealed class SearchTests
{
    private const int End = 2;

    private static readonly SequenceInfo Info = new(6, 0, 1, End, "");

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public void BeamSearch_WideBeam_FindsTheBestOfAllOutputs(int seed)
    {
        // All outputs of up to 3 tokens by brute force; a beam as wide as there are beginnings loses none.
        var model = new TableModel(seed, 1, 125);
        var options = new DecodingOptions { Beam = 125, LengthPenalty = 0.7 };

        var found = BeamSearch.Run(model, 1, End, [4], options)[0];

        var best = TableModel.All(seed, 4).MaxBy(output => output.Score(0.7))!;
        Assert.Equal(best.Tokens, found[0].Tokens);
        Assert.Equal(best.LogProbability, found[0].LogProbability, 1e-4);
        Assert.Equal(found.OrderByDescending(output => output.Score(0.7)), found);
    }

    [Fact]
    public void BeamSearch_WidthOne_IsGreedySearch()
    {
        for (var seed = 0; seed < 20; seed++)
        {
            var greedy = GreedySearch.Run(new TableModel(seed, 1, 1), 1, End, [8])[0];
            var beam = BeamSearch.Run(new TableModel(seed, 1, 1), 1, End, [8], new DecodingOptions { Beam = 1 })[0][0];

            Assert.Equal(greedy.Tokens, beam.Tokens);
            Assert.Equal(greedy.IsEnded, beam.IsEnded);
            Assert.Equal(greedy.LogProbability, beam.LogProbability, 1e-6);
        }
    }

    [Fact]
    public void GreedySearch_Margins_AreThoseOfItsSteps()
    {
        var output = GreedySearch.Run(new TableModel(3, 1, 1), 1, End, [8])[0];

        var (model, logits, margins) = (new TableModel(3, 1, 1), new float[6], new List<double>());
        foreach (var token in output.Tokens.Prepend(1).Take(output.Tokens.Length + (output.IsEnded ? 1 : 0)))
        {
            model.Step([token], logits);
            var best = logits.OrderDescending().ToArray();
            margins.Add(best[0] - best[1]);
        }

        Assert.Equal(margins, output.Margins);
        Assert.Equal(margins.Min(), output.Margin);
    }

    [Fact]
    public void MarginTo_AnotherOutput_IsThatOfTheFirstOtherToken()
    {
        var output = new Hypothesis([3, 4, 5], 0, true) { Margins = [3, 0.2, 2, 0.1] };

        Assert.Equal(0.2, output.MarginTo(new Hypothesis([3, 5], 0, true)));
        Assert.Equal(2.0, output.MarginTo(new Hypothesis([3, 4], 0, true)));
        Assert.Equal(0.1, output.MarginTo(new Hypothesis([3, 4, 5, 3], 0, true)));
    }

    [Fact]
    public void LongestFor_AnyInput_IsBounded()
    {
        Assert.Equal(30, new DecodingOptions().LongestFor(10));
        Assert.Equal(1024, new DecodingOptions().LongestFor(100_000));
    }

    [Fact]
    public void SampledSearch_ManyDraws_FollowTheDistribution()
    {
        // The first token of 20,000 sentences that all have the same model.
        var model = new TableModel(7, 20_000, 1);
        var outputs = SampledSearch.Run(model, 1, End, [.. Enumerable.Repeat(1, 20_000)], 0.8, seed: 5);

        var logits = new float[6];
        new TableModel(7, 1, 1).Step([1], logits);
        var weights = logits.Select(logit => Math.Exp(logit / 0.8)).ToArray();
        for (var token = 0; token < 6; token++)
        {
            var share = outputs.Count(output => token == End ? output.IsEnded : output.Tokens is [var only] && only == token) / 20_000.0;
            Assert.Equal(weights[token] / weights.Sum(), share, 0.015);
        }

        Assert.Equal(outputs.Take(50).Select(output => output.LogProbability), SampledSearch.Run(new TableModel(7, 50, 1), 1, End, [.. Enumerable.Repeat(1, 50)], 0.8, seed: 5).Select(output => output.LogProbability));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public void Decode_AnyBatching_GivesTheSameInOrder(int beam)
    {
        int[][] sources = [[5], [], [7, 1, 1], [9, 2], [11, 3, 3, 3, 3], [13, 1, 1], [5]];
        Hypothesis[] Decode(int size) =>
            new SequenceDecoder((batch, width) => new TableModel([.. batch.Select(source => source[0])], width), Info, new DecodingOptions { Beam = beam, BatchSize = size, ExtraLength = 6 }).Decode(sources);

        var one = Decode(1);

        Assert.Equal(one.Select(output => string.Join(' ', output.Tokens)), Decode(3).Select(output => string.Join(' ', output.Tokens)));
        Assert.Equal(one[0].Tokens, one[6].Tokens);
        Assert.Empty(one[1].Tokens);
    }

    /// <summary>Logits that are any function of what was read and of the sentence's seed.</summary>
    private sealed class TableModel(int[] seeds, int width) : IStepModel
    {
        private int[] _seeds = seeds;
        private string[] _read = [.. Enumerable.Repeat("", seeds.Length * width)];

        public TableModel(int seed, int sentences, int width)
            : this([.. Enumerable.Repeat(seed, sentences)], width)
        {
        }

        public int Vocabulary => 6;

        public static IEnumerable<Hypothesis> All(int seed, int longest) => All(seed, ",1", [], 0, longest);

        public void Step(ReadOnlySpan<int> tokens, Span<float> logits)
        {
            for (var row = 0; row < tokens.Length; row++)
            {
                _read[row] += $",{tokens[row]}";
                Row(_seeds[row / width], _read[row]).CopyTo(logits[(row * Vocabulary)..]);
            }
        }

        public void Reorder(ReadOnlySpan<int> origins)
        {
            var before = _read;
            _read = [.. origins.ToArray().Select(origin => before[origin])];
        }

        public void Keep(ReadOnlySpan<int> sentences)
        {
            var (kept, read, seeds) = (sentences.ToArray(), _read, _seeds);
            _read = [.. kept.SelectMany(sentence => read[(sentence * width)..((sentence + 1) * width)])];
            _seeds = [.. kept.Select(sentence => seeds[sentence])];
        }

        public void Dispose()
        {
        }

        private static IEnumerable<Hypothesis> All(int seed, string read, int[] tokens, double logProbability, int longest)
        {
            var row = Row(seed, read);
            var sum = Math.Log(row.Sum(value => Math.Exp(value)));
            yield return new Hypothesis(tokens, logProbability + row[End] - sum, true);
            if (tokens.Length + 1 < longest)
            {
                for (var token = 0; token < row.Length; token++)
                {
                    if (token != End)
                    {
                        foreach (var output in All(seed, $"{read},{token}", [.. tokens, token], logProbability + row[token] - sum, longest))
                        {
                            yield return output;
                        }
                    }
                }
            }
        }

        private static float[] Row(int seed, string read)
        {
            var random = new StableRandom(StableRandom.Key((ulong)seed, read.Aggregate(7UL, (hash, letter) => (hash * 31) + letter)));
            return [.. Enumerable.Range(0, 6).Select(_ => (float)(3 * random.Unit()))];
        }
    }
}
