using System.CommandLine;

namespace DistillSharp.Benchmarks;

/// <summary><c>performance</c>: every measurement of docs/performance.md, one after the other, and the pages written anew.</summary>
internal static class PerformanceCommand
{
    // The outer command hears of interruptions; inner ones that did as well would end the process twice.
    private static readonly InvocationConfiguration Uninterrupted = new() { ProcessTerminationTimeout = null };

    public static Command Create()
    {
        var python = new Option<string?>("--python") { Description = "Python interpreter with PyTorch and numpy; without it that comparison is left out" };
        var command = new Command("performance", "Measure speed, variants, growth and (with --python) PyTorch, keep the files and render the pages") { python };
        command.SetAction(async (parsed, cancellation) =>
        {
            List<string[]> measurements = [["speed"], ["variants"], ["growth"]];
            if (parsed.GetValue(python) is { } interpreter)
            {
                measurements.Add(["pytorch", "--python", interpreter]);
            }

            var worst = 0;
            foreach (var measurement in measurements)
            {
                var json = Path.Combine(ResultsCommands.ResultsFolder(), measurement[0] + ".json");
                worst = Math.Max(worst, await parsed.RootCommandResult.Command.Parse([.. measurement, "--json", json]).InvokeAsync(Uninterrupted, cancellation).ConfigureAwait(false));
            }

            return Math.Max(worst, await parsed.RootCommandResult.Command.Parse(["render"]).InvokeAsync(Uninterrupted, cancellation).ConfigureAwait(false));
        });
        return command;
    }
}
