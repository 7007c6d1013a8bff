using System.CommandLine;
using DistillSharp.Config;
using DistillSharp.Data;
using DistillSharp.Recipes;
using DistillSharp.Speech.Activity;
using DistillSharp.Speech.Corpora;
using DistillSharp.Text.Corpora;

namespace DistillSharp.Cli.Commands;

/// <summary><c>distill data</c>: which datasets there are, and fetching them.</summary>
internal static class DataCommand
{
    private static readonly string[] Fetched = [.. DatasetFetcher.Names, DebianDescriptions.FetchedName, AsteriskPrompts.FetchedName];

    public static Command Create()
    {
        var command = new Command(
            "data",
            """
            List datasets and fetch them into the cache.

            Examples:
              distill data list
              distill data get fashion-mnist
              distill data verify fashion-mnist
            """);
        command.Subcommands.Add(List());
        command.Subcommands.Add(Get());
        command.Subcommands.Add(Verify());
        command.Subcommands.Add(Make());
        return command;
    }

    private static Command List()
    {
        var data = CommonOptions.DataFolder();
        var command = new Command(
            "list",
            """
            Datasets, and whether they are on this machine.

            Examples:
              distill data list
              distill data list --data-dir my-data
            """)
        {
            data,
        };
        command.SetAction(parsed => Failures.Guard(parsed, () =>
        {
            var locator = new DataLocator(parsed.GetValue(data));
            foreach (var entry in Catalogs.Default().Datasets.Entries)
            {
                var state = entry.Needs is { } needs ? locator.FetchedFolder(needs) ?? $"not here: distill data get {needs}"
                    : entry.Name == DebianDescriptions.Entry.Name ? Tables(locator).FirstOrDefault() ?? $"not here: distill data get {DebianDescriptions.FetchedName} --languages en,it"
                    : entry.Name == SpeechDatasets.Asterisk.Name || entry.Name == ActivityCorpus.Entry.Name ? locator.FindFolder(AsteriskPrompts.FetchedName, ["train.jsonl"]) ?? $"not here: distill data get {AsteriskPrompts.FetchedName}"
                    : entry.Name is "digits" or "toy_phrases" ? "built in" : "your own files";
                Console.Out.WriteLine($"{entry.Name,-15} {entry.Summary} [{entry.Source}] — {state}");
            }

            return ExitCode.Fine;
        }));
        return command;
    }

    private static IEnumerable<string> Tables(DataLocator locator) => locator.Folders(DebianDescriptions.FetchedName)
        .SelectMany(folder => Directory.Exists(folder) ? Directory.EnumerateFiles(folder, "en-*.tsv.gz").Order(StringComparer.Ordinal) : Enumerable.Empty<string>());

    private static Command Get()
    {
        var name = new Argument<string>("name") { Description = "Dataset: " + string.Join(", ", Fetched) };
        name.AcceptOnlyFromAmong(Fetched);
        var languages = new Option<string>("--languages") { Description = "Source and target of debian-descriptions, such as en,it", HelpName = "en,xx" };
        var command = new Command(
            "get",
            """
            Fetch a dataset into the user's cache: through this machine's package clients where they have it, else from its own
            site. The files are verified by SHA-256, the archive of tiny_imagenet by its published MD5. debian-descriptions,
            which changes with Debian, and asterisk-en come through apt, each into a folder of its own; no hashes of them are known
            here.

            Examples:
              distill data get fashion-mnist
              distill data get debian-descriptions --languages en,it
            """)
        {
            name,
            languages,
        };
        command.SetAction(parsed => Failures.Guard(parsed, () =>
        {
            using var interruption = new Interruption();
            var (wanted, pair) = (parsed.GetValue(name)!, parsed.GetValue(languages));
            if (wanted != DebianDescriptions.FetchedName && pair is not null)
            {
                throw new UsageException($"--languages is for {DebianDescriptions.FetchedName}; {wanted} has none");
            }

            Console.Out.WriteLine(wanted == AsteriskPrompts.FetchedName
                ? AsteriskPrompts.Get(DataLocator.CacheFolder, Console.Error.WriteLine, interruption.Token)
                : wanted == DebianDescriptions.FetchedName
                ? DebianDescriptions.Get((pair ?? "en,it").Split(','), DataLocator.CacheFolder, Console.Error.WriteLine, interruption.Token)
                : new DatasetFetcher(Console.Error.WriteLine).Get(wanted, interruption.Token));
            return ExitCode.Fine;
        }));
        return command;
    }

