using System.CommandLine;
using DistillSharp.Cli.Commands;

namespace DistillSharp.Cli;

/// <summary>Exit codes of the command.</summary>
public static class ExitCode
{
    /// <summary>Everything worked.</summary>
    public const int Fine = 0;

    /// <summary>The work failed.</summary>
    public const int Failed = 1;

    /// <summary>The command line or the recipe is wrong.</summary>
    public const int Usage = 2;

    /// <summary>Interrupted by Ctrl-C or SIGTERM; what was done is saved.</summary>
    public const int Interrupted = 130;
}

/// <summary>The command <c>distill</c>: parses arguments and turns failures into messages and exit codes.</summary>
public static class CommandLine
{
    /// <summary>Runs the command and returns its exit code.</summary>
    public static async Task<int> RunAsync(string[] args)
    {
        Teachers.TorchScriptTeacher.Probe = LoadScriptCommand.Probe;
        var root = Create();
        var parsed = root.Parse(args);
        if (parsed.Errors.Count > 0 && parsed.Action is not System.CommandLine.Help.HelpAction)
        {
            foreach (var error in parsed.Errors)
            {
                await Console.Error.WriteLineAsync($"distill: {error.Message}").ConfigureAwait(false);
            }

            await Console.Error.WriteLineAsync($"See `{Path(parsed)} --help`.").ConfigureAwait(false);
            return ExitCode.Usage;
        }

        ShortenSubcommands(parsed.CommandResult.Command);
        return await parsed.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null }).ConfigureAwait(false);
    }

    /// <summary>The command with all its subcommands.</summary>
    public static RootCommand Create()
    {
        var root = new RootCommand(
            """
            Knowledge distillation for .NET: a large teacher network trains a small student.

            Examples:
              distill run recipes/quickstart.yaml
              distill check my-recipe.yaml
              distill new my-recipe.yaml
              distill list methods

            Exit codes: 0 fine, 1 failed, 2 usage or recipe error, 130 interrupted (what was done is saved).
            """)
        {
            RunCommand.Create(),
            ResumeCommand.Create(),
            SweepCommand.Create(),
            CheckCommand.Create(),
            TeachCommand.Create(),
            StoreCommand.Create(),
            DoctorCommand.Create(),
            LayersCommand.Create(),
            EvaluateCommand.Create(),
            PredictCommand.Create(),
            TranslateCommand.Create(),
            TranscribeCommand.Create(),
            ExportCommand.Create(),
            QuantiseCommand.Create(),
            CompareCommand.Create(),
            DataCommand.Create(),
            VerifyCommand.Create(),
            ListCommand.Create(),
            NewCommand.Create(),
            ProveCommand.Create(),
            JobCommand.Create(),
            LoadScriptCommand.Create(),
        };
        root.Options.Add(CommonOptions.Debug);
        return root;
    }

    // The help of a command lists its subcommands with one line each; their examples belong to their own help.
    private static void ShortenSubcommands(Command command)
    {
        foreach (var subcommand in command.Subcommands)
        {
            var text = subcommand.Description ?? "";
            var end = text.IndexOf("\n\n", StringComparison.Ordinal);
            subcommand.Description = (end < 0 ? text : text[..end]).ReplaceLineEndings(" ");
        }
    }

    private static string Path(ParseResult parsed)
    {
        var names = new List<string>();
        for (System.CommandLine.Parsing.SymbolResult? result = parsed.CommandResult; result is not null; result = result.Parent)
        {
            if (result is System.CommandLine.Parsing.CommandResult { Command: not RootCommand } command)
            {
                names.Insert(0, command.Command.Name);
            }
        }

        return string.Join(' ', names.Prepend("distill"));
    }
}
