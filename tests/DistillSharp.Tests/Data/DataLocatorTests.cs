using System.Security.Cryptography;
using DistillSharp.Data;

namespace DistillSharp.Tests.Data;

/// <summary>Folders in which datasets are looked for, some of which hold another one.</summary>
public sealed class DataLocatorTests : IDisposable
{
    private static readonly byte[] Mine = "digits"u8.ToArray();
    private static readonly byte[] Others = "clothes"u8.ToArray();

    private readonly TemporaryFolder _folder = new();
    private readonly FetchableDataset _other = new("located-clothes", [new DatasetFile("located-images", Convert.ToHexStringLower(SHA256.HashData(Others)))], null, [], null);

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void FindFolder_FilesOfAnotherSetOfTheSameNames_ArePassedOver()
    {
        _folder.Write("located-images", Others);
        Assert.Null(Find());

        _folder.Write("located-images", Mine);
        Assert.Equal(_folder.Path, Find());
    }

    [Fact]
    public void FindFolder_FolderOfTheSetsOwnName_IsTakenWhateverItHolds()
    {
        var own = Directory.CreateDirectory(_folder.File("located-digits")).FullName;
        File.WriteAllBytes(Path.Combine(own, "located-images"), Others);

        Assert.Equal(own, Find());
    }

    [Fact]
    public void NamedAlike_SetsOfIdxFiles_AreEachOthers()
    {
        Assert.Equal(["fashion-mnist"], DatasetFetcher.NamedAlike("mnist").Select(set => set.Name));
        Assert.Equal(["mnist"], DatasetFetcher.NamedAlike("fashion-mnist").Select(set => set.Name));
        Assert.Empty(DatasetFetcher.NamedAlike("fonts-text"));
        Assert.Empty(DatasetFetcher.NamedAlike("asterisk-en"));
    }

    private string? Find() => new DataLocator(_folder.Path).FindFolder("located-digits", ["located-images"], [_other]);
}
