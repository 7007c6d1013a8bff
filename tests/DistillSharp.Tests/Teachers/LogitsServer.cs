using System.Net;
using System.Net.Sockets;
using System.Text;

namespace DistillSharp.Tests.Teachers;

/// <summary>A server of this machine that answers as it is told to.</summary>
internal sealed class LogitsServer : IDisposable
{
    private readonly HttpListener _listener = new();
    private readonly Func<HttpListenerRequest, string, (int Status, string Body)> _answer;
    private readonly Task _loop;

    /// <param name="answer">From a request and its body to status and body; a status of 0 leaves the request without an answer.</param>
    public LogitsServer(Func<HttpListenerRequest, string, (int Status, string Body)> answer)
    {
        _answer = answer;
        Address = $"http://127.0.0.1:{FreePort()}/logits";
        _listener.Prefixes.Add(Address[..^"logits".Length]);
        _listener.Start();
        _loop = Task.Run(Serve);
    }

    public string Address { get; }

    public List<string> Bodies { get; } = [];

    /// <summary>What every answer says of coming again; null for nothing.</summary>
    public string? RetryAfter { get; set; }

    public void Dispose()
    {
        _listener.Close();
        _loop.Wait();
    }

    private async Task Serve()
    {
        while (true)
        {
            HttpListenerContext context;
            try
            {
                context = await _listener.GetContextAsync();
            }
            catch (Exception error) when (error is HttpListenerException or ObjectDisposedException)
            {
                return;
            }

            using var reader = new StreamReader(context.Request.InputStream);
            var body = await reader.ReadToEndAsync();
            Bodies.Add(body);
            var (status, text) = _answer(context.Request, body);
            if (status == 0)
            {
                continue;
            }

            context.Response.StatusCode = status;
            if (RetryAfter is { } wait)
            {
                context.Response.AddHeader("Retry-After", wait);
            }

            context.Response.OutputStream.Write(Encoding.UTF8.GetBytes(text));
            context.Response.Close();
        }
    }

    private static int FreePort()
    {
        using var socket = new TcpListener(IPAddress.Loopback, 0);
        socket.Start();
        return ((IPEndPoint)socket.LocalEndpoint).Port;
    }
}
