namespace DistillSharp.Data;

/// <summary>What a network of token sequences is built for.</summary>
/// <param name="Vocabulary">Number of tokens.</param>
/// <param name="Pad">Token that fills rows of a batch.</param>
/// <param name="Begin">Token before the first of a target.</param>
/// <param name="End">Token that ends a target.</param>
/// <param name="VocabularySha256">Hash of what the tokens stand for.</param>
public sealed record SequenceInfo(int Vocabulary, int Pad, int Begin, int End, string VocabularySha256);
