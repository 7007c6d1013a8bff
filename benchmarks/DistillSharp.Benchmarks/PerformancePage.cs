using System.Globalization;
using System.Text;
using DistillSharp.Benchmarks.Growth;
using DistillSharp.Benchmarks.PyTorch;
using DistillSharp.Benchmarks.Speed;
using DistillSharp.Benchmarks.Variants;
using DistillSharp.RunLog;

namespace DistillSharp.Benchmarks;

/// <summary>docs/performance.md: what was measured for speed, what was made of it and what was not.</summary>
internal static class PerformancePage
{
    /// <summary>Files of benchmarks/results that belong to this page alone.</summary>
    public static IReadOnlyList<string> OwnFiles { get; } = ["growth.json", "pytorch.json", "variants.json"];

    private const string Head =
        """
        # Performance

        Generated from `benchmarks/results` by `dotnet run -c Release --project benchmarks/DistillSharp.Benchmarks -- render`. One command measures everything again and
        writes this page: `… -- performance` (nothing else should run on the machine; `--python` names an interpreter with PyTorch). What each row does is told in
        [benchmarks/README.md](../benchmarks/README.md).

        ## What makes a step cheap

        - **The teacher's engine.** A teacher is most of a distillation step. `teacher.engine: auto` runs it in ONNX Runtime where that is faster and gives the same ([teachers.md](teachers.md)):
          convolutions with their batch-norm, sum and ReLU as one operation on blocked channels. Its waiting threads sleep: spinning ones take the cores from libtorch's.
        - **One native call for all parameters.** The optimizer is libtorch's fused kernel behind a scripted function, not several calls a parameter.
        - **Channels side by side.** Convolutions keep their weights and outputs in channels-last order (`training.memory_format`), which libtorch's kernels read without reordering;
          shapes, parameters and files stay as they are.
        - **Dropout from vector registers.** One draw of libtorch's generator seeds eight that run side by side; libtorch draws value by value.
        - **Logits computed once** where no augmentation changes what the teacher sees (`training.cache_teacher`).
        - **Freed memory is kept.** glibc would give large tensors back to the system in every step and take them anew, page by page.
        - **No managed copies.** Batches are written straight into tensors, and tensors are lent to ONNX Runtime; an ONNX file is written part by part.
        - **Waiting threads of libtorch sleep too** (`OMP_WAIT_POLICY=PASSIVE`), and jobs side by side have one thread each: two such processes do more than one with two threads.

        """;

    private const string Tried =
        """
        ## What was tried

        Each way beside the first of its group, in turns; the ratio is the median over rounds of its time over the first way's, so below 1 is faster.
        Kept are ONNX Runtime for teachers, channels-last students and our dropout. Not kept: folding batch-norm for teachers in torch, which changes every feature's
        name for a part of what ONNX Runtime gives; inference mode, whose tensors no later gradient may touch; and the teacher's next batch beside the student's step, which fixes how many threads either has and needs a batch ahead in memory.
        Buffers are not reused: making a batch is less than a thousandth of a ResNet's step (row `loader`).

        """;

    public static string Write(string folder)
    {
        var page = new StringBuilder(Head);
        Section<SpeedTable>(page, folder, "speed.json", Speed);
        Section<VariantTable>(page, folder, "variants.json", Variants);
        Section<GrowthTable>(page, folder, "growth.json", Growth);
        Section<PyTorchTable>(page, folder, "pytorch.json", PyTorch);
        return page.ToString();
    }

    private static void Section<T>(StringBuilder page, string folder, string name, Action<StringBuilder, T> write)
    {
        var file = Path.Combine(folder, name);
        if (File.Exists(file))
        {
            page.Append('\n');
            write(page, RunJson.Load<T>(file));
        }
    }

    private static void Speed(StringBuilder page, SpeedTable table)
    {
        page.Append("## Against the bare loop\n\nRatios of times (or of memory): below 1 is better than what a row is compared with.\n\n| row | ratio | 95 % interval | target | met |\n|---|---|---|---|---|\n");
        foreach (var row in table.Rows)
        {
            page.Append(CultureInfo.InvariantCulture, $"| {row.Name} | {row.Ratio:0.000} | {row.Low:0.000} to {row.High:0.000} | {row.Target} | {(row.Met ? "yes" : "no")} |\n");
        }

        Foot(page, table.Command, table.Started, table.Seconds, table.Machine, table.Commit);
    }

    private static void Variants(StringBuilder page, VariantTable table)
    {
        page.Append(Tried);
        foreach (var group in table.Groups)
        {
            page.Append(CultureInfo.InvariantCulture, $"\n| {group.What} | ms | ratio | 95 % interval |\n|---|---|---|---|\n");
            foreach (var way in group.Ways)
            {
                page.Append(CultureInfo.InvariantCulture, $"| {way.Name} | {way.Milliseconds:0.00} | {way.Ratio:0.000} | {way.Low:0.000} to {way.High:0.000} |\n");
            }
        }

        Foot(page, table.Command, table.Started, table.Seconds, table.Machine, table.Commit);
    }

    private static void Growth(StringBuilder page, GrowthTable table)
    {
        page.Append("## How cost grows\n\nMedians over rounds through all sizes, and the law a + b·x fitted to them by relative errors.\n");
        foreach (var row in table.Rows)
        {
            page.Append(CultureInfo.InvariantCulture, $"\n**{row.Name}**: {row.What}. {row.Fit.Text(row.Variable)}.\n\n");
            page.Append(CultureInfo.InvariantCulture, $"| {row.Variable} | {string.Join(" | ", row.Points.Select(point => point.Size.ToString("#,0", CultureInfo.InvariantCulture)))} |\n");
            page.Append(CultureInfo.InvariantCulture, $"|---|{string.Concat(row.Points.Select(_ => "---|"))}\n");
            page.Append(CultureInfo.InvariantCulture, $"| ms | {string.Join(" | ", row.Points.Select(point => (point.Seconds * 1e3).ToString("0.000", CultureInfo.InvariantCulture)))} |\n");
        }

        Foot(page, table.Command, table.Started, table.Seconds, table.Machine, table.Commit);
    }

    private static void PyTorch(StringBuilder page, PyTorchTable table)
    {
        page.Append(CultureInfo.InvariantCulture, $"## The same training in PyTorch\n\nlibtorch {table.OurTorch} here, PyTorch {table.TheirTorch} there, {table.Threads} threads each, in turns ([benchmarks/pytorch](../benchmarks/pytorch/README.md)); losses are to agree to 1e-3.\n\n");
        page.Append("| recipe | steps | largest difference of a loss | ours, ms a step | PyTorch, ms a step | ratio | 95 % interval |\n|---|---|---|---|---|---|---|\n");
        foreach (var row in table.Rows)
        {
            page.Append(CultureInfo.InvariantCulture, $"| {row.Name} | {row.Steps} | {row.LargestDifference:G2} | {row.OurMilliseconds:0.0} | {row.TheirMilliseconds:0.0} | {row.Ratio:0.000} | {row.Low:0.000} to {row.High:0.000} |\n");
        }

        Foot(page, table.Command, table.Started, table.Seconds, table.Machine, table.Commit);
    }

    private static void Foot(StringBuilder page, string command, DateTimeOffset started, double seconds, string machine, string? commit) => page.Append(
        CultureInfo.InvariantCulture,
        $"\n`{command}` · {started.UtcDateTime:yyyy-MM-dd HH:mm} UTC, {seconds:0} s · {machine}{(commit is null ? "" : $" · commit {commit}")}\n");
}
