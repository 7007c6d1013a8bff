using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using DistillSharp.Recipes;
using Spectre.Console;

namespace DistillSharp.Cli.Commands;

/// <summary><c>distill teach</c>: fills the stores of a recipe's teachers ahead of a run.</summary>
internal static class TeachCommand
{
    public static Command Create()
    {
        var recipe = new Argument<string>("recipe") { Description = "Recipe file (YAML), or the directory of a run that has trained the teacher" };
        var range = new Option<string?>("--range") { Description = "Only these training samples, first and last counted from 0: --range 0-24999", HelpName = "a-b" };
        var part = new Option<string?>("--part") { Description = "Only this part of all samples: --part 1/2", HelpName = "i/n" };
        var (set, threads, device, quiet, data) = (CommonOptions.Set(), CommonOptions.Threads(), CommonOptions.Device(), CommonOptions.Quiet(), CommonOptions.DataFolder());
        var command = new Command(
            "teach",
            """
            Compute what the teacher says about every sample and keep it in the recipe's store, so that runs only read it.

            What is there is left as it is: after Ctrl-C, a crash or a full disk the command goes on where it stopped. Several at
            once, on one machine or on a shared disk, divide the work among themselves.

            Examples:
              distill teach recipe.yaml
              distill teach recipe.yaml --part 1/2
              distill teach runs/quickstart
            """)
        {
            recipe, range, part, set, threads, device, quiet, data,
        };
        command.SetAction(parsed => Failures.Guard(parsed, () =>
        {
            var (path, samples, piece) = (parsed.GetValue(recipe)!, parsed.GetValue(range), parsed.GetValue(part));
            var wanted = Range(samples, piece);
            var overrides = CommonOptions.Overrides(parsed.GetValue(set), null, parsed.GetValue(threads), parsed.GetValue(device));
            var run = Directory.Exists(path) ? RunSession.Existing(path) : null;
            if (run is not null && overrides.Count > 0)
            {
                throw new UsageException($"{path} is a run, whose recipe stands; leave out --set, --threads and --device");
            }

            var taught = run is null ? RecipeReader.ReadFile(path, overrides).Recipe : RunSession.ReadRecipe(run);
            if (!Arms.Of(taught).Any(arm => arm.Store is not null && !arm.IsStored))
            {
                throw new UsageException("the recipe has no store to fill; say where the teacher's outputs go with `teacher: {…, store: {path: FOLDER}}`");
            }

            var teaching = new StoreTeaching(taught, run, parsed.GetValue(data));
            using var interruption = new Interruption();
            var folders = Show(parsed.GetValue(quiet), (progress, note) => teaching.Fill(wanted, progress, note, interruption.Token));
            foreach (var folder in folders)
            {
                Console.Out.WriteLine(folder);
            }

            return ExitCode.Fine;
        }));
        return command;
    }

    private static TeachRange Range(string? samples, string? piece)
    {
        try
        {
            return samples is not null && piece is not null ? throw new UsageException("give either --range or --part")
                : samples is not null ? TeachRange.OfSamples(samples)
                : piece is not null ? TeachRange.OfPart(piece)
                : new TeachRange();
        }
        catch (FormatException error)
        {
            throw new UsageException(error.Message);
        }
    }

    private static T Show<T>(bool quiet, Func<IProgress<TeachProgress>, Action<string>, T> work)
    {
        if (quiet)
        {
            return work(new Silence(), Warn);
        }

        if (!AnsiConsole.Profile.Out.IsTerminal || !AnsiConsole.Profile.Capabilities.Ansi)
        {
            return work(new Lines(Console.Out), Console.Out.WriteLine);
        }

        return AnsiConsole.Progress()
            .AutoClear(false)
            .Columns(new TaskDescriptionColumn { Alignment = Justify.Left }, new ProgressBarColumn(), new PercentageColumn(), new RemainingTimeColumn())
            .Start(context => work(new Bar(context), text => AnsiConsole.MarkupLine(Markup.Escape(text))));
    }

    private static void Warn(string note)
    {
        if (note.StartsWith(StoreTeaching.Warning, StringComparison.Ordinal))
        {
            Console.Error.WriteLine("distill: " + note);
        }
    }

    private sealed class Silence : IProgress<TeachProgress>
    {
        public void Report(TeachProgress value)
        {
        }
    }

    private sealed class Bar(ProgressContext context) : IProgress<TeachProgress>
    {
        private readonly ProgressTask _bar = context.AddTask("store");

        public void Report(TeachProgress value)
        {
            _bar.Description = Markup.Escape(value.What);
            _bar.MaxValue = value.Total;
            _bar.Value = value.Done;
        }
    }

    /// <summary>A line every two seconds, with the time left.</summary>
    private sealed class Lines(TextWriter writer) : IProgress<TeachProgress>
    {
        private static readonly TimeSpan Interval = TimeSpan.FromSeconds(2);

        private readonly Stopwatch _watch = Stopwatch.StartNew();
        private TimeSpan? _last;
        private long? _first;

        public void Report(TeachProgress value)
        {
            _first ??= value.Done;
            if (value.Done < value.Total && _last is { } last && _watch.Elapsed - last < Interval)
            {
                return;
            }

            _last = _watch.Elapsed;
            var done = value.Done - _first.Value;
            var left = done == 0 ? "" : string.Create(CultureInfo.InvariantCulture, $", about {TimeLeft.Written(_watch.Elapsed.TotalSeconds / done * (value.Total - value.Done))} left");
            writer.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {value.What}: {value.Done} of {value.Total} samples{left}"));
        }
    }
}
