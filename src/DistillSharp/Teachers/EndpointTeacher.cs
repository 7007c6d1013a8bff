using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using DistillSharp.Config;
using DistillSharp.Data;
using DistillSharp.Signals;
using static TorchSharp.torch;

namespace DistillSharp.Teachers;

/// <summary>Keys of a teacher behind an HTTP endpoint.</summary>
public sealed record EndpointTeacherOptions : TeacherSourceOptions
{
    /// <summary>The address.</summary>
    [Option("address that is sent the samples and answers with logits, in place of `model`; http or https", Required = true)]
    public string Endpoint { get; init; } = "";

    /// <summary>Where the token is.</summary>
    [Option("name of the environment variable whose value is sent as a bearer token; no token by default")]
    public string? TokenVariable { get; init; }

    /// <summary>Samples in one request.</summary>
    [Option("most samples in one request", Min = 1, Max = 65536)]
    public int BatchSize { get; init; } = 64;

    /// <summary>Seconds that a request may take.</summary>
    [Option("seconds that one request may take", Min = 0, AboveMin = true, Max = 3600)]
    public double Timeout { get; init; } = 30;

    /// <summary>Further tries.</summary>
    [Option("how often a request is repeated that found no answer, or one that asks to come again (408, 429, 5xx)", Min = 0, Max = 100)]
    public int Retries { get; init; } = 4;

    /// <summary>Seconds before the first further try.</summary>
    [Option("seconds before a request is repeated, doubled each time up to a minute; the server's Retry-After is obeyed up to a minute", Min = 0, AboveMin = true, Max = 60)]
    public double Backoff { get; init; } = 0.5;

    /// <summary>Requests in a second.</summary>
    [Option("most requests in a second; 0 for any number", Min = 0)]
    public double RequestsPerSecond { get; init; }

    /// <summary>What is behind the address.</summary>
    [Option("name and version of what answers, which cannot be seen from here; stored outputs and checkpoints are told apart by it")]
    public string Version { get; init; } = "";

    /// <inheritdoc/>
    public override string Noun => "an HTTP endpoint";

    /// <inheritdoc/>
    public override string Location => Endpoint;

    /// <inheritdoc/>
    public override string? File => null;

    /// <inheritdoc/>
    public override TeacherSourceOptions In(string folder) => this;

    /// <inheritdoc/>
    public override void CheckSource()
    {
        if (!Uri.TryCreate(Endpoint, UriKind.Absolute, out var uri) || (uri.Scheme != Uri.UriSchemeHttp && uri.Scheme != Uri.UriSchemeHttps))
        {
            throw new ArgumentException("must be an address such as https://example.org/logits");
        }

        if (uri.UserInfo.Length > 0)
        {
            throw new ArgumentException("must hold no password, since recipes are kept with results; put a token into an environment variable and name it in `token_variable`");
        }

        if (TokenVariable is not null && uri.Scheme == Uri.UriSchemeHttp && !uri.IsLoopback)
        {
            throw new ArgumentException("a token would be readable by others on the way to an http:// address of another machine; use https://");
        }
    }

    /// <inheritdoc/>
    public override string? FeatureFault(string name) => "an HTTP endpoint gives logits alone";

    /// <inheritdoc/>
    protected override Teacher OpenBare(DatasetInfo own, int threads, Device device) => new EndpointTeacher(this);
}

/// <summary>A teacher behind an HTTP endpoint: batches of samples as JSON in, logits out. docs/teachers.md says what is sent.</summary>
public sealed class EndpointTeacher : Teacher
{
    private readonly EndpointTeacherOptions _options;
    private readonly TimeProvider _clock;

    // One for all sources: they keep to the rate limit together.
    private EndpointClient? _client;

    /// <summary>A teacher of <paramref name="options"/>.</summary>
    /// <param name="options">Address, limits, where the token is.</param>
    /// <param name="clock">Time of retries and of the rate limit; the system's by default.</param>
    /// <exception cref="ArgumentException">The address is none.</exception>
    public EndpointTeacher(EndpointTeacherOptions options, TimeProvider? clock = null)
    {
        options.CheckSource();
        (_options, _clock) = (options, clock ?? TimeProvider.System);
    }

    /// <summary>Opens the endpoint; the token is read now.</summary>
    /// <exception cref="ArgumentException">Features are wanted, or the variable of the token is not set, or holds none.</exception>
    public override ISignalSource Open(IEnumerable<string> features)
    {
        if (features.FirstOrDefault() is { } feature)
        {
            throw new ArgumentException($"{_options.Endpoint}: {_options.FeatureFault(feature)}, and `{feature}` is asked for");
        }

        return new Source(this, _client ??= new EndpointClient(_options, Token(), _clock));
    }

    /// <inheritdoc/>
    public override string Fingerprint() => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{_options.Endpoint}\n{_options.Version}")));

    /// <inheritdoc/>
    public override IReadOnlyDictionary<string, string> Describe() => new OrderedDictionary<string, string>
    {
        ["engine"] = "endpoint",
        ["version"] = _options.Version,
    };

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        _client?.Dispose();
        base.Dispose(disposing);
    }

    private string? Token()
    {
        if (_options.TokenVariable is not { } variable)
        {
            return null;
        }

        var token = Environment.GetEnvironmentVariable(variable);
        return string.IsNullOrEmpty(token) ? throw new ArgumentException($"the environment variable {variable}, which `token_variable` names, is not set")
            : token.All(letter => letter is >= ' ' and <= '~') ? token
            : throw new ArgumentException($"the environment variable {variable}, which `token_variable` names, holds a line break or another character that cannot be sent; a token is one line of ASCII");
    }

    private Tensor Logits(Batch batch, EndpointClient client)
    {
        using var input = batch.Input.detach().to(ScalarType.Float32).cpu().contiguous();
        var size = (int)(input.numel() / batch.Count);
        var values = input.data<float>().ToArray();
        var rows = new List<float[]>();
        for (var start = 0; start < batch.Count; start += _options.BatchSize)
        {
            var count = Math.Min(_options.BatchSize, batch.Count - start);
            rows.AddRange(client.Ask(values.AsMemory(start * size, count * size), input.shape[1..], batch.SampleIds.AsSpan(start, count)));
        }

        return rows.Select(row => row.Length).Distinct().Count() == 1
            ? tensor(rows.SelectMany(row => row).ToArray(), [rows.Count, rows[0].Length]).to(batch.Input.device)
            : throw new InvalidDataException(string.Create(CultureInfo.InvariantCulture, $"{_options.Endpoint} gives {rows.Min(row => row.Length)} logits for some samples and {rows.Max(row => row.Length)} for others"));
    }

    private sealed class Source(EndpointTeacher owner, EndpointClient client) : ISignalSource
    {
        public ModelSignals Read(Batch batch) => new(new Signal(owner.Logits(batch, client)), new Dictionary<string, Signal>());

        public void Dispose()
        {
        }
    }
}
