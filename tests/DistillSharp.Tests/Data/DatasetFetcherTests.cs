using System.Formats.Tar;
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

    [Fact]
    public void IsIn_PackedFile_IsKnownByWhatItHolds()
    {
        var described = Described("images", Hash(Content));
        Assert.False(described.IsIn(_cache.Path));

        _cache.Write("images.gz", Packed(Content));
        Assert.True(described.IsIn(_cache.Path));
        Assert.False(Described("images", new string('0', 64)).IsIn(_cache.Path));

        _cache.Write("images.gz", Content);
        Assert.False(described.IsIn(_cache.Path));
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

    [Fact]
    public void Get_SiteThatFallsSilent_SaysWhereAndKeepsNothing()
    {
        var fetcher = new DatasetFetcher(_ => { }) { Patience = TimeSpan.FromSeconds(1) };
        var error = Assert.Throws<InvalidDataException>(() => fetcher.Get(Described("stalled", Hash(Content)), _cache.Path, Cancellation));

        Assert.Contains($"{_site}stalled.gz sent ", error.Message, StringComparison.Ordinal);
        Assert.Contains("bytes and then nothing for 1 seconds", error.Message, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFiles(_cache.Path, "*", SearchOption.AllDirectories));
    }

    [Fact]
    public void Get_CancelledWhileASiteIsSilent_EndsAtOnce()
    {
        using var interruption = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        interruption.CancelAfter(TimeSpan.FromMilliseconds(300));
        Assert.ThrowsAny<OperationCanceledException>(() => new DatasetFetcher(_ => { }).Get(Described("stalled", Hash(Content)), _cache.Path, interruption.Token));
        Assert.Empty(Directory.GetFiles(_cache.Path, "*", SearchOption.AllDirectories));
    }

    [Theory]
    [InlineData("small.tar.gz")]
    [InlineData("small.zip")]
    public void Get_ArchiveBroughtByHand_IsCheckedAndUnpacked(string name)
    {
        var bytes = Archive(name);
        Directory.CreateDirectory(_cache.File("small"));
        _cache.Write(Path.Combine("small", name), bytes);
        var hash = name.EndsWith(".zip", StringComparison.Ordinal) ? null : Hash(bytes);
        var described = new FetchableDataset("small", [new DatasetFile("images", "")], null, [], null) { Archive = new DatasetArchive(_site + "none/" + name, Md5(bytes), hash, "inner") };

        var folder = new DatasetFetcher(_ => { }).Get(described, _cache.Path, Cancellation);
        Assert.Equal(Content, File.ReadAllBytes(Path.Combine(folder, "inner", "images")));
        Assert.True(described.IsIn(Path.Combine(folder, "inner")));
    }

    [Fact]
    public void Get_ArchiveOfAnotherHashAndNoSite_SaysWhatToBringAndWhere()
    {
        Directory.CreateDirectory(_cache.File("small"));
        _cache.Write(Path.Combine("small", "small.zip"), Archive("small.zip"));
        var described = new FetchableDataset("small", [new DatasetFile("images", "")], null, [], null) { Archive = new DatasetArchive(_site + "none/small.zip", new string('0', 32), null, "inner") };

        var error = Assert.Throws<InvalidDataException>(() => new DatasetFetcher(_ => { }).Get(described, _cache.Path, Cancellation));
        Assert.Contains("should have 00", error.Message, StringComparison.Ordinal);
        Assert.Contains("404", error.Message, StringComparison.Ordinal);
        Assert.Contains($"Bring small.zip (MD5 {new string('0', 32)}) from {_site}none/small.zip, put it into {_cache.File("small")}", error.Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(_cache.File("small/inner")));
    }

    public void Dispose()
    {
        _server.Close();
        _cache.Dispose();
    }

    private FetchableDataset Described(string file, string hash) => new("small", [new DatasetFile(file, hash)], _site, [], null);

    private static byte[] Archive(string name)
    {
        using var packed = new MemoryStream();
        if (name.EndsWith(".zip", StringComparison.Ordinal))
        {
            using var zip = new ZipArchive(packed, ZipArchiveMode.Create, leaveOpen: true);
            using var entry = zip.CreateEntry("inner/images").Open();
            entry.Write(Content);
        }
        else
        {
            using var gzip = new GZipStream(packed, CompressionLevel.Fastest, leaveOpen: true);
            using var tar = new TarWriter(gzip);
            tar.WriteEntry(new PaxTarEntry(TarEntryType.RegularFile, "inner/images") { DataStream = new MemoryStream(Content) });
        }

        return packed.ToArray();
    }

#pragma warning disable CA5351 // What the sets publish.
    private static string Md5(byte[] bytes) => Convert.ToHexStringLower(MD5.HashData(bytes));
#pragma warning restore CA5351

    private static string Hash(byte[] bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes));

    private static byte[] Packed(byte[] bytes)
    {
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Fastest, leaveOpen: true))
        {
            gzip.Write(bytes);
        }

        return packed.ToArray();
    }

    // Packed content for images, half of it for torn and for stalled, which goes on waiting; nothing for other names.
    private async Task Serve()
    {
        var packed = Packed(Content);
        try
        {
            while (true)
            {
                var context = await _server.GetContextAsync();
                var name = Path.GetFileName(context.Request.Url!.AbsolutePath);
                if (name == "stalled.gz")
                {
                    context.Response.ContentLength64 = packed.Length;
                    context.Response.OutputStream.Write(packed.AsSpan(0, 12));
                    continue;
                }

                var bytes = name switch
                {
                    "images.gz" => packed,
                    "torn.gz" => packed[..12],
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
