using System.Diagnostics;
using System.Globalization;
using System.Text.Json;

namespace DistillSharp.Benchmarks.PyTorch;

/// <summary><c>train.py</c> in a process of its own, one JSON line there and one back.</summary>
internal sealed class PythonProcess : IDisposable
{
    private readonly Process _process;

    public PythonProcess(string python, string folder, int threads)
    {
        var script = Path.Combine(ResultsCommands.Root(), "benchmarks", "pytorch", "train.py");
        var start = new ProcessStartInfo(python, [script, folder, threads.ToString(CultureInfo.InvariantCulture)]) { RedirectStandardInput = true, RedirectStandardOutput = true };
        start.Environment["OMP_WAIT_POLICY"] = "PASSIVE";
        start.Environment["OMP_NUM_THREADS"] = threads.ToString(CultureInfo.InvariantCulture);
        start.Environment["OPENBLAS_NUM_THREADS"] = threads.ToString(CultureInfo.InvariantCulture);
        _process = Process.Start(start) ?? throw new InvalidOperationException($"{python} cannot be started");
        Version = Answer().GetProperty("version").GetString()!;
    }

    /// <summary>PyTorch's version.</summary>
    public string Version { get; }

    public void Open(string name) => Ask(new { open = name });

    public (double[] Losses, double SecondsPerStep) Train(int steps)
    {
        var answer = Ask(new { steps });
        return ([.. answer.GetProperty("losses").EnumerateArray().Select(loss => loss.GetDouble())], answer.GetProperty("seconds_per_step").GetDouble());
    }

    public void Dispose()
    {
        _process.StandardInput.Close();
        if (!_process.WaitForExit(5000))
        {
            _process.Kill();
        }

        _process.Dispose();
    }

    private JsonElement Ask(object command)
    {
        _process.StandardInput.WriteLine(JsonSerializer.Serialize(command));
        _process.StandardInput.Flush();
        return Answer();
    }

    private JsonElement Answer() => _process.StandardOutput.ReadLine() is { } line
        ? JsonDocument.Parse(line).RootElement
        : throw new InvalidOperationException("the Python script ended; its message stands above. It needs PyTorch and numpy: `apt install python3-torch`, or name another interpreter with --python");
}
