using DistillSharp.Data;
using DistillSharp.Vision;

namespace DistillSharp.Tests.Vision;

/// <summary>A folder of fonts with several families: the system's, or fetched.</summary>
internal static class TestFonts
{
    private const string System = "/usr/share/fonts/truetype/dejavu";

    public static string Folder { get; } = Directory.Exists(System) && Families(System) >= 2 ? System : new DatasetFetcher(_ => { }).Get("fonts-text", TestContext.Current.CancellationToken);

    private static int Families(string folder)
    {
        try
        {
            return Fonts.Families(folder, WordImages.Characters).Count;
        }
        catch (InvalidDataException)
        {
            return 0;
        }
    }
}
