using System.CommandLine;
using System.Text.Json;
using DistillSharp.Cli.Commands;
using DistillSharp.Config;
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
    public void Starter_Schedule_NamesEveryOne() =>
        Assert.Contains("# constant, step, multistep, cosine, linear, inverse_sqrt\n", NewCommand.Starter, StringComparison.Ordinal);

    private static IEnumerable<Command> WithSubcommands(Command command) => command.Subcommands.Where(each => !each.Hidden).SelectMany(WithSubcommands).Prepend(command);
}
