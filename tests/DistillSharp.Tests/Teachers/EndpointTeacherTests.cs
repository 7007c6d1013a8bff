using System.Globalization;
using System.Text.Json;
using DistillSharp.Data;
using DistillSharp.Teachers;
using static TorchSharp.torch;

namespace DistillSharp.Tests.Teachers;

/// <summary>A teacher behind HTTP, against a server of this machine.</summary>
public sealed class EndpointTeacherTests
{
    private static readonly DatasetInfo Data = new("images", [1, 2, 2], ["0", "1", "2"]);

    [Fact]
    public void Read_Batch_IsSentInPartsAndAnswersInItsOrder()
    {
        using var scope = NewDisposeScope();
        using var server = new LogitsServer((_, body) => (200, Sums(body)));
        using var teacher = Teacher(server.Address, options => options with { BatchSize = 2 });
        using var source = teacher.Open([]);
        var batch = Images(5);

        var logits = source.Read(batch).Logits.Value;
        var sum = batch.Input.sum([1, 2, 3]);
        Assert.True(stack([sum, sum * 2, sum * 3], 1).allclose(logits, 1e-5, 1e-6));
        Assert.Equal([2, 2, 1], server.Bodies.Select(body => JsonDocument.Parse(body).RootElement.GetProperty("inputs").GetArrayLength()));
        var first = JsonDocument.Parse(server.Bodies[0]).RootElement.GetProperty("inputs")[1][0][1][0].GetSingle();
        Assert.Equal(batch.Input[1, 0, 1, 0].item<float>(), first);
    }

    [Theory]
    [InlineData("""{"logits": [[1, 2, 3]]}""", "gives 1 rows of logits for 2 samples")]
    [InlineData("""{"logits": [[1, 2], [3, 4]]}""", "gives 2 outputs and the data has 3 classes")]
    [InlineData("""{"logits": [[1, 2, 3], [3, 4]]}""", "gives 2 logits for some samples and 3 for others")]
    [InlineData("""{"logits": [[1, 2, 3], [1, null, 3]]}""", "not finite numbers for sample 11")]
    [InlineData("""{"logits": [[1, 2, 3], [1, 1e60, 3]]}""", "not finite numbers for sample 11")]
    [InlineData("""{"logits": [[1, 2, 3], [1, NaN, 3]]}""", "not finite numbers for a batch with the samples 10, 11")]
    [InlineData("""{"logits": [[1, 2, 3], 7]}""", "no list of logits for sample 11")]
    [InlineData("""{"scores": []}""", "without a list `logits`")]
    [InlineData("""[1]""", "without a list `logits`")]
    [InlineData("<html>", "does not answer with JSON")]
    public void Read_AnswerThatIsNotWhatWasAsked_SaysWhatItIs(string answer, string message)
    {
        using var scope = NewDisposeScope();
        using var server = new LogitsServer((_, _) => (200, answer));
        using var teacher = Teacher(server.Address);
        using var source = teacher.Open([]);
        var error = Assert.Throws<InvalidDataException>(() => source.Read(Images(2)));
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
        Assert.Contains(server.Address, error.Message, StringComparison.Ordinal);
        Assert.Single(server.Bodies);
    }

    [Fact]
    public void Read_ServerThatIsBusyAtFirst_IsAskedAgain()
    {
        using var scope = NewDisposeScope();
        var asked = 0;
        using var server = new LogitsServer((_, body) => ++asked switch { 1 => (503, "starting"), 2 => (429, ""), _ => (200, Sums(body)) });
        using var teacher = Teacher(server.Address);
        using var source = teacher.Open([]);
        Assert.Equal([2, 3], source.Read(Images(2)).Logits.Value.shape);
        Assert.Equal(3, asked);
    }

    [Theory]
    [InlineData(500, 3, "answers 500 Internal Server Error: out of memory; tried 3 times")]
    [InlineData(400, 1, "answers 400 Bad Request: out of memory")]
    [InlineData(401, 1, "answers 401 Unauthorized: out of memory")]
    [InlineData(302, 1, "answers 302 ")]
    public void Read_ServerThatRefuses_IsReportedWithItsWords(int status, int requests, string message)
    {
        using var scope = NewDisposeScope();
        using var server = new LogitsServer((_, _) => (status, "out of memory"));
        using var teacher = Teacher(server.Address, options => options with { Retries = 2 });
        using var source = teacher.Open([]);
        Assert.Contains(message, Assert.ThrowsAny<Exception>(() => source.Read(Images(2))).Message, StringComparison.Ordinal);
        Assert.Equal(requests, server.Bodies.Count);
    }

