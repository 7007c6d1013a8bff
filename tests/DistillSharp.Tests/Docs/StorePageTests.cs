using System.Globalization;
using System.Text.RegularExpressions;
using DistillSharp.Config;
using DistillSharp.Recipes;
using DistillSharp.Signals;
using DistillSharp.Teachers.Store;
using TorchSharp;
using static TorchSharp.torch;

namespace DistillSharp.Tests.Docs;

/// <summary>docs/store.md: every option, a valid recipe, and an example whose numbers are what the code computes.</summary>
public sealed partial class StorePageTests
{
    private readonly string _text = Documents.Read("docs", "store.md");

    [Fact]
    public void Page_NamesEveryOption() =>
        Assert.All(ConfigBinder.OptionsOf(typeof(StoreOptions)).Keys, key => Assert.Contains($"| `{key}` |", _text, StringComparison.Ordinal));

    [Fact]
    public void Recipe_IsValid()
    {
        var recipe = RecipeReader.Read(Documents.Between(_text, "```yaml", "```"), "example", Documents.Root).Recipe;
        Assert.Equal(Path.Combine(Documents.Root, "stores", "digits"), recipe.Teacher!.Store!.Path);
        Assert.Equal(8, recipe.Views);
    }

    [Fact]
    public void WorkedExample_Numbers_AreWhatTheCodeComputes()
    {
        using var scope = NewDisposeScope();
        var manifest = new StoreManifest { Key = new Dictionary<string, string>(), Precision = "float32", TopK = 2, Temperature = 2, Logits = [5] };
        var signals = new ModelSignals(new Signal(tensor(new float[] { 4, 2, 1, 0, -1 }, [1, 5])), new Dictionary<string, Signal>());
        var logits = new RowLayout(manifest).AsStored(signals, [0], 0, []).Logits.Value;
        var softened = (logits / 2).softmax(1)[0].data<float>().ToArray();
        var stated = Stated().Matches(_text).Select(match => double.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture)).ToArray();
        Assert.Equal([stated[0] - (2 * Math.Log(3)), stated[1]], [logits[0, 2].ToDouble(), logits[0, 4].ToDouble()], (a, b) => Math.Abs(a - b) < 1e-5);
        Assert.Contains(string.Create(CultureInfo.InvariantCulture, $"{softened[0]:0.00000} and {softened[1]:0.00000} before and after"), _text, StringComparison.Ordinal);
    }

    [GeneratedRegex(@"\*\*(-?[0-9]+\.[0-9]+)\*\*")]
    private static partial Regex Stated();
}
