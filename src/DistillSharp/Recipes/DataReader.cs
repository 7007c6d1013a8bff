using DistillSharp.Config;
using DistillSharp.Data;

namespace DistillSharp.Recipes;

/// <summary>Reads <c>data:</c> with its dataset and its samples without labels.</summary>
internal sealed class DataReader(ConfigNode root, Catalogs catalogs, ConfigBinder binder, List<string> warnings)
{
    public (DatasetSpec? Dataset, DataSection Section) Read()
    {
        if (root.Get("data") is not { } node)
        {
            binder.Errors.Add("data", "missing; say `data: {dataset: digits}`", root.Line);
            return (null, new DataSection());
        }

        var own = ConfigBinder.OptionsOf(typeof(DataSection)).Keys.ToArray();
        var before = binder.Errors.All.Count;
        var dataset = catalogs.Datasets.Read(node, binder, own);
        var theirs = dataset is null ? node.Entries?.Keys.ToArray() ?? [] : ConfigBinder.OptionsOf(dataset.Entry.OptionsType).Keys.Append("dataset").ToArray();
        // Keys that neither knows were reported by the first of the two.
        var unknown = binder.Errors.All.Count > before ? node.Entries?.Keys.Where(key => !own.Contains(key)) ?? [] : [];
        return (dataset, binder.Bind<DataSection>(node, [.. theirs, .. unknown]));
    }

    /// <summary>The samples without labels; null for none.</summary>
    public UnlabelledSpec? Unlabelled(DataSection data)
    {
        if (data.Unlabelled is not { } node)
        {
            return null;
        }

        if (root.Get("teacher") is null && root.Get("teachers") is null)
        {
            binder.Errors.Add(node, "are for terms that learn from a teacher, and there is none");
            return null;
        }

        warnings.Add("distilled arms see unlabelled samples besides, so that an epoch of theirs is longer than one of plain");
        if (node.Scalar is "rest")
        {
            if (data.TrainSamples is null)
            {
                binder.Errors.Add(node, "are the samples that `train_samples` leaves over, and it is not given");
            }

            return UnlabelledSpec.Rest;
        }

        if (node.Entries is null)
        {
            binder.Errors.Add(node, "must be `rest`, or a map such as `{npy: images.npy}`");
            return null;
        }

        return node.Get("dataset") is not null
            ? new UnlabelledSpec(null, catalogs.Datasets.Read(node, binder))
            : new UnlabelledSpec(binder.Bind<UnlabelledOptions>(node), null);
    }
}
