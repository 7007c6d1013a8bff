namespace DistillSharp.Benchmarks.PyTorch;

/// <summary>One case of the comparison.</summary>
/// <param name="Name">Case.</param>
/// <param name="Steps">Steps of either side.</param>
/// <param name="LargestDifference">Largest difference of two losses of one step.</param>
/// <param name="OurMilliseconds">Median milliseconds of our step.</param>
/// <param name="TheirMilliseconds">Median milliseconds of theirs.</param>
/// <param name="Ratio">Median over turns of our time over theirs.</param>
/// <param name="Low">Lower end of its 95 % interval.</param>
/// <param name="High">Upper end.</param>
/// <param name="OurLosses">Total loss of each step.</param>
/// <param name="TheirLosses">Theirs.</param>
internal sealed record PyTorchRow(
    string Name, int Steps, double LargestDifference, double OurMilliseconds, double TheirMilliseconds, double Ratio, double Low, double High,
    IReadOnlyList<double> OurLosses, IReadOnlyList<double> TheirLosses);

/// <summary>The file that <c>pytorch --json</c> writes.</summary>
internal sealed record PyTorchTable(
    string Name, string Command, string? Commit, string Machine, string OurTorch, string TheirTorch, int Threads, DateTimeOffset Started, double Seconds, IReadOnlyList<PyTorchRow> Rows);
