namespace DistillSharp.Benchmarks.Speed;

/// <summary>One measured row.</summary>
/// <param name="Name">Row name.</param>
/// <param name="Ratio">Median over blocks; lower is better.</param>
/// <param name="Low">Lower end of its 95 % interval.</param>
/// <param name="High">Upper end.</param>
/// <param name="Target">What is wanted, as text.</param>
/// <param name="Met">Whether <paramref name="Ratio"/> is at most the target.</param>
internal sealed record SpeedRow(string Name, double Ratio, double Low, double High, string Target, bool Met);

/// <summary>The file that <c>speed --json</c> writes.</summary>
internal sealed record SpeedTable(
    string Name, string Command, string? Commit, string Machine, DateTimeOffset Started, double Seconds, IReadOnlyList<SpeedRow> Rows);
