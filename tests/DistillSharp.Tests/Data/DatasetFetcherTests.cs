using System.IO.Compression;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using DistillSharp.Data;

namespace DistillSharp.Tests.Data;

/// <summary>Downloads from a server of this machine.</summary>
public sealed class DatasetFetcherTests : IDisposable
{
    private static readonly byte[] Content = Encoding.UTF8.GetBytes("sixty thousand images");

    private readonly TemporaryFolder _cache = new();
    private readonly HttpListener _server = new();
    private readonly string _site;

    public DatasetFetcherTests()
    {
        using (var free = new TcpListener(IPAddress.Loopback, 0))
        {
            free.Start();
            _site = $"http://127.0.0.1:{((IPEndPoint)free.LocalEndpoint).Port}/data/";
        }

        _server.Prefixes.Add(_site);
        _server.Start();
        _ = Serve();
    }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public void Get_FromASite_UnpacksChecksAndKeeps()
    {
        var folder = new DatasetFetcher(_ => { }).Get(Described("images", Hash(Content)), _cache.Path, Cancellation);

        Assert.Equal(Content, File.ReadAllBytes(Path.Combine(folder, "images")));
        Assert.Equal([folder], Directory.GetFileSystemEntries(_cache.Path));
    }

    [Fact]
    public void Get_ThereAlready_DownloadsNothing()
    {
        new DatasetFetcher(_ => { }).Get(Described("images", Hash(Content)), _cache.Path, Cancellation);
        _server.Stop();
        var told = new List<string>();

        new DatasetFetcher(told.Add).Get(Described("images", Hash(Content)), _cache.Path, Cancellation);

        Assert.Contains("in the cache already", Assert.Single(told), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("images", "should have 00")]
    [InlineData("labels", "404")]
    [InlineData("torn", "torn")]
    public void Get_OtherBytesThanKnown_SaysWhyAndKeepsNothing(string file, string reason)
    {
        var error = Assert.Throws<InvalidDataException>(() => new DatasetFetcher(_ => { }).Get(Described(file, new string('0', 64)), _cache.Path, Cancellation));

        Assert.Contains(_site, error.Message, StringComparison.Ordinal);
        Assert.Contains(reason, error.Message, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFiles(_cache.Path, "*", SearchOption.AllDirectories));
    }

    public void Dispose()
    {
        _server.Close();
        _cache.Dispose();
    }

    private FetchableDataset Described(string file, string hash) => new("small", [new DatasetFile(file, hash)], _site, [], null);

    private static string Hash(byte[] bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes));

    // Packed content for images, half of it for torn, nothing for other names.
    private async Task Serve()
    {
        using var packed = new MemoryStream();
        await using (var gzip = new GZipStream(packed, CompressionLevel.Fastest, leaveOpen: true))
        {
            await gzip.WriteAsync(Content, CancellationToken.None);
        }

        try
        {
            while (true)
            {
                var context = await _server.GetContextAsync();
                var bytes = Path.GetFileName(context.Request.Url!.AbsolutePath) switch
                {
                    "images.gz" => packed.ToArray(),
                    "torn.gz" => packed.ToArray()[..12],
                    _ => null,
                };
                context.Response.StatusCode = bytes is null ? 404 : 200;
                context.Response.Close(bytes ?? [], willBlock: true);
            }
        }
        catch (Exception closed) when (closed is HttpListenerException or ObjectDisposedException or InvalidOperationException)
        {
            // The test is over.
        }
    }
}
