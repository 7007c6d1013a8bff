using System.CommandLine;
using System.Text.Json;
using DistillSharp.Recipes;
using DistillSharp.Training;

namespace DistillSharp.Cli.Commands;

/// <summary><c>distill list</c>: what recipes can name, one line each.</summary>
internal static class ListCommand
{
    private static readonly string[] Kinds = ["methods", "schemes", "models", "datasets", "optimizers", "schedules", "metrics"];

    public static Command Create()
    {
        var kind = new Argument<string>("kind") { Description = string.Join(", ", Kinds), HelpName = "kind" };
        kind.AcceptOnlyFromAmong([.. Kinds, "keys"]);
        var json = CommonOptions.Json();
        var command = new Command(
            "list",
            """
            List what recipes can name, with the paper it comes from.

            Examples:
              distill list methods
              distill list models --json
            """)
        {
            kind, json,
        };
        command.SetAction(parsed => Failures.Guard(parsed, () =>
        {
            if (parsed.GetValue(kind) == "keys")
            {
                Console.Out.Write(RecipeKeys.ToMarkdown(Catalogs.Default()));
                return ExitCode.Fine;
            }

            Print(Entries(parsed.GetValue(kind)!).ToList(), parsed.GetValue(json));
            return ExitCode.Fine;
        }));
        return command;
    }

    private static IEnumerable<(string Name, string Summary, string Paper)> Entries(string kind)
    {
        var catalogs = Catalogs.Default();
        return kind switch
        {
            "methods" => catalogs.Methods.Entries.Select(entry => (entry.Name, entry.Summary + (entry.Variant is null ? "" : $" ({entry.Variant})"), entry.Paper)),
            "schemes" => SchemeCatalog.Entries.Select(entry => (entry.Name, entry.Summary, entry.Paper)),
            "models" => catalogs.Models.Entries.Select(entry => (entry.Name, entry.Summary, entry.Paper)),
            "datasets" => catalogs.Datasets.Entries.Select(entry => (entry.Name, entry.Summary, entry.Source)),
            "metrics" => catalogs.Metrics.Entries.Select(entry => (entry.Key, entry.Summary, entry.Paper ?? "")),
            "optimizers" =>
            [
                ("sgd", "stochastic gradient descent with (Nesterov) momentum", "Sutskever et al., ICML 2013"),
                ("adam", "Adam, weight decay added to the gradient", "Kingma and Ba, ICLR 2015"),
                ("adamw", "Adam with decoupled weight decay", "Loshchilov and Hutter, ICLR 2019"),
            ],
            _ =>
            [
                ("constant", "the same learning rate throughout", ""),
                ("step", "multiplied by decay every step_epochs", ""),
                ("multistep", "multiplied by decay at each of milestones", ""),
                ("cosine", "half a cosine down to final_learning_rate", "Loshchilov and Hutter, ICLR 2017"),
                ("linear", "a straight line down to final_learning_rate", ""),
            ],
        };
    }

    private static void Print(List<(string Name, string Summary, string Paper)> entries, bool json)
    {
        if (json)
        {
            Console.Out.WriteLine(JsonSerializer.Serialize(entries.Select(entry => new { name = entry.Name, summary = entry.Summary, paper = entry.Paper })));
            return;
        }

        var width = entries.Max(entry => entry.Name.Length);
        foreach (var (name, summary, paper) in entries)
        {
            Console.Out.WriteLine($"{name.PadRight(width)}  {summary}{(paper.Length > 0 ? $" [{paper}]" : "")}");
        }
    }
}