    [Fact]
    public void Read_ServerThatDoesNotAnswer_IsLeftAfterTheTimeout()
    {
        using var scope = NewDisposeScope();
        using var server = new LogitsServer((_, _) => (0, ""));
        using var teacher = Teacher(server.Address, options => options with { Retries = 1, Timeout = 0.1 });
        using var source = teacher.Open([]);
        Assert.Contains("does not answer within 0.1 s; tried 2 times", Assert.Throws<IOException>(() => source.Read(Images(1))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_NobodyThere_SaysSo()
    {
        using var scope = NewDisposeScope();
        string address;
        using (var server = new LogitsServer((_, _) => (200, "")))
        {
            address = server.Address;
        }

        using var teacher = Teacher(address, options => options with { Retries = 0 });
        using var source = teacher.Open([]);
        Assert.Contains("cannot be reached", Assert.Throws<IOException>(() => source.Read(Images(1))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_RateLimit_KeepsRequestsApart()
    {
        using var scope = NewDisposeScope();
        using var server = new LogitsServer((_, body) => (200, Sums(body)));
        using var teacher = Teacher(server.Address, options => options with { BatchSize = 1, RequestsPerSecond = 20 });
        using var source = teacher.Open([]);
        var images = Images(4);

        // From before the first, whose way may be the longest on a busy machine: the others have three waits of a twentieth between them.
        var start = TimeProvider.System.GetTimestamp();
        source.Read(images);
        Assert.InRange(TimeProvider.System.GetElapsedTime(start).TotalSeconds, 0.145, 60);
    }

    [Fact]
    public void Read_Token_ComesFromTheEnvironmentAndIsSentAsBearer()
    {
        using var scope = NewDisposeScope();
        var variable = $"DISTILL_TEST_{Guid.NewGuid():N}";
        using var without = Teacher("http://127.0.0.1:1/", options => options with { TokenVariable = variable });
        var absent = Assert.Throws<ArgumentException>(() => without.Open([]));
        Assert.Contains($"variable {variable}, which `token_variable` names, is not set", absent.Message, StringComparison.Ordinal);
        Assert.NotEmpty(without.Fingerprint());
        Assert.Equal("endpoint", without.Describe()["engine"]);

        Environment.SetEnvironmentVariable(variable, "secret");
        string? header = null;
        using var server = new LogitsServer((request, body) =>
        {
            header = request.Headers["Authorization"];
            return (200, Sums(body));
        });
        using var teacher = Teacher(server.Address, options => options with { TokenVariable = variable });
        using var source = teacher.Open([]);
        source.Read(Images(1));
        Assert.Equal("Bearer secret", header);
        Assert.DoesNotContain("secret", string.Join(" ", teacher.Describe().Values), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("sec\nret")]
    [InlineData("sécret")]
    public void Open_TokenThatCannotBeSent_NamesTheVariable(string token)
    {
        var variable = $"DISTILL_TEST_{Guid.NewGuid():N}";
        Environment.SetEnvironmentVariable(variable, token);
        using var teacher = Teacher("http://127.0.0.1:1/", options => options with { TokenVariable = variable });
        var message = Assert.Throws<ArgumentException>(() => teacher.Open([])).Message;
        Assert.Contains($"variable {variable}, which `token_variable` names, holds a line break or another character", message, StringComparison.Ordinal);
        Assert.DoesNotContain(token, message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("7", 7)]
    [InlineData("Thu, 01 Jan 2026 00:00:20 GMT", 20)]
    [InlineData("Thu, 01 Jan 2026 02:00:00 GMT", 60)]
    [InlineData("Wed, 31 Dec 2025 00:00:00 GMT", 0.01)]
    public void Read_RetryAfter_IsObeyedUpToAMinute(string retryAfter, double seconds)
    {
        using var scope = NewDisposeScope();
        var (asked, clock) = (0, new HastyClock());
        using var server = new LogitsServer((_, body) => ++asked == 1 ? (503, "") : (200, Sums(body))) { RetryAfter = retryAfter };
        using var teacher = new EndpointTeacher(new EndpointTeacherOptions { Endpoint = server.Address, Backoff = 0.01 }, clock);
        using var source = teacher.Open([]);
        source.Read(Images(1));
        Assert.Equal(seconds, Assert.Single(clock.Waits).TotalSeconds, 6);
    }

    [Theory]
    [InlineData("ftp://example.org/x", null, "must be an address")]
    [InlineData("logits", null, "must be an address")]
    [InlineData("https://user:word@example.org/x", null, "must hold no password")]
    [InlineData("http://example.org/x", "TOKEN", "use https://")]
    public void CheckSource_UnsoundAddress_IsRefused(string address, string? variable, string message) =>
        Assert.Contains(message, Assert.Throws<ArgumentException>(new EndpointTeacherOptions { Endpoint = address, TokenVariable = variable }.CheckSource).Message, StringComparison.Ordinal);

    [Fact]
    public void Fingerprint_OtherVersion_IsAnother() =>
        Assert.NotEqual(Teacher("http://127.0.0.1:1/").Fingerprint(), Teacher("http://127.0.0.1:1/", options => options with { Version = "2" }).Fingerprint());

    private static Teacher Teacher(string address, Func<EndpointTeacherOptions, EndpointTeacherOptions>? change = null)
    {
        var options = new EndpointTeacherOptions { Endpoint = address, Backoff = 0.01 };
        return (change?.Invoke(options) ?? options).Open(Data, null);
    }

    // Every class's logit is a multiple of the sum of the sample's pixels.
    private static string Sums(string body)
    {
        var inputs = JsonDocument.Parse(body).RootElement.GetProperty("inputs");
        var sums = inputs.EnumerateArray().Select(sample => sample.EnumerateArray().SelectMany(plane => plane.EnumerateArray()).SelectMany(row => row.EnumerateArray()).Sum(value => value.GetDouble()));
        return $"{{\"logits\": [{string.Join(", ", sums.Select(sum => string.Create(CultureInfo.InvariantCulture, $"[{sum}, {2 * sum}, {3 * sum}]")))}]}}";
    }

    /// <summary>The first moment of 2026, in which waits take no time; the patience with a request is that of the system.</summary>
    private sealed class HastyClock : TimeProvider
    {
        public List<TimeSpan> Waits { get; } = [];

        public override DateTimeOffset GetUtcNow() => new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            var isPatience = dueTime == TimeSpan.FromSeconds(new EndpointTeacherOptions().Timeout);
            if (!isPatience)
            {
                Waits.Add(dueTime);
            }

            return base.CreateTimer(callback, state, isPatience ? dueTime : TimeSpan.Zero, period);
        }
    }

    private static Batch Images(int count) => Batch.Of(rand(count, 1, 2, 2), null, [.. Enumerable.Range(10, count).Select(id => (long)id)]);
}
