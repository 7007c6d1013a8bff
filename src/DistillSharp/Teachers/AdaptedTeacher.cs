using DistillSharp.Data;
using DistillSharp.Signals;

namespace DistillSharp.Teachers;

/// <summary>
/// A teacher from elsewhere that is given the data's batches and answers in the data's classes. Terms see its logits as if it had been
/// trained on this very data.
/// </summary>
/// <param name="inner">The teacher; disposed with this one.</param>
/// <param name="location">Where it is, for messages.</param>
/// <param name="preprocessing">What it wants its samples to be.</param>
/// <param name="map">Its outputs by the data's classes; null where they are those already.</param>
/// <param name="classes">The data's number of classes; 0 where it has none.</param>
public sealed class AdaptedTeacher(Teacher inner, string location, Preprocessing preprocessing, ClassMap? map, int classes) : Teacher
{
    /// <inheritdoc/>
    public override IReadOnlyList<int>? CoveredClasses => map is not null && map.Covered.Count < classes ? map.Covered : null;

    /// <inheritdoc/>
    public override IReadOnlyList<string> Features(Batch sample)
    {
        using var scope = TorchSharp.torch.NewDisposeScope();
        return inner.Features(preprocessing.Apply(sample));
    }

    /// <inheritdoc/>
    public override ISignalSource Open(IEnumerable<string> features) => new Source(this, inner.Open(features));

    /// <inheritdoc/>
    public override string Fingerprint() => inner.Fingerprint();

    /// <inheritdoc/>
    public override IReadOnlyDictionary<string, string> Describe()
    {
        var fields = new OrderedDictionary<string, string>(inner.Describe());
        foreach (var (name, value) in preprocessing.Describe())
        {
            fields[name] = value;
        }

        fields["class_map"] = map?.Describe() ?? "";
        return fields;
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        inner.Dispose();
        base.Dispose(disposing);
    }

    private ModelSignals Check(ModelSignals signals, Batch batch)
    {
        var logits = signals.Logits.Value;
        if (logits.dim() < 2 || logits.shape[0] != batch.Count)
        {
            throw new InvalidDataException($"{location} gives logits of shape [{string.Join(", ", logits.shape)}] for {batch.Count} samples; [{batch.Count}, classes] is expected");
        }

        if (!logits.isfinite().all().item<bool>())
        {
            using var rows = logits.isfinite().flatten(1).all(1).cpu();
            var faulty = rows.data<bool>().ToArray().Select((finite, i) => (finite, Id: batch.SampleIds[i])).Where(row => !row.finite).Select(row => row.Id).ToList();
            throw new InvalidDataException(
                $"{location} gives logits that are not finite numbers for the samples {string.Join(", ", faulty.Take(16))}{(faulty.Count > 16 ? $" and {faulty.Count - 16} more" : "")}");
        }

        var mapped = map?.Apply(logits) ?? logits;
        if (map is null && classes > 0 && logits.shape[^1] != classes)
        {
            throw new InvalidDataException($"{location} gives {logits.shape[^1]} outputs and the data has {classes} classes; name the teacher's outputs with `classes`, so that they can be matched");
        }

        return signals with { Logits = signals.Logits with { Value = mapped } };
    }

    private sealed class Source(AdaptedTeacher owner, ISignalSource opened) : ISignalSource
    {
        public ModelSignals Read(Batch batch) => owner.Check(opened.Read(owner.Prepare(batch)), batch);

        public void Dispose() => opened.Dispose();
    }

    private Batch Prepare(Batch batch) => preprocessing.Apply(batch);
}
