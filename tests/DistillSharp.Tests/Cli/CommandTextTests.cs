using System.CommandLine;
using System.Text.Json;
using DistillSharp.Cli.Commands;
using DistillSharp.Config;
using DistillSharp.Recipes;
using DistillSharp.Training;

namespace DistillSharp.Tests.Cli;

/// <summary>What commands say of themselves and of what recipes can name.</summary>
public sealed class CommandTextTests
{
    [Fact]
    public void Create_EveryCommand_ShowsAnExample() =>
        Assert.All(WithSubcommands(DistillSharp.Cli.CommandLine.Create()), command => Assert.Contains("\nExample", $"{command.Name}: {command.Description}", StringComparison.Ordinal));

    [Fact]
    public void List_Schedules_AreThoseThatRecipesCanName()
    {
        using var document = JsonDocument.Parse(DistillProcess.Run("list", "schedules", "--json").Output);

        Assert.Equal(Enum.GetNames<LearningRateShape>().Select(ConfigBinder.SnakeCase), document.RootElement.EnumerateArray().Select(entry => entry.GetProperty("name").GetString()));
    }

    [Fact]
    public void List_KeysAsJson_HasEverySectionOfTheReference()
    {
        using var document = JsonDocument.Parse(DistillProcess.Run("list", "keys", "--json").Output);
        var sections = document.RootElement.EnumerateArray().ToList();

        var headings = RecipeKeys.ToMarkdown(Catalogs.Default()).Split('\n').Where(line => line.StartsWith("### ", StringComparison.Ordinal)).Select(line => line[4..]);
        Assert.Equal(headings, sections.Select(section => section.GetProperty("section").GetString()));
        var training = sections.Single(section => section.GetProperty("section").GetString() == "training");
        var epochs = training.GetProperty("keys").EnumerateArray().Single(key => key.GetProperty("name").GetString() == "epochs");
        Assert.Equal("20", epochs.GetProperty("default").GetString());
        Assert.False(epochs.GetProperty("required").GetBoolean());
    }

    [Fact]
    public void Create_Prove_HasNoOptionThatSpeaksOfARecipe() =>
        Assert.DoesNotContain(ProveCommand.Create().Options, option => option.Description?.Contains("recipe", StringComparison.Ordinal) == true);

    [Fact]
    public void CommandText_BlanksAndQuotes_AreQuotedForTheShell()
    {
        const string Start = "dotnet run -c Release --project src/DistillSharp.Cli -- run ";

        Assert.Equal(Start + "recipes/quickstart.yaml --set 'seeds=[0, 1]'", RunCommand.CommandText("recipes/quickstart.yaml", ["seeds=[0, 1]"], null, doctor: true));
        Assert.Equal(
            Start + @"'my recipes/it'\''s.yaml' --set 'data.train=it'\''s.csv' --data-dir 'data sets' --skip-doctor",
            RunCommand.CommandText("my recipes/it's.yaml", ["data.train=it's.csv"], "data sets", doctor: false));
    }

    [Fact]
    public void Starter_Schedule_NamesEveryOne() =>
        Assert.Contains("# constant, step, multistep, cosine, linear, inverse_sqrt\n", NewCommand.Starter, StringComparison.Ordinal);

    private static IEnumerable<Command> WithSubcommands(Command command) => command.Subcommands.Where(each => !each.Hidden).SelectMany(WithSubcommands).Prepend(command);
}
