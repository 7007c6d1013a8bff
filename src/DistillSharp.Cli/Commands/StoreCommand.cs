using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using DistillSharp.RunLog;
using DistillSharp.Teachers.Store;

namespace DistillSharp.Cli.Commands;

/// <summary><c>distill store</c>: what a store of teacher outputs holds, whether it is sound, and tidying it up.</summary>
internal static class StoreCommand
{
    public static Command Create()
    {
        var command = new Command(
            "store",
            """
            Look at a store of teacher outputs, check it, tidy it up.

            Examples:
              distill store info stores/teacher
              distill store verify stores/teacher
            """);
        command.Subcommands.Add(Info());
        command.Subcommands.Add(Verify());
        command.Subcommands.Add(Prune());
        return command;
    }

    private static Argument<string> Folder() => new("store") { Description = "Folder of the store" };

    private static IReadOnlyList<string> StoresIn(string folder) => File.Exists(Path.Combine(folder, StoreManifest.FileName))
        ? StoreMaintenance.StoresIn(folder)
        : throw new UsageException($"{folder} is not a store of teacher outputs: it has no {StoreManifest.FileName}");

    private static Command Info()
    {
        var (folder, json) = (Folder(), CommonOptions.Json());
        var command = new Command(
            "info",
            """
            What the store is of, field by field, and how many rows it holds.

            Example:
              distill store info stores/teacher
            """)
        {
            folder, json,
        };
        command.SetAction(parsed => Failures.Guard(parsed, () =>
        {
            foreach (var path in StoresIn(parsed.GetValue(folder)!))
            {
                using var store = TeacherStore.Open(path);
                if (parsed.GetValue(json))
                {
                    Console.Out.WriteLine(JsonSerializer.Serialize(
                        new { store = path, fields = store.Manifest.Fields, features = store.Manifest.Features, rows = store.Views.ToDictionary(view => $"{view}", store.RowsOf), bytes = store.Bytes }, RunJson.Line));
                    continue;
                }

                Print(path, store);
            }

            return ExitCode.Fine;
        }));
        return command;
    }

    private static void Print(string path, TeacherStore store)
    {
        Console.Out.WriteLine(path);
        foreach (var (name, value) in store.Manifest.Fields)
        {
            Console.Out.WriteLine($"  {name,-24} {value}");
        }

        foreach (var (name, shape) in store.Manifest.Features)
        {
            Console.Out.WriteLine($"  {"feature " + name,-24} {string.Join('×', shape)}");
        }

        foreach (var view in store.Views)
        {
            Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {"view " + view,-24} {store.RowsOf(view)} rows"));
        }

        Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {"size",-24} {store.Bytes / 1e6:0.###} MB, {(store.RowCount == 0 ? 0 : (double)store.Bytes / store.RowCount):0.#} bytes a row"));
    }

    private static Command Verify()
    {
        var folder = Folder();
        var command = new Command(
            "verify",
            """
            Read the whole store and compare every block with its checksum. Exit code 1 where something is damaged.

            Example:
              distill store verify stores/teacher
            """)
        {
            folder,
        };
        command.SetAction(parsed => Failures.Guard(parsed, () =>
        {
            var code = ExitCode.Fine;
            foreach (var path in StoresIn(parsed.GetValue(folder)!))
            {
                var report = StoreMaintenance.Verify(path);
                report.Faults.ToList().ForEach(fault => Console.Error.WriteLine("distill: " + fault));
                report.Remarks.ToList().ForEach(remark => Console.Out.WriteLine("note: " + remark));
                Console.Out.WriteLine($"{path}: {report.Rows} rows in {report.Blocks} blocks are sound{(report.Faults.Count == 0 ? "" : $"; faults: {report.Faults.Count}")}");
                code = report.Faults.Count == 0 ? code : ExitCode.Failed;
            }

            return code;
        }));
        return command;
    }

    private static Command Prune()
    {
        var folder = Folder();
        var command = new Command(
            "prune",
            """
            Write what is sound into new shards and remove the rest: damaged and unfinished blocks, rows that are there twice.
            No other process may use the store meanwhile. `distill teach` fills in what is missing then.

            Example:
              distill store prune stores/teacher
            """)
        {
            folder,
        };
        command.SetAction(parsed => Failures.Guard(parsed, () =>
        {
            foreach (var path in StoresIn(parsed.GetValue(folder)!))
            {
                var report = StoreMaintenance.Prune(path);
                foreach (var remark in report.Remarks)
                {
                    Console.Out.WriteLine("note: " + remark);
                }

                Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{path}: {report.Rows} rows kept, {Math.Max(0, report.FreedBytes)} bytes freed"));
            }

            return ExitCode.Fine;
        }));
        return command;
    }
}
