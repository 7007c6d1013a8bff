namespace DistillSharp.Sequences;

/// <summary>What a prefix of labels is worth beside its sound, such as what a language model says of it. One is never changed: longer prefixes have their own.</summary>
public abstract class PrefixScore
{
    /// <summary>The worth of the prefix while it may go on, a natural logarithm.</summary>
    public abstract double Value { get; }

    /// <summary>The worth of the prefix as all there is.</summary>
    public abstract double Final { get; }

    /// <summary>The prefix with one more label, from 1 on.</summary>
    public abstract PrefixScore Extend(int label);
}