    private static Command Verify()
    {
        string[] names = [.. Fetched, SyntheticSpeech.MadeName];
        var wanted = new Argument<string>("name or recipe") { Description = $"What was fetched or made (its files are hashed): {string.Join(", ", names)}; or a recipe file (all of its data is read)" };
        var data = CommonOptions.DataFolder();
        var command = new Command(
            "verify",
            """
            Read all of a dataset: each file is hashed, or each image decoded. Recordings are compared with the hashes of their
            manifests, and what a recipe of speech leaves out is listed. Of debian-descriptions, which has no published hashes, each
            line is read. What is damaged is named; the exit code is then 1.

            Examples:
              distill data verify mnist
              distill data verify asterisk-en
              distill data verify recipe.yaml
            """)
        {
            wanted,
            data,
        };
        command.SetAction(parsed => Failures.Guard(parsed, () =>
        {
            var (name, locator) = (parsed.GetValue(wanted)!, new DataLocator(parsed.GetValue(data)));
            return DatasetFetcher.Known(name) is { } known ? VerifyFiles(known, locator)
                : name is AsteriskPrompts.FetchedName or SyntheticSpeech.MadeName ? VerifyRecordings(name, locator)
                : name == DebianDescriptions.FetchedName ? VerifyTables(locator)
                : File.Exists(name) ? VerifySamples(RecipeReader.ReadFile(name).Recipe, locator)
                : throw new UsageException($"there is no recipe file {name}, and no dataset of that name to verify; {NearestName.Hint(name, names)}");
        }));
        return command;
    }

    private static int VerifyFiles(FetchableDataset known, DataLocator locator)
    {
        var folder = locator.FetchedFolder(known.Name) ?? throw new FileNotFoundException(known.HowToBring(locator));
        var right = known.IsIn(folder);
        Console.Out.WriteLine(right
            ? $"{folder}: {(known.Archive is null ? "every file has its SHA-256" : "every file is there; the archive was hashed when it was fetched")}"
            : $"{folder}: files have other hashes than the published ones; `distill data get {known.Name}` fetches them again");
        return right ? ExitCode.Fine : ExitCode.Failed;
    }

    private static int VerifyRecordings(string name, DataLocator locator)
    {
        var folder = locator.FindFolder(name, ["train.jsonl"])
            ?? throw new FileNotFoundException($"{name} was not found in {string.Join(", ", locator.Folders(name))}; `distill data {(name == SyntheticSpeech.MadeName ? "make" : "get")} {name}` brings it");
        var faults = Directory.EnumerateFiles(folder, "*.jsonl").Order(StringComparer.Ordinal).SelectMany(path => SpeechManifest.Verify(path)).Distinct().ToList();
        foreach (var fault in faults)
        {
            Console.Out.WriteLine(fault);
        }

        Console.Out.WriteLine($"{folder}: {(faults.Count == 0 ? "every recording has the SHA-256 of its manifest" : Damaged(faults.Count))}");
        return faults.Count == 0 ? ExitCode.Fine : ExitCode.Failed;
    }

    private static int VerifyTables(DataLocator locator)
    {
        var tables = Tables(locator).ToList();
        if (tables.Count == 0)
        {
            throw new FileNotFoundException(
                $"{DebianDescriptions.FetchedName} was not found in {string.Join(", ", locator.Folders(DebianDescriptions.FetchedName))}; `distill data get {DebianDescriptions.FetchedName} --languages en,it` fetches it");
        }

        var code = ExitCode.Fine;
        foreach (var table in tables)
        {
            try
            {
                Console.Out.WriteLine($"{table}: {ParallelFiles.ReadTable(table).Count()} pairs, every line has its columns");
            }
            catch (InvalidDataException error)
            {
                Console.Out.WriteLine($"{(error.Message.Contains(table, StringComparison.Ordinal) ? "" : $"{table}: ")}{error.Message}; `distill data get {DebianDescriptions.FetchedName}` with its --languages fetches it again");
                code = ExitCode.Failed;
            }
        }

        return code;
    }

