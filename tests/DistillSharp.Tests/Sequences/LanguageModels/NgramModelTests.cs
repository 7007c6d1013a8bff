using DistillSharp.Sequences.LanguageModels;

namespace DistillSharp.Tests.Sequences.LanguageModels;

public sealed class NgramModelTests
{
    private static readonly string[] Texts = ["the cat sat", "the cat ran", "a dog ran", "the dog sat down", "a cat", "the the cat"];

    private static NgramModel Train(int order) => NgramTrainer.Train(Texts.Select(text => text.Split(' ')), order);

    // Interpolated Kneser-Ney straight from its definition, by counting in the padded texts.
    private static double Probability(string[] context, string token, int order)
    {
        var padded = Texts.Select(text => (string[])["<s>", .. text.Split(' '), "</s>"]).ToList();
        var types = padded.SelectMany(text => text).Distinct().Count(word => word != "<s>") + 1;
        // How often, or behind how many tokens, an n-gram stands; one that begins a text is counted as it is.
        double Count(string[] ngram)
        {
            var places = padded.SelectMany(text => Enumerable.Range(0, Math.Max(0, text.Length - ngram.Length + 1)).Where(i => text.Skip(i).Take(ngram.Length).SequenceEqual(ngram)).Select(i => (text, i))).ToList();
            return ngram.Length == order || ngram[0] == "<s>" ? places.Count : places.Select(place => place.text[place.i - 1]).Distinct().Count();
        }

        double Of(string[] before, string word)
        {
            var all = padded.SelectMany(text => Enumerable.Range(0, text.Length).Where(i => i + before.Length < text.Length).Select(i => text.Skip(i).Take(before.Length + 1).ToArray()))
                .Where(ngram => ngram[^1] != "<s>" && !(ngram.Length == 1 && ngram[0] == "<s>")).Select(ngram => string.Join(' ', ngram)).Distinct().ToDictionary(ngram => ngram, ngram => Count(ngram.Split(' ')));
            var (once, twice) = (all.Values.Count(count => count == 1), all.Values.Count(count => count == 2));
            var discount = once == 0 ? 0.5 : Math.Min((double)once / (once + (2 * twice)), 1) is var estimate && estimate < 1 ? estimate : 0.75;
            var lower = before.Length == 0 ? 1.0 / types : Of(before[1..], word);
            var behind = all.Where(entry => entry.Key.Split(' ').SkipLast(1).SequenceEqual(before)).ToList();
            if (behind.Count == 0)
            {
                return lower;
            }

            var sum = behind.Sum(entry => entry.Value);
            var own = all.GetValueOrDefault(string.Join(' ', (string[])[.. before, word]));
            return (Math.Max(0, own - discount) / sum) + (discount * behind.Count / sum * lower);
        }

        return Of(context, token);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Train_EveryContext_IsKneserNeyAndSumsToOne(int order)
    {
        var model = Train(order);
        string[][] contexts = [["<s>"], ["<s>", "the"], ["the", "cat"], ["dog", "ran"], ["down", "a"], ["the", "never"]];
        foreach (var context in contexts)
        {
            var key = new NgramKey([.. context.Select(model.IdOf)]);
            var sum = model.Vocabulary.Where(token => token != NgramModel.Begin).Sum(token => Math.Exp(model.Score(key, model.IdOf(token)).LogProbability));
            Assert.Equal(1, sum, 1e-9);
            var used = context.Length > order - 1 ? context[^(order - 1)..] : context;
            if (!used.Contains("never"))
            {
                Assert.All(new[] { "the", "cat", "dog", "down", "</s>", "unseen" }, token =>
                    Assert.Equal(Probability(used, token, order), Math.Exp(model.Score(key, model.IdOf(token)).LogProbability), 1e-9));
            }
        }
    }

    [Fact]
    public void Score_Texts_LikelyOnesScoreHigher()
    {
        var model = Train(3);
        Assert.True(model.Score("the cat sat".Split(' ')) > model.Score("cat the sat".Split(' ')));
        Assert.True(model.Score(["a", "dog"]) > model.Score(["a", "unseen"]));
        Assert.True(double.IsFinite(model.Score(["unseen", "words"])));
    }

    [Fact]
    public void Train_FaultyInput_IsRefused()
    {
        Assert.Throws<ArgumentException>(() => NgramTrainer.Train([], 3));
        Assert.Contains("mark", Assert.Throws<ArgumentException>(() => NgramTrainer.Train([["a", "</s>"]], 3)).Message, StringComparison.Ordinal);
        Assert.Contains("white space", Assert.Throws<ArgumentException>(() => NgramTrainer.Train([["a b"]], 3)).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => NgramTrainer.Train([["a"]], 11));
    }

    [Fact]
    public void Arpa_WrittenAndRead_IsTheSameModel()
    {
        var model = Train(3);
        using var writer = new StringWriter();
        ArpaFile.Write(model, writer);
        var read = ArpaFile.Read(writer.ToString().Split('\n'), "x.arpa");
        Assert.Equal(3, read.Order);
        Assert.All(Enumerable.Range(1, 3), order => Assert.Equal(model.Count(order), read.Count(order)));
        Assert.All(Texts.Append("a never seen text"), text => Assert.Equal(model.Score(text.Split(' ')), read.Score(text.Split(' ')), 1e-4));
    }

    // The example of the format's description, and what it gives for a back-off.
    private const string Small = """
        a remark
        \data\
        ngram 1=4
        ngram 2=2

        \1-grams:
        -99 <s> -0.5
        -1 </s>
        -0.5 a -0.25
        -2 <unk>

        \2-grams:
        -0.1 <s> a
        -0.3 a </s>

        \end\
        """;

    [Fact]
    public void Arpa_BackOff_IsAddedWhereAnNgramWasNotSeen()
    {
        var model = ArpaFile.Read(Small.Split('\n'), "x.arpa");
        Assert.Equal(-0.4 * Math.Log(10), model.Score(["a"]), 1e-9);
        Assert.Equal((-0.1 - 0.25 - 0.5 - 0.3) * Math.Log(10), model.Score(["a", "a"]), 1e-9);
        Assert.Equal((-0.5 - 2 - 1) * Math.Log(10), model.Score(["b"]), 1e-9);
    }

    [Fact]
    public void Arpa_UnknownInCapitals_IsTheUnknownToken()
    {
        var model = ArpaFile.Read(Small.Replace("<unk>", "<UNK>", StringComparison.Ordinal).Split('\n'), "x.arpa");
        Assert.Equal((-0.5 - 2 - 1) * Math.Log(10), model.Score(["b"]), 1e-9);
        Assert.Equal(4, model.Count(1));
        Assert.Contains(NgramModel.Unknown, model.Vocabulary);
    }

    [Fact]
    public void Arpa_FileThatIsNotText_IsNamedWithItsLine()
    {
        using var folder = new TemporaryFolder();
        byte[] bytes = [.. System.Text.Encoding.UTF8.GetBytes(Small), (byte)'\n', 0xC0, 0x80, (byte)'\n'];
        var path = folder.Write("x.arpa", bytes);

        var error = Assert.Throws<InvalidDataException>(() => ArpaFile.Load(path));

        Assert.Contains($"{path}, line {Small.Split('\n').Length + 1}: not valid UTF-8", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("ngram 2=2", "ngram 2=3", "line 16: 3 2-grams were announced and there are 2")]
    [InlineData("ngram 2=2", "ngram 3=2", "line 4: `ngram 2=COUNT`")]
    [InlineData("-0.3 a </s>", "-0.3 a b", "line 14: `b` is not among the 1-grams")]
    [InlineData("-0.3 a </s>", "-0.3 a", "line 14: a 2-gram has a logarithm, 2 tokens")]
    [InlineData("-0.3 a </s>", "-0.3 a </s> -1", "line 14: a 2-gram has a logarithm, 2 tokens")]
    [InlineData("-0.3 a </s>", "x a </s>", "line 14: `x` is no number")]
    [InlineData("-0.3 a </s>", "0.3 a </s>", "line 14: the logarithm of a probability is at most 0")]
    [InlineData("-0.3 a </s>", "-0.3 <s> a", "line 14: `<s> a` comes twice")]
    [InlineData("-1 </s>", "-1 c", "line 12: </s> is not among the 1-grams")]
    [InlineData("\\2-grams:", "\\3-grams:", "line 12: \\3-grams: is not what comes next")]
    [InlineData("\\end\\", "", "the file ends before \\end\\")]
    [InlineData("\\data\\", "data", "this is no n-gram model in ARPA format")]
    public void Arpa_FaultyFile_IsRefusedWithItsLine(string from, string to, string message) =>
        Assert.Contains(message, Assert.Throws<InvalidDataException>(() => ArpaFile.Read(Small.Replace(from, to, StringComparison.Ordinal).Split('\n'), "x.arpa")).Message, StringComparison.Ordinal);
}
