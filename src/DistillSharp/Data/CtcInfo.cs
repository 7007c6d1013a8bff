namespace DistillSharp.Data;

/// <summary>What a network of connectionist temporal classification is built for. Class 0 is blank, class i + 1 the symbol i.</summary>
/// <param name="Symbols">The symbols that targets consist of.</param>
/// <param name="Mean">Mean of each input value of a frame, over the training split.</param>
/// <param name="Deviation">Standard deviation of each.</param>
public sealed record CtcInfo(IReadOnlyList<string> Symbols, float[] Mean, float[] Deviation)
{
    /// <summary>Name of class 0 where classes have names.</summary>
    public const string Blank = "<blank>";

    /// <summary>Number of classes: the symbols and blank.</summary>
    public int Classes => Symbols.Count + 1;
}
