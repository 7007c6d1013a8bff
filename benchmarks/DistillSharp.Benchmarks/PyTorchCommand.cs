using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using DistillSharp.Benchmarks.PyTorch;
using DistillSharp.Data;
using DistillSharp.RunLog;
using TorchSharp;

namespace DistillSharp.Benchmarks;

/// <summary><c>pytorch</c>: the same training here and in PyTorch, from the same weights on the same batches.</summary>
internal static class PyTorchCommand
{
    private const double Agreement = 1e-3;
    private const string Invocation = "dotnet run -c Release --project benchmarks/DistillSharp.Benchmarks -- pytorch";

    public static Command Create()
    {
        var python = new Option<string>("--python") { Description = "Python interpreter with PyTorch and numpy", DefaultValueFactory = _ => "/usr/bin/python3" };
        var folder = new Option<string?>("--folder") { Description = "Keep the prepared weights and batches in this folder" };
        var json = new Option<string?>("--json") { Description = "Write losses and times to this file" };
        var threads = new Option<int>("--threads") { Description = "Threads of one operation", DefaultValueFactory = _ => Environment.ProcessorCount };
        var command = new Command("pytorch", "Compare 50 steps of four recipes with a PyTorch script: losses and time of a step") { python, folder, json, threads };
        command.SetAction(parsed => Run(parsed.GetValue(python)!, parsed.GetValue(folder), parsed.GetValue(json), parsed.GetValue(threads)));
        return command;
    }

    private static int Run(string interpreter, string? folder, string? json, int threads)
    {
        TorchRuntime.Configure(threads);
        var started = DateTimeOffset.UtcNow;
        var watch = Stopwatch.StartNew();
        var files = folder ?? Directory.CreateTempSubdirectory("distill-pytorch-").FullName;
        var rows = new List<PyTorchRow>();
        try
        {
            PyTorchCase.Prepare(files);
            using var python = new PythonProcess(interpreter, files, threads);
            Console.WriteLine($"{"case",-12} {"steps",5} {"largest difference",18} {"ours",10} {"PyTorch",10} {"ratio",7}");
            foreach (var name in PyTorchCase.All.Keys)
            {
                var row = new PyTorchCase(name, files, python).Run();
                rows.Add(row);
                Console.WriteLine(string.Create(
                    CultureInfo.InvariantCulture,
                    $"{row.Name,-12} {row.Steps,5} {row.LargestDifference,18:G3} {row.OurMilliseconds,7:0.0} ms {row.TheirMilliseconds,7:0.0} ms {row.Ratio,7:0.000}"));
            }

            if (json is not null)
            {
                var environment = EnvironmentInfo.Capture(threads);
                var command = string.Create(CultureInfo.InvariantCulture, $"{Invocation} --threads {threads}");
                RunJson.Save(json, new PyTorchTable(
                    "pytorch", command, environment.Commit, environment.Machine, torch.__version__, python.Version, threads, started, watch.Elapsed.TotalSeconds, rows));
            }
        }
        finally
        {
            if (folder is null)
            {
                Directory.Delete(files, recursive: true);
            }
        }

        return rows.All(row => row.LargestDifference <= Agreement) ? 0 : 1;
    }
}
