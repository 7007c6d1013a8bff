using System.CommandLine;
using System.Globalization;
using System.Text;
using DistillSharp.Data;
using DistillSharp.Export;
using DistillSharp.Models;
using DistillSharp.Recipes;
using static TorchSharp.torch;

namespace DistillSharp.Benchmarks;

/// <summary>How long <c>distill doctor</c> takes for ResNet-32×4 → ResNet-8×4 on drawn images of 3×32×32 in 100 classes.</summary>
internal static class DoctorSpeedCommand
{
    private const double Target = 30;
    private const int Images = 5000;
    private const int Classes = 100;

    public static Command Create()
    {
        var threads = new Option<int>("--threads") { Description = "Threads of one operation", DefaultValueFactory = _ => Environment.ProcessorCount };
        var command = new Command("doctor", "Time the doctor on ResNet-32x4 -> 8x4: a teacher that the recipe trains, and one whose weights are given; 1 where either takes more than 30 s") { threads };
        command.SetAction(parsed => Measure(parsed.GetValue(threads)));
        return command;
    }

    private static int Measure(int threads)
    {
        var folder = Directory.CreateTempSubdirectory("distill-doctor-").FullName;
        try
        {
            WriteImages(folder, "train", Images);
            WriteImages(folder, "test", 500);
            random.manual_seed(1);
            using (var teacher = ModelCatalog.Default().Find("resnet32x4")!.Create(new NamedModelOptions(), new DatasetInfo("drawn", [3, 32, 32], [.. Enumerable.Range(0, Classes).Select(label => $"{label}")])))
            {
                Provenance.WriteWeights(Path.Combine(folder, "teacher.safetensors"), teacher, new Dictionary<string, string>());
            }

            return new[] { Time(folder, "", threads), Time(folder, ", weights: teacher.safetensors", threads) }.Max() <= Target ? 0 : 1;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    // Weights that nobody trained are near chance, so that every explanation is tried: the most that it can take.
    private static double Time(string folder, string weights, int threads)
    {
        var text = $$"""
            data: {dataset: npy, train_inputs: {{folder}}/train.npy, train_labels: {{folder}}/train_labels.npy, test_inputs: {{folder}}/test.npy, test_labels: {{folder}}/test_labels.npy, augment: {shift: 4, flip: 0.5} }
            teacher: {model: resnet32x4{{weights}}}
            student: {model: resnet8x4}
            objective: {terms: [{method: soft_target, temperature: 4}]}
            training: {epochs: 240, batch_size: 64, learning_rate: 0.05}
            threads: {{threads}}
            seeds: [0]
            """;
        var before = Environment.CpuUsage.TotalTime;
        var report = RecipeDoctor.Examine(RecipeReader.Read(text, "doctor", folder).Recipe);
        Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{(weights.Length == 0 ? "teacher trained by the recipe" : "teacher's weights given")}: {report.Seconds:0.0} s (target: {Target} s), {(Environment.CpuUsage.TotalTime - before).TotalSeconds:0.0} CPU seconds"));
        foreach (var finding in report.Findings)
        {
            Console.Out.WriteLine($"  {finding.Severity.ToString().ToLowerInvariant()} {finding.Check} {finding}");
        }

        return report.Seconds;
    }

    private static void WriteImages(string folder, string name, int count)
    {
        var random = new Random(7);
        var pixels = new byte[count * 3 * 32 * 32];
        random.NextBytes(pixels);
        WriteNpy(Path.Combine(folder, name + ".npy"), $"({count}, 3, 32, 32)", pixels);
        WriteNpy(Path.Combine(folder, name + "_labels.npy"), $"({count},)", [.. Enumerable.Range(0, count).Select(i => (byte)(i % Classes))]);
    }

    private static void WriteNpy(string path, string shape, byte[] values)
    {
        var header = $"{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}";
        header = header.PadRight(128 - 10 - 1) + "\n";
        File.WriteAllBytes(path, [0x93, .. "NUMPY"u8, 1, 0, (byte)header.Length, 0, .. Encoding.ASCII.GetBytes(header), .. values]);
    }
}
