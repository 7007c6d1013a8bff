using System.Text;
using DistillSharp.Sequences;
using DistillSharp.Text.Tokenization;
using DistillSharp.Text.Translation;

namespace DistillSharp.Tests.Text.Translation;

/// <summary>Lines and their parts, by a model that writes what it reads.</summary>
public sealed class LineTranslatorTests
{
    private static readonly TextCodec Codec = new(BytePairEncoding.Learn(["the old house falls", "the new house"], 300));

    private readonly List<int> _lengths = [];

    [Fact]
    public void Translate_LongLine_TearsNoCharacterAddressOrTag()
    {
        const string Tag = "<a href=\"x y\" title=\"of a b c\">";
        var address = "https://example.org/" + new string('x', 900);
        // The first letter makes every second place the middle of a character.
        var line = $"{string.Join(' ', Enumerable.Repeat("old house.", 200))} a{string.Concat(Enumerable.Repeat("😀", 500))} see {address} {string.Join(' ', Enumerable.Repeat(Tag + "word</a>", 100))}";

        var translated = Translate(line);

        Assert.Equal(line.Replace(" ", ""), translated.Replace(" ", ""));
        Assert.Contains(address, translated);
        Assert.Equal(100, translated.Split(Tag).Length - 1);
        Assert.All(_lengths, length => Assert.InRange(length, 1, TranslationExporter.LongestSequence));
    }

    [Fact]
    public void Translate_WhiteSpaceWithin_IsMadePlain()
    {
        Assert.Equal("the old house", Translate("  the \t old\u00A0house "));
        Assert.Equal("a b", Translate("a" + new string(' ', 5000) + "b"));
        Assert.All(_lengths, length => Assert.InRange(length, 1, 30));
    }

    [Fact]
    public void Translate_MorePlaceholdersThanLetters_GivesAllBack()
    {
        var line = string.Join(' ', Enumerable.Range(0, 35).Select(i => $"{{{i}}} and"));

        Assert.Equal(line, Translate(line));
        Assert.Equal(4, _lengths.Count);
    }

    [Fact]
    public void Translate_InputThatPauses_WritesWhatHasCome()
    {
        using var output = new StringWriter();
        var written = new List<string>();
        using var input = new PausingStream(["the\nold\nho", "use\n"], () => written.Add(output.ToString()));

        Assert.Equal(3, Create().Translate(input, "in", output, TestContext.Current.CancellationToken));

        Assert.Equal(["", "the\nold\n", "the\nold\nhouse\n"], written);
    }

    [Fact]
    public void Translate_SentencesInOneLine_AreReadOneByOne()
    {
        string[] sentences = ["The old house falls.", "See the new house: it falls.", "Is the house old?", "The new house; the old house!"];

        Translate(string.Join(' ', sentences), mostWords: 12);

        AssertRead("The old house falls.", "See the new house:", "it falls.", "Is the house old?", "The new house;", "the old house!");
    }

    [Fact]
    public void Translate_SentencesThatFit_AreReadAtOnce()
    {
        Translate("The old house falls. The new house.", mostWords: 12);

        AssertRead("The old house falls. The new house.");
    }

    [Fact]
    public void Translate_SentenceThatIsTooLong_IsCutAtCommasAndWords()
    {
        Translate("the old house falls, the new house and the old house", mostWords: 6);

        AssertRead("the old house falls,", "the new house and the old", "house");
    }

    [Fact]
    public void Translate_FewLongWords_AreReadAtOnce()
    {
        var line = string.Join(' ', Enumerable.Repeat("internationally", 12));

        Translate(line, mostWords: 12);

        AssertRead(line);
    }

    [Fact]
    public void Translate_CancelledWhileItWaitsForInput_EndsAtOnce()
    {
        var (end, count, token) = (new ManualResetEventSlim(), 0, TestContext.Current.CancellationToken);
        using var stop = new CancellationTokenSource();
        using var output = new StringWriter();
        using var input = new PausingStream(["the\n"], () =>
        {
            if (++count == 2)
            {
                stop.Cancel();
                end.Wait(TimeSpan.FromSeconds(10), token);
            }
        });

        Assert.ThrowsAny<OperationCanceledException>(() => Create().Translate(input, "in", output, stop.Token));

        end.Set();
        Assert.Equal("the\n", output.ToString());
    }

    private string Translate(string line, int mostWords = LineTranslator.LongestPart) => Assert.Single(Create(mostWords).Translate([line], TestContext.Current.CancellationToken));

    private LineTranslator Create(int mostWords = LineTranslator.LongestPart) =>
        new(new SentenceTranslator((sources, _) => new EchoModel(sources, _lengths), Codec, new DecodingOptions { Beam = 1 }), mostWords);

    private void AssertRead(params string[] parts) => Assert.Equal(parts.Select(part => Codec.EncodeSource(part).Tokens.Length).Order(), _lengths.Order());

    /// <summary>Writes what it reads.</summary>
    private sealed class EchoModel : IStepModel
    {
        private int[][] _sources;
        private int _position;

        public EchoModel(IReadOnlyList<int[]> sources, List<int> lengths)
        {
            _sources = [.. sources];
            lengths.AddRange(sources.Select(source => source.Length));
        }

        public int Vocabulary => Codec.Tokens.Vocabulary;

        public void Step(ReadOnlySpan<int> tokens, Span<float> logits)
        {
            logits.Clear();
            for (var row = 0; row < _sources.Length; row++)
            {
                logits[(row * Vocabulary) + _sources[row][_position]] = 1;
            }

            _position++;
        }

        public void Reorder(ReadOnlySpan<int> origins) => throw new NotSupportedException();

        public void Keep(ReadOnlySpan<int> sentences)
        {
            var before = _sources;
            _sources = [.. sentences.ToArray().Select(sentence => before[sentence])];
        }

        public void Dispose()
        {
        }
    }

    /// <summary>Gives one part for each reading, as a pipe does, and says when it is read.</summary>
    private sealed class PausingStream(string[] parts, Action read) : Stream
    {
        private int _next;

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override int Read(byte[] buffer, int offset, int count)
        {
            read();
            return _next < parts.Length ? Encoding.UTF8.GetBytes(parts[_next++], buffer.AsSpan(offset, count)) : 0;
        }

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
