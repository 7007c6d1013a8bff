namespace DistillSharp.Benchmarks.Variants;

/// <summary>One way of doing something.</summary>
/// <param name="Name">The way.</param>
/// <param name="Milliseconds">Median.</param>
/// <param name="Ratio">Median over rounds of its time over the first way's; below 1 is faster.</param>
/// <param name="Low">Lower end of the 95 % interval.</param>
/// <param name="High">Upper end.</param>
internal sealed record VariantRow(string Name, double Milliseconds, double Ratio, double Low, double High);

/// <summary>Ways of doing one thing, the first of which the others are compared with.</summary>
internal sealed record VariantResult(string Name, string What, IReadOnlyList<VariantRow> Ways);

/// <summary>The file that <c>variants --json</c> writes.</summary>
internal sealed record VariantTable(string Name, string Command, string? Commit, string Machine, DateTimeOffset Started, double Seconds, IReadOnlyList<VariantResult> Groups);
