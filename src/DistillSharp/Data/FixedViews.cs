namespace DistillSharp.Data;

/// <summary>
/// A fixed number of augmented views of each sample, the same for all seeds and runs, so that what a teacher says about a view can
/// be kept (Shen and Xing, A Fast Knowledge Distillation Framework for Visual Recognition, ECCV 2022, section 3).
/// </summary>
public static class FixedViews
{
    // Any number does; it is part of what stored teacher outputs depend on and must not change.
    private const ulong Seed = 0xF18ED;

    /// <summary>The augmentation key of a view of a sample; never 0, which stands for an unchanged sample.</summary>
    public static ulong Key(int view, long sampleId) => Math.Max(1, StableRandom.Key(Seed, (ulong)view, unchecked((ulong)sampleId)));

    /// <summary>The view that a batch shows, of <paramref name="views"/>; unchanged samples are view 0. −1 where samples are of no such view, or of several.</summary>
    public static int ViewOf(Batch batch, int views)
    {
        if (Array.TrueForAll(batch.AugmentationKeys, key => key == 0))
        {
            return 0;
        }

        for (var view = 0; view < views; view++)
        {
            if (batch.AugmentationKeys[0] == Key(view, batch.SampleIds[0]))
            {
                return Enumerable.Range(1, batch.Count - 1).All(i => batch.AugmentationKeys[i] == Key(view, batch.SampleIds[i])) ? view : -1;
            }
        }

        return -1;
    }
}
