namespace DistillSharp.Text.Translation;

/// <summary>What files of translation models say beside what all files do.</summary>
public static class TranslationFiles
{
    /// <summary>Metadata key: hash of the subwords that a network was trained with.</summary>
    public const string VocabularySha256 = "distill.vocabulary_sha256";
}
