using System.Diagnostics;
using System.Globalization;
using DistillSharp.RunLog;
using DistillSharp.Runs;
using Spectre.Console;

namespace DistillSharp.Cli;

/// <summary>What a run shows while it works: bars with time left on a terminal, plain lines elsewhere, or what its options want in their place.</summary>
internal static class ConsoleProgress
{
    private const string OfValidation = "validation_";

    /// <summary>Runs the work while its events are shown.</summary>
    public static T Show<T>(RunOutput output, Func<IRunEventSink, T> work) => output switch
    {
        RunOutput.Json => work(new JsonConsoleSink(Console.Out)),
        RunOutput.Quiet => work(new WarningSink(Console.Error)),
        _ => ShowProgress(work),
    };

    private static T ShowProgress<T>(Func<IRunEventSink, T> work)
    {
        if (!AnsiConsole.Profile.Out.IsTerminal || !AnsiConsole.Profile.Capabilities.Ansi)
        {
            return work(new PlainProgress(Console.Out));
        }

        return AnsiConsole.Progress()
            .AutoClear(false)
            .Columns(new TaskDescriptionColumn { Alignment = Justify.Left }, new ProgressBarColumn(), new PercentageColumn(), new RemainingTimeColumn())
            .Start(context => work(new BarProgress(context)));
    }

    /// <summary>"test 97.21 %", or what a trial of a sweep reached on validation data.</summary>
    public static string Reached(JobEnded ended) => ended.Metrics.TryGetValue("bleu_greedy", out var bleu)
        ? string.Create(CultureInfo.InvariantCulture, $"test {bleu:0.00} BLEU")
        : ended.Metrics.TryGetValue("wer", out var errors)
        ? string.Create(CultureInfo.InvariantCulture, $"test WER {errors:P2}")
        : ended.Metrics.TryGetValue("exact_match", out _) && ended.Metrics.TryGetValue("cer", out var characters)
        ? string.Create(CultureInfo.InvariantCulture, $"test CER {characters:P2}")
        : ended.Metrics.TryGetValue("auc", out var area)
        ? string.Create(CultureInfo.InvariantCulture, $"test AUC {area:P2}")
        : ended.Metrics.TryGetValue("top1", out var test)
        ? string.Create(CultureInfo.InvariantCulture, $"test {test:P2}")
        : Figure(ended.Metrics.Where(metric => metric.Key.StartsWith(OfValidation, StringComparison.Ordinal)).ToDictionary(metric => metric.Key[OfValidation.Length..], metric => metric.Value)) is { Length: > 0 } figure
        ? $"validation {figure}" : "not trained";

    /// <summary>What epochs and trials are judged by, as "97.21 %" or "31.40 BLEU"; nothing where there is no such metric.</summary>
    public static string Figure(IReadOnlyDictionary<string, double> validation) =>
        validation.TryGetValue("top1", out var top1) ? string.Create(CultureInfo.InvariantCulture, $"{top1:P2}")
        : validation.TryGetValue("exact_match", out _) && validation.TryGetValue("cer", out var characters) ? string.Create(CultureInfo.InvariantCulture, $"CER {characters:P2}")
        : validation.TryGetValue("auc", out var auc) ? string.Create(CultureInfo.InvariantCulture, $"AUC {auc:P2}")
        : validation.TryGetValue("bleu", out var bleu) ? string.Create(CultureInfo.InvariantCulture, $"{bleu:0.00} BLEU")
        : validation.TryGetValue("wer", out var errors) ? string.Create(CultureInfo.InvariantCulture, $"WER {errors:P2}") : "";

    /// <summary>"acc 97.21 %  hard_labels 0.031  soft_target 0.42".</summary>
    public static string Figures(IReadOnlyDictionary<string, double> parts, IReadOnlyDictionary<string, double>? validation)
    {
        var figure = validation is null ? "" : Figure(validation);
        return (figure.Length > 0 ? $"validation {figure}  " : "") + string.Join("  ", parts.Select(part => string.Create(CultureInfo.InvariantCulture, $"{part.Key} {part.Value:G4}")));
    }
}

/// <summary>One line an epoch at most every two seconds, and one a job, with time left.</summary>
internal sealed class PlainProgress(TextWriter writer) : IRunEventSink
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(2);

    private readonly Stopwatch _watch = Stopwatch.StartNew();
    private readonly TimeLeft _left = new();
    private TimeSpan? _last;

    public void Write(RunEvent runEvent)
    {
        _left.Hear(runEvent);
        switch (runEvent)
        {
            case RunStarted started:
                writer.WriteLine($"{started.Name}: {started.Jobs.Count} jobs{(started.Resumed ? " (resumed)" : "")}");
                break;
            case EpochEnded epoch when _last is null || _watch.Elapsed - _last > Interval:
                _last = _watch.Elapsed;
                writer.WriteLine($"  {JobResult.JobName(epoch.Arm, epoch.Seed)} epoch {epoch.Epoch}/{epoch.Epochs}  {ConsoleProgress.Figures(epoch.Parts, epoch.Validation)}  {_left.Text(epoch.Arm, epoch.Seed)}");
                break;
            case JobEnded ended:
                writer.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {JobResult.JobName(ended.Arm, ended.Seed)} done in {ended.Seconds:0.0} s, {ConsoleProgress.Reached(ended)}"));
                break;
            case NoteLogged note:
                writer.WriteLine($"  {note.Level}: {note.Message}");
                break;
        }
    }
}

/// <summary>A bar for the whole run and one for each job that is under way.</summary>
internal sealed class BarProgress(ProgressContext context) : IRunEventSink
{
    private readonly Dictionary<string, ProgressTask> _bars = [];
    private readonly Dictionary<string, string> _validation = [];
    private ProgressTask? _all;
    private string _name = "";

    public void Write(RunEvent runEvent)
    {
        if (_all is { IsIndeterminate: true } all)
        {
            (all.IsIndeterminate, all.Description) = (false, _name);
        }

        switch (runEvent)
        {
            case RunStarted started:
                _name = Markup.Escape(started.Name);
                _all = context.AddTask(_name + " reads its data", maxValue: started.Jobs.Count);
                _all.IsIndeterminate = true;
                break;
            case StepLogged step:
                var job = JobResult.JobName(step.Arm, step.Seed);
                var bar = Bar(job, step.TotalSteps);
                bar.Value = step.Step;
                bar.Description = Markup.Escape($"{job} {_validation.GetValueOrDefault(job)}{ConsoleProgress.Figures(step.Parts, null)}");
                break;
            case EpochEnded epoch when ConsoleProgress.Figure(epoch.Validation) is { Length: > 0 } figure:
                _validation[JobResult.JobName(epoch.Arm, epoch.Seed)] = figure + "  ";
                break;
            case JobEnded ended:
                if (_bars.Remove(JobResult.JobName(ended.Arm, ended.Seed), out var finished))
                {
                    finished.Value = finished.MaxValue;
                    finished.Description = Markup.Escape(string.Create(CultureInfo.InvariantCulture, $"{JobResult.JobName(ended.Arm, ended.Seed)} {ConsoleProgress.Reached(ended)}"));
                    finished.StopTask();
                }

                _all?.Increment(1);
                break;
            case NoteLogged { Level: "warning" } note:
                AnsiConsole.MarkupLine("[yellow]" + Markup.Escape(note.Message) + "[/]");
                break;
        }
    }

    private ProgressTask Bar(string job, long steps)
    {
        if (!_bars.TryGetValue(job, out var bar))
        {
            _bars[job] = bar = context.AddTask(Markup.Escape(job), maxValue: steps);
        }

        return bar;
    }
}
