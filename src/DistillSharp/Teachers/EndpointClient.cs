using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;

namespace DistillSharp.Teachers;

/// <summary>Sends samples to an endpoint and reads the logits of its answers, with patience and within its limits.</summary>
internal sealed class EndpointClient : IDisposable
{
    private const int ShownBody = 200;
    private static readonly TimeSpan LongestWait = TimeSpan.FromMinutes(1);

    private readonly EndpointTeacherOptions _options;
    private readonly TimeProvider _clock;
    private readonly HttpClient _http;
    private readonly string? _token;
    private long? _lastRequest;

    public EndpointClient(EndpointTeacherOptions options, string? token, TimeProvider clock)
    {
        (_options, _token, _clock) = (options, token, clock);
        // Another address could be another's: a redirect is an error, not followed.
        _http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false }) { Timeout = System.Threading.Timeout.InfiniteTimeSpan };
    }

    /// <summary>The logits of samples, row by row.</summary>
    /// <param name="values">Their numbers, sample by sample.</param>
    /// <param name="shape">Shape of one sample.</param>
    /// <param name="ids">Their ids, for messages.</param>
    /// <exception cref="InvalidDataException">The answer is not what was asked for.</exception>
    /// <exception cref="IOException">There was no answer, whatever was tried.</exception>
    public IReadOnlyList<float[]> Ask(ReadOnlyMemory<float> values, IReadOnlyList<long> shape, ReadOnlySpan<long> ids)
    {
        var body = EndpointJson.Write(values.Span, shape, ids.Length);
        for (var attempt = 0; ; attempt++)
        {
            Wait(RateLimit());
            var (answer, fault, wait) = Try(body);
            if (answer is not null)
            {
                return EndpointJson.Read(answer, ids, _options.Endpoint);
            }

            if (attempt >= _options.Retries)
            {
                throw new IOException($"{_options.Endpoint} {fault}; tried {attempt + 1} {(attempt == 0 ? "time" : "times")}");
            }

            var backoff = TimeSpan.FromSeconds(Math.Min(LongestWait.TotalSeconds, _options.Backoff * Math.Pow(2, attempt)));
            Wait(wait is { } asked && asked > backoff ? asked < LongestWait ? asked : LongestWait : backoff);
        }
    }

    public void Dispose() => _http.Dispose();

    // Answers that will be the same next time are thrown; what may pass is told.
    private (byte[]? Answer, string Fault, TimeSpan? Wait) Try(byte[] body)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(_options.Timeout), _clock);
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, _options.Endpoint) { Content = new ByteArrayContent(body) };
            request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
            request.Headers.Authorization = _token is null ? null : new AuthenticationHeaderValue("Bearer", _token);
            using var response = _http.Send(request, HttpCompletionOption.ResponseHeadersRead, patience.Token);
            using var content = response.Content.ReadAsStream(patience.Token);
            using var memory = new MemoryStream();
            content.CopyToAsync(memory, patience.Token).GetAwaiter().GetResult();
            if (response.IsSuccessStatusCode)
            {
                return (memory.ToArray(), "", null);
            }

            var fault = $"answers {(int)response.StatusCode} {response.ReasonPhrase}{Shown(memory.ToArray())}";
            return response.StatusCode is HttpStatusCode.RequestTimeout or HttpStatusCode.TooManyRequests or >= HttpStatusCode.InternalServerError
                ? (null, fault, RetryAfter(response))
                : throw new InvalidDataException($"{_options.Endpoint} {fault}");
        }
        catch (OperationCanceledException)
        {
            return (null, string.Create(CultureInfo.InvariantCulture, $"does not answer within {_options.Timeout} s"), null);
        }
        catch (Exception error) when (error is HttpRequestException or IOException)
        {
            return (null, $"cannot be reached: {error.Message}", null);
        }
    }

    // Seconds, or a date.
    private TimeSpan? RetryAfter(HttpResponseMessage response) =>
        response.Headers.RetryAfter is { } after ? after.Delta ?? (after.Date - _clock.GetUtcNow()) : null;

    private static string Shown(byte[] body)
    {
        var text = System.Text.Encoding.UTF8.GetString(body, 0, Math.Min(body.Length, ShownBody)).ReplaceLineEndings(" ").Trim();
        return text.Length == 0 ? "" : $": {text}";
    }

    private TimeSpan RateLimit()
    {
        var now = _clock.GetTimestamp();
        var wait = _options.RequestsPerSecond > 0 && _lastRequest is { } last
            ? TimeSpan.FromSeconds(1 / _options.RequestsPerSecond) - _clock.GetElapsedTime(last, now)
            : TimeSpan.Zero;
        wait = wait < TimeSpan.Zero ? TimeSpan.Zero : wait;
        _lastRequest = now + (long)(wait.TotalSeconds * _clock.TimestampFrequency);
        return wait;
    }

    private void Wait(TimeSpan time)
    {
        if (time > TimeSpan.Zero)
        {
            Task.Delay(time, _clock).GetAwaiter().GetResult();
        }
    }
}

