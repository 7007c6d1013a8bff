namespace DistillSharp.Losses.Golden;

/// <summary>A vector file that cannot be used: malformed, incomplete, of unknown options or of shapes that do not fit.</summary>
public sealed class GoldenFormatException(string message, Exception? inner = null) : Exception(message, inner);
