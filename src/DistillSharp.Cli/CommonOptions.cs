using System.CommandLine;

namespace DistillSharp.Cli;

/// <summary>Options that several commands share.</summary>
internal static class CommonOptions
{
    /// <summary>Shows stack traces.</summary>
    public static Option<bool> Debug { get; } = new("--debug") { Description = "Show stack traces of failures", Recursive = true };

    /// <summary>Overrides of recipe keys.</summary>
    public static Option<string[]> Set() => new("--set")
    {
        Description = "Override a key of the recipe, such as --set training.epochs=5; may be repeated",
        HelpName = "key=value",
        Arity = ArgumentArity.OneOrMore,
    };

    /// <summary>Seeds of the table.</summary>
    public static Option<int[]> Seed() => new("--seed")
    {
        Description = "Seeds instead of the recipe's: --seed 0 1 2",
        AllowMultipleArgumentsPerToken = true,
        Arity = ArgumentArity.OneOrMore,
    };

    /// <summary>Threads of one operation.</summary>
    public static Option<int?> Threads() => new("--threads") { Description = "Threads of one operation instead of the recipe's" };

    /// <summary>Device.</summary>
    public static Option<string?> Device() => new("--device") { Description = "cpu or cuda instead of the recipe's" };

    /// <summary>Machine-readable output.</summary>
    public static Option<bool> Json() => new("--json") { Description = "Write JSON for machines to standard output" };

    /// <summary>No progress.</summary>
    public static Option<bool> Quiet() => new("--quiet") { Description = "No progress, only warnings and the results" };

    /// <summary>Where data is looked for first.</summary>
    public static Option<string?> DataFolder() => new("--data-dir") { Description = "Folder that is searched for datasets first (also DISTILL_DATA)" };

    /// <summary>No doctor.</summary>
    public static Option<bool> SkipDoctor() => new("--skip-doctor") { Description = "Do not look for faults first (see `distill doctor`)" };

    /// <summary>Jobs side by side.</summary>
    public static Option<int> Jobs() => new("--jobs")
    {
        Description = "Jobs (arm x seed) side by side, each a process with one thread",
        DefaultValueFactory = _ => 1,
    };

    /// <summary>The overrides that the options amount to.</summary>
    public static IReadOnlyList<string> Overrides(string[]? set, int[]? seeds, int? threads, string? device) =>
    [
        .. set ?? [],
        .. seeds is { Length: > 0 } ? [$"seeds=[{string.Join(", ", seeds)}]"] : Array.Empty<string>(),
        .. threads is { } count ? [$"threads={count}"] : Array.Empty<string>(),
        .. device is not null ? [$"device={device}"] : Array.Empty<string>(),
    ];
}