    private static string Damaged(int recordings) => $"{recordings} {(recordings == 1 ? "recording is" : "recordings are")} missing or changed; bring them back, or take them out of their manifests";

    private static string Unreadable(int images, bool skipped) =>
        $"{images} {(images == 1 ? "image" : "images")} cannot be read; {(skipped ? "a run leaves them out, since the recipe says `corrupt: skip`" : "mend or remove them, or say `corrupt: skip`")}";

    private static int VerifySamples(Recipe recipe, DataLocator locator)
    {
        var (entry, options) = (recipe.Dataset.Entry, recipe.Dataset.Options);
        Console.Error.WriteLine($"{entry.Name}: reading all of it");
        var faults = entry.Faults?.Invoke(options, locator) ?? [];
        foreach (var fault in faults)
        {
            Console.Out.WriteLine(fault);
        }

        if (faults.Count > 0)
        {
            var damaged = entry.LoadDomain is null ? Unreadable(faults.Count, recipe.Source.Get("data")!.Get("corrupt")?.Scalar == "skip") : Damaged(faults.Count);
            Console.Out.WriteLine($"{entry.Name}: {damaged}");
            return ExitCode.Failed;
        }

        if (entry.LoadDomain is null)
        {
            var pair = entry.Load(options, locator);
            Console.Out.WriteLine($"{entry.Name}: {pair.Train.Count} training and {pair.Test.Count} test samples of {pair.Train.Info.Classes.Count} classes, none damaged");
            Console.Out.WriteLine($"train {pair.Train.Sha256()}{Environment.NewLine}test  {pair.Test.Sha256()}");
        }
        else
        {
            var read = entry.LoadDomain(options, locator, new SplitRequest(recipe.Data.Validation, recipe.Data.SplitSeed, recipe.Data.TrainSamples));
            if (read is SpeechCorpus { LeftOut: { Count: > 0 } leftOut })
            {
                Console.Out.WriteLine($"{entry.Name}: {leftOut.Count} {(leftOut.Count == 1 ? "recording is" : "recordings are")} left out:");
                foreach (var line in leftOut)
                {
                    Console.Out.WriteLine(line);
                }
            }

            Console.Out.WriteLine($"{entry.Name}: read, nothing damaged");
        }

        return ExitCode.Fine;
    }

    private static Command Make()
    {
        var name = new Argument<string>("name") { Description = "Dataset: " + SyntheticSpeech.MadeName };
        name.AcceptOnlyFromAmong(SyntheticSpeech.MadeName);
        var hours = new Option<double>("--hours") { Description = "Hours of training speech", DefaultValueFactory = _ => new SyntheticSpeechOptions().Hours };
        var minutes = new Option<double>("--test-minutes") { Description = "Minutes of test speech", DefaultValueFactory = _ => new SyntheticSpeechOptions().TestMinutes };
        var seed = new Option<int>("--seed") { Description = "Seed of sentences and voices" };
        var command = new Command(
            "make",
            """
            Make a dataset on this machine. synthetic-speech is spoken by espeak-ng (fetched through apt into the cache where it is
            not installed) in many voices, rates and pitches; test voices and sentences are not trained on. Sentences are those of
            asterisk-en's training half and of debian-descriptions where these are here, new ones of their words, numbers, dates and
            times.

            Examples:
              distill data make synthetic-speech --hours 10
            """)
        {
            name,
            hours,
            minutes,
            seed,
        };
        command.SetAction(parsed => Failures.Guard(parsed, () =>
        {
            var (wanted, tested) = (parsed.GetValue(hours), parsed.GetValue(minutes));
            if (!(wanted > 0 && wanted <= 1000) || !(tested > 0 && tested <= 6000))
            {
                throw new UsageException("--hours must be above 0 and at most 1000, --test-minutes above 0 and at most 6000");
            }

            using var interruption = new Interruption();
            var options = new SyntheticSpeechOptions { Hours = wanted, TestMinutes = tested, Seed = parsed.GetValue(seed) };
            Console.Out.WriteLine(SyntheticSpeech.Make(options, DataLocator.CacheFolder, Console.Error.WriteLine, interruption.Token));
            return ExitCode.Fine;
        }));
        return command;
    }
}
