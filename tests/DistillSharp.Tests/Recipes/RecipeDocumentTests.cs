using DistillSharp.Recipes;

namespace DistillSharp.Tests.Recipes;

public sealed class RecipeDocumentTests
{
    [Fact]
    public void RecipeDocument_KeyReference_EqualsTheCode() =>
        Documents.AssertGenerated("docs/recipes.md", "<!-- keys: generated -->", "<!-- keys: end -->", RecipeKeys.ToMarkdown(Catalogs.Default()));

    [Fact]
    public void RecipeDocument_EveryExampleRecipe_IsValid()
    {
        foreach (var document in new[] { "README.md", "docs/recipes.md" })
        {
            var examples = Documents.Read(document.Split('/')).Split("```yaml\n").Skip(1).Select(part => part[..part.IndexOf("```", StringComparison.Ordinal)]).ToList();
            Assert.NotEmpty(examples);
            foreach (var example in examples)
            {
                RecipeReader.Read(example, "example", Documents.Root);
            }
        }
    }
}
