using System.CommandLine;
using System.Globalization;
using System.Text;
using DistillSharp.Config;
using DistillSharp.Recipes;
using DistillSharp.RunLog;
using DistillSharp.Runs;

namespace DistillSharp.Benchmarks;

/// <summary>
/// <c>methods</c> trains every smoke recipe as an arm of one run, over one teacher and one plain student, and keeps how far each
/// term fell, what accuracy came of it and what a step cost.
/// </summary>
internal static class MethodsCommand
{
    /// <summary>
    /// Metric: share by which the term that fell least came down to the last epoch's mean, from the first logged step; from the highest
    /// one where a network learns from itself or its peers, who agree about nothing yet at the start.
    /// </summary>
    public const string TermFall = "term_fall";

    /// <summary>Metric: CPU seconds of training over those of the plain student.</summary>
    public const string StepCost = "step_cost";

    /// <summary>Metric: CPU seconds of training over those of soft targets.</summary>
    public const string SoftTargetCost = "step_cost_soft_target";

    /// <summary>Metric: peak resident memory over the plain student's, in megabytes.</summary>
    public const string ExtraMegabytes = "extra_mb";

    private const string SoftTarget = "soft_target";
    private const string FallNote = "A term's fall is counted from its first logged step; where a network learns from itself or from peers, whose targets are its own at the start, from its highest.";
    private const string MemoryNote = "Arms ran one after another in one process, so that extra MB holds what earlier arms left behind and bounds a method's own from above.";
    private const double LeastFall = 0.2;
    private const double LargestLoss = 0.03;
    private const double LargestCost = 1.6;

    public static Command Create()
    {
        var only = new Option<string[]>("--only") { Description = "Names of smoke recipes (default: all)", AllowMultipleArgumentsPerToken = true };
        var output = new Option<string>("--output") { Description = "Run directory; one that is there goes on", DefaultValueFactory = _ => Path.Combine("runs", "methods") };
        var save = new Option<bool>("--save") { Description = "Write benchmarks/results/methods.json" };
        var command = new Command("methods", "Train every method and scheme of recipes/smoke on one teacher; prints how each did") { only, output, save };
        command.SetAction((parsed, cancellation) => Task.FromResult(ResultsCommands.Guard(() =>
        {
            var directory = new RunDirectory(parsed.GetValue(output)!);
            var recipe = Compose(parsed.GetValue(only) ?? []);
            if (!directory.Exists)
            {
                Experiment.Prepare(recipe, directory);
            }

            var names = parsed.GetValue(only) is { Length: > 0 } chosen ? $" --only {string.Join(' ', chosen)}" : "";
            var results = WithCosts(Run(recipe, directory, names, cancellation), recipe, directory, names.Length > 0);
            Console.WriteLine(ToMarkdown(results));
            if (parsed.GetValue(save))
            {
                Console.WriteLine(BenchmarkResults.Save(ResultsCommands.ResultsFolder(), results with { Name = "methods" }));
            }
        })));
        return command;
    }

