using System.CommandLine;
using System.Text.Json;
using DistillSharp.Config;
using DistillSharp.Recipes;
using DistillSharp.Training;

namespace DistillSharp.Cli.Commands;

/// <summary><c>distill list</c>: what recipes can name, one line each.</summary>
internal static class ListCommand
{
    private static readonly string[] Kinds = ["methods", "schemes", "models", "datasets", "optimizers", "schedules", "metrics"];

    public static Command Create()
    {
        var kind = new Argument<string>("kind") { Description = string.Join(", ", Kinds.Append("keys")), HelpName = "kind" };
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
                Console.Out.Write(parsed.GetValue(json) ? Keys() : RecipeKeys.ToMarkdown(Catalogs.Default()));
                return ExitCode.Fine;
            }

            Print(Entries(parsed.GetValue(kind)!).ToList(), parsed.GetValue(json));
            return ExitCode.Fine;
        }));
        return command;
    }

    private static string Keys() => JsonSerializer.Serialize(RecipeKeys.Sections(Catalogs.Default()).Select(section => new
    {
        section = section.Title,
        remark = section.Remark,
        keys = section.Keys.Select(key => new { name = key.Name, meaning = key.Meaning, value = key.Value, required = key.IsRequired, @default = key.Default }),
    })) + Environment.NewLine;

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
            _ => Enum.GetValues<LearningRateShape>().Select(Schedule),
        };
    }

    private static (string Name, string Summary, string Paper) Schedule(LearningRateShape shape)
    {
        var (summary, paper) = shape switch
        {
            LearningRateShape.Constant => ("the same learning rate throughout", ""),
            LearningRateShape.Step => ("multiplied by decay every step_epochs", ""),
            LearningRateShape.Multistep => ("multiplied by decay at each of milestones", ""),
            LearningRateShape.Cosine => ("half a cosine down to final_learning_rate", "Loshchilov and Hutter, ICLR 2017"),
            LearningRateShape.Linear => ("a straight line down to final_learning_rate", ""),
            LearningRateShape.InverseSqrt => ("falls with the inverse square root of the step after warm_up_epochs", "Vaswani et al., NeurIPS 2017"),
            _ => throw new ArgumentOutOfRangeException(nameof(shape), shape, "a schedule without a summary"),
        };
        return (ConfigBinder.SnakeCase(shape.ToString()), summary, paper);
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
