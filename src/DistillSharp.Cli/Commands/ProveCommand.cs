using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using DistillSharp.Data;
using DistillSharp.Losses.Golden;
using DistillSharp.RunLog;
using DistillSharp.Text.Metrics;
using static TorchSharp.torch;

namespace DistillSharp.Cli.Commands;

/// <summary><c>distill prove</c>: this machine's losses, gradients and metrics against reference values.</summary>
internal static class ProveCommand
{
    public static Command Create()
    {
        var folder = new Argument<string?>("folder") { Description = "Folder with *.json of losses and metrics; the vectors inside the tool by default", Arity = ArgumentArity.ZeroOrOne };
        var dtype = new Option<string>("--dtype") { Description = "float64 or float32", DefaultValueFactory = _ => "float64" };
        dtype.AcceptOnlyFromAmong("float64", "float32");
        var device = new Option<string?>("--device") { Description = "cpu or cuda; cpu by default" };
        var json = CommonOptions.Json();
        var command = new Command(
            "prove",
            """
            Compare the losses that have reference vectors and their gradients, and BLEU, chrF and TER, with values that other code computed.

            Examples:
              distill prove
              distill prove my-vectors --dtype float32
            """)
        {
            folder, dtype, device, json,
        };
        command.SetAction(parsed => Failures.Guard(parsed, () => Prove(parsed.GetValue(folder), parsed.GetValue(dtype)!, parsed.GetValue(device) ?? "cpu", parsed.GetValue(json))));
        return command;
    }

    private static int Prove(string? folder, string dtype, string device, bool json)
    {
        if (folder is not null && !Directory.Exists(folder))
        {
            throw new UsageException($"there is no folder {folder}");
        }

        TorchRuntime.Configure(1);
        var prover = new GoldenProver(LossRegistry.Default(), TextMetricProofs.Register(new MetricRegistry()))
        {
            Device = TorchRuntime.Device(device),
            Dtype = dtype == "float64" ? ScalarType.Float64 : ScalarType.Float32,
        };
        var results = prover.Prove(folder);
        var passed = results.Count(result => result.Passed);
        if (json)
        {
            Console.Out.WriteLine(JsonSerializer.Serialize(new { dtype, device, passed, failed = results.Count - passed, results }, RunJson.Line));
        }
        else
        {
            results.ToList().ForEach(Print);
            Console.Out.WriteLine($"{passed} passed, {results.Count - passed} failed");
        }

        return passed == results.Count ? ExitCode.Fine : ExitCode.Failed;
    }

    private static void Print(GoldenResult result)
    {
        var gradients = string.Join(", ", result.GradientErrors.Select(error => string.Create(CultureInfo.InvariantCulture, $"{error.Key} {error.Value:G2}")));
        var figures = result.LossError is { } error && result.GradientErrors.Count == 0
            ? string.Create(CultureInfo.InvariantCulture, $"{result.Method} {error:G2}")
            : result.LossError is { } loss ? string.Create(CultureInfo.InvariantCulture, $"loss {loss:G2}; gradients {gradients}") : "";
        Console.Out.WriteLine($"{(result.Passed ? "passed" : "FAILED")}  {result.File,-32} {figures}{(result.Message.Length > 0 ? " " + result.Message : "")}");
    }
}
