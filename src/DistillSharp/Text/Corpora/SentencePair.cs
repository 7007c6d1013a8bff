namespace DistillSharp.Text.Corpora;

/// <summary>A sentence and its translation.</summary>
/// <param name="Source">What is translated.</param>
/// <param name="Target">Its translation by a person.</param>
/// <param name="Group">What it belongs to (a document, a source package): pairs of one group are never in two splits.</param>
public readonly record struct SentencePair(string Source, string Target, string Group);