    /// <summary>The table of one line a method.</summary>
    public static string ToMarkdown(RunResults results)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"## {results.Name}\n\n| arm | top-1 % | against plain | term fell | CPU time × plain | × soft targets | extra MB |\n|---|---:|---:|---:|---:|---:|---:|\n");
        foreach (var arm in results.Arms)
        {
            string Show(string key, string format, double factor = 1) =>
                arm.Metrics.TryGetValue(key, out var metric) ? (metric.Mean * factor).ToString(format, CultureInfo.InvariantCulture) : "–";
            var against = arm.Name is ArmNames.Plain or ArmNames.Teacher ? "–" : (100 * (arm.Metrics["top1"].Mean - Plain(results).Metrics["top1"].Mean)).ToString("+0.00;−0.00", CultureInfo.InvariantCulture);
            text.Append(CultureInfo.InvariantCulture, $"| {arm.Name} | {Show("top1", "0.00", 100)} | {against} | {Show(TermFall, "0 %")} | {Show(StepCost, "0.00")} | {Show(SoftTargetCost, "0.00")} | {Show(ExtraMegabytes, "0")} |\n");
        }

        text.Append('\n');
        foreach (var note in results.Notes)
        {
            text.Append(CultureInfo.InvariantCulture, $"- {note}\n");
        }

        text.Append(CultureInfo.InvariantCulture, $"\n`{results.Command}` · {results.Started?.UtcDateTime:yyyy-MM-dd HH:mm} UTC, {results.Seconds:0} s · {results.Machine}");
        return text.Append(results.Commit is null ? "\n" : $" · commit {results.Commit}\n").ToString();
    }

    // Every smoke recipe has the same data, student and training; one run over all spares a teacher and a plain student each.
    private static Recipe Compose(string[] only)
    {
        var folder = Path.Combine(ResultsCommands.Root(), "recipes", "smoke");
        var files = Directory.GetFiles(folder, "*.yaml").Order(StringComparer.Ordinal)
            .Where(file => only.Length == 0 || only.Append(SoftTarget).Contains(Path.GetFileNameWithoutExtension(file))).ToList();
        if (files.Count < only.Length)
        {
            throw new ArgumentException($"there is no recipe for {string.Join(", ", only.Except(files.Select(Path.GetFileNameWithoutExtension)))} in {folder}");
        }

        var objectives = new StringBuilder("objectives:\n");
        var head = "";
        foreach (var file in files)
        {
            var source = RecipeReader.ReadFile(file).Recipe.Source;
            var name = Path.GetFileNameWithoutExtension(file);
            objectives.Append(CultureInfo.InvariantCulture, $"  {name}:\n{Indented(YamlConfig.Write(source.Get("objective")!))}");
            head = name == SoftTarget
                ? string.Concat(source.Entries!.Where(entry => entry.Key is not ("objective" or "name")).Select(entry => $"{entry.Key}:\n{Indented(YamlConfig.Write(entry.Value))}"))
                : head;
        }

        return RecipeReader.Read($"name: methods\n{head}{objectives}", "methods", folder).Recipe;
    }

    private static string Indented(string yaml) => string.Concat(yaml.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => $"    {line}\n"));

    private static RunResults Run(Recipe recipe, RunDirectory directory, string names, CancellationToken cancellation)
    {
        using var file = new JsonLinesWriter(directory.EventsFile);
        var options = new ExperimentOptions { Command = $"dotnet run -c Release --project benchmarks/DistillSharp.Benchmarks -- methods{names} --save" };
        return new Experiment(recipe, directory, new Fan(file), options).Run(cancellation);
    }

    private static RunResults WithCosts(RunResults results, Recipe recipe, RunDirectory directory, bool partly)
    {
        var withoutTeacher = recipe.Objectives.Where(objective => !objective.Value.Scheme.Entry.NeedsTeacher).Select(objective => objective.Key).ToHashSet();
        var falls = Falls(JsonLinesReader.Read(directory.EventsFile).ToList(), withoutTeacher);
        double Of(ArmResults? arm, string key) => arm?.Metrics.GetValueOrDefault(key)?.Mean ?? double.NaN;
        var (plain, soft) = (Plain(results), results.Arms.FirstOrDefault(arm => arm.Name == SoftTarget));
        var arms = results.Arms.Where(arm => arm.Name != ArmNames.Teacher).Select(arm =>
        {
            var added = new Dictionary<string, double>
            {
                [StepCost] = Of(arm, "cpu_seconds") / Of(plain, "cpu_seconds"),
                [SoftTargetCost] = Of(arm, "cpu_seconds") / Of(soft, "cpu_seconds"),
                [ExtraMegabytes] = Of(arm, "peak_mb") - Of(plain, "peak_mb"),
                [TermFall] = falls.GetValueOrDefault(arm.Name, double.NaN),
            };
            return arm with { Metrics = arm.Metrics.Concat(added.Where(entry => double.IsFinite(entry.Value)).Select(entry => KeyValuePair.Create(entry.Key, new MetricSummary(entry.Value, null, [entry.Value])))).ToDictionary() };
        }).ToList();
        return results with
        {
            Arms = [.. results.Arms.Where(arm => arm.Name == ArmNames.Teacher), .. arms],
            // One seed of a short training shows that a method trains, not that one is better than another.
            Differences = [],
            NegativeFlips = [],
            PerClassChange = [],
            GapRecovery = [],
            Notes = [.. partly ? ["Not every smoke recipe was run: the others are missing here."] : Array.Empty<string>(), .. Missed(arms, plain), FallNote, MemoryNote],
        };
    }

    private static ArmResults Plain(RunResults results) => results.Arms.Single(arm => arm.Name == ArmNames.Plain);

    private static Dictionary<string, double> Falls(List<RunEvent> events, HashSet<string> fromHighest)
    {
        var falls = new Dictionary<string, double>();
        foreach (var arm in events.OfType<EpochEnded>().GroupBy(epoch => epoch.Arm))
        {
            var steps = events.OfType<StepLogged>().Where(step => step.Arm == arm.Key).Select(step => step.Parts).ToList();
            var last = arm.Last().Parts;
            var parts = last.Keys.Where(part => part != "hard_labels" && steps[0].ContainsKey(part)).ToList();
            if (parts.Count > 0)
            {
                double Start(string part) => fromHighest.Contains(arm.Key) ? steps.Max(step => step.GetValueOrDefault(part, double.NegativeInfinity)) : steps[0][part];
                falls[arm.Key] = parts.Min(part => (Start(part) - last[part]) / Math.Max(1e-12, Math.Abs(Start(part))));
            }
        }

        return falls;
    }

    private static IEnumerable<string> Missed(List<ArmResults> arms, ArmResults plain)
    {
        yield return Named("Terms that fell by less than 20 %", arms, TermFall, value => value < LeastFall);
        yield return Named("More than 3 points below the plain student", arms, "top1", value => value < plain.Metrics["top1"].Mean - LargestLoss);
        yield return Named("More than 1.6 times the CPU time of soft targets", arms, SoftTargetCost, value => value > LargestCost);
    }

    private static string Named(string title, List<ArmResults> arms, string key, Func<double, bool> missed)
    {
        var names = arms.Where(arm => arm.Metrics.TryGetValue(key, out var metric) && missed(metric.Mean)).Select(arm => arm.Name).ToList();
        return $"{title}: {(names.Count == 0 ? "none" : string.Join(", ", names))}.";
    }

    /// <summary>Writes events to a file and tells of epochs on the console.</summary>
    private sealed class Fan(JsonLinesWriter file) : IRunEventSink
    {
        public void Write(RunEvent runEvent)
        {
            file.Write(runEvent);
            if (runEvent is JobEnded job)
            {
                Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{job.Arm}: {job.Metrics["top1"]:P2}, {job.Seconds:0} s"));
            }
            else if (runEvent is NoteLogged note)
            {
                Console.Error.WriteLine(note.Message);
            }
        }
    }
}
