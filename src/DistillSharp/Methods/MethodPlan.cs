using DistillSharp.Config;

namespace DistillSharp.Methods;

/// <summary>One weighted term of an objective: a method, its options and where it looks.</summary>
/// <param name="Entry">The method.</param>
/// <param name="Options">Its checked options, of the entry's options type.</param>
/// <param name="Weight">Factor of the term's mean; may change in training.</param>
/// <param name="StudentFeatures">The student's feature points, in order.</param>
/// <param name="TeacherFeatures">The teacher's feature points, paired with the student's.</param>
/// <param name="Name">Name of the term in logs: the method's name, numbered where it occurs twice.</param>
public sealed record MethodPlan(
    MethodEntry Entry,
    object Options,
    ValueSchedule Weight,
    IReadOnlyList<string> StudentFeatures,
    IReadOnlyList<string> TeacherFeatures,
    string Name)
{
    /// <summary>The student's feature point that stands for its logits in a method that compares no features; null for the logits themselves.</summary>
    internal string? LogitsPoint => Entry.Traits.HasFlag(MethodTraits.UsesFeatures) || StudentFeatures.Count == 0 ? null : StudentFeatures[0];

    /// <summary>What it does with a sample that one mixed of two (mixup, CutMix) has not; null where it takes mixed samples.</summary>
    internal string? WhyNotMixed => Entry.WhyNotMixed ?? Entry.Inner(Options)?.WhyNotMixed;

    /// <summary>Whether it reads hard labels, itself or by the method inside it.</summary>
    internal bool ReadsLabels => (Entry.Traits | (Entry.Inner(Options)?.Traits ?? MethodTraits.None)).HasFlag(MethodTraits.UsesLabels);
}