/// <summary>What goes over the wire.</summary>
internal static class EndpointJson
{
    private const string Inputs = "inputs";
    private const string Logits = "logits";

    /// <summary><c>{"inputs": [sample, …]}</c>, each sample nested as its shape is.</summary>
    public static byte[] Write(ReadOnlySpan<float> values, IReadOnlyList<long> shape, int count)
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream))
        {
            writer.WriteStartObject();
            writer.WritePropertyName(Inputs);
            Write(writer, values, [count, .. shape]);
            writer.WriteEndObject();
        }

        return stream.ToArray();
    }

    /// <summary>Reads <c>{"logits": [[number, …], …]}</c>, one row a sample.</summary>
    /// <exception cref="InvalidDataException">It is something else.</exception>
    public static IReadOnlyList<float[]> Read(byte[] answer, ReadOnlySpan<long> ids, string endpoint)
    {
        JsonDocument document;
        try
        {
            document = JsonDocument.Parse(answer);
        }
        catch (JsonException error)
        {
            // Python writes NaN, which JSON does not have.
            throw new InvalidDataException(
                answer.AsSpan().IndexOf("NaN"u8) >= 0 || answer.AsSpan().IndexOf("Infinity"u8) >= 0
                    ? $"{endpoint} gives logits that are not finite numbers for a batch with the samples {string.Join(", ", ids[..Math.Min(ids.Length, 16)].ToArray())}"
                    : $"{endpoint} does not answer with JSON: {error.Message}",
                error);
        }

        using (document)
        {
            if (document.RootElement.ValueKind != JsonValueKind.Object || !document.RootElement.TryGetProperty(Logits, out var logits) || logits.ValueKind != JsonValueKind.Array)
            {
                throw new InvalidDataException($"{endpoint} answers without a list `{Logits}`; {{\"{Logits}\": [[…], …]}} is expected");
            }

            if (logits.GetArrayLength() != ids.Length)
            {
                throw new InvalidDataException($"{endpoint} gives {logits.GetArrayLength()} rows of logits for {ids.Length} samples");
            }

            var rows = new List<float[]>(ids.Length);
            foreach (var row in logits.EnumerateArray())
            {
                rows.Add(Row(row, ids[rows.Count], endpoint));
            }

            return rows;
        }
    }

    private static void Write(Utf8JsonWriter writer, ReadOnlySpan<float> values, ReadOnlySpan<long> shape)
    {
        writer.WriteStartArray();
        var part = shape[0] == 0 ? 0 : values.Length / (int)shape[0];
        for (var i = 0; i < shape[0]; i++)
        {
            if (shape.Length == 1)
            {
                writer.WriteNumberValue(values[i]);
            }
            else
            {
                Write(writer, values.Slice(i * part, part), shape[1..]);
            }
        }

        writer.WriteEndArray();
    }

    // Numbers beyond float32 read as infinity, and text or null as NaN: both are found with the sample's id.
    private static float[] Row(JsonElement row, long id, string endpoint)
    {
        if (row.ValueKind != JsonValueKind.Array || row.GetArrayLength() == 0)
        {
            throw new InvalidDataException($"{endpoint} gives no list of logits for sample {id}");
        }

        var values = row.EnumerateArray().Select(value => value.ValueKind == JsonValueKind.Number ? (float)value.GetDouble() : float.NaN).ToArray();
        return values.All(float.IsFinite) ? values : throw new InvalidDataException($"{endpoint} gives logits that are not finite numbers for sample {id}");
    }
}
