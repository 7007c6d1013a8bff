using System.Globalization;
using DistillSharp.Config;
using DistillSharp.Data;
using DistillSharp.Signals;
using static TorchSharp.torch;

namespace DistillSharp.Teachers;

/// <summary>
/// Several teachers that a combiner makes one of. Features stay apart, as <c>member.feature</c>: there is no mean of feature maps
/// of different networks.
/// </summary>
/// <param name="members">The teachers by name; disposed with this one.</param>
/// <param name="options">How their logits are combined.</param>
public sealed class EnsembleTeacher(IReadOnlyDictionary<string, Teacher> members, CombinerOptions options) : Teacher
{
    /// <inheritdoc/>
    public override IReadOnlyList<int>? CoveredClasses => members.Values.First().CoveredClasses;

    /// <inheritdoc/>
    public override IReadOnlyList<string> Features(Batch sample) => [.. members.SelectMany(member => member.Value.Features(sample).Select(name => $"{member.Key}.{name}"))];

    /// <inheritdoc/>
    public override ISignalSource Open(IEnumerable<string> features)
    {
        if (members.FirstOrDefault(member => !(member.Value.CoveredClasses ?? []).SequenceEqual(CoveredClasses ?? [])) is { Key: { } other })
        {
            throw new ArgumentException($"several teachers must have the same of the data's classes to be combined; {other} has others than {members.Keys.First()}");
        }

        var wanted = features.Distinct().Select(Split).ToLookup(feature => feature.Member, feature => feature.Point);
        var sources = new List<(string Name, ISignalSource Source)>();
        try
        {
            foreach (var (name, member) in members)
            {
                sources.Add((name, member.Open(wanted[name])));
            }
        }
        catch
        {
            sources.ForEach(opened => opened.Source.Dispose());
            throw;
        }

        return new Source(sources, options, CoveredClasses);
    }

    /// <inheritdoc/>
    public override string Fingerprint() => string.Join(",", members.Values.Select(member => member.Fingerprint()));

    /// <inheritdoc/>
    public override IReadOnlyDictionary<string, string> Describe()
    {
        var fields = new OrderedDictionary<string, string>
        {
            ["combine"] = ConfigBinder.SnakeCase(options.Combine.ToString()),
            ["temperature"] = options.Temperature.ToString("R", CultureInfo.InvariantCulture),
        };
        foreach (var (name, value) in members.SelectMany(member => member.Value.Describe().Select(field => ($"{member.Key}.{field.Key}", field.Value))))
        {
            fields[name] = value;
        }

        return fields;
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        foreach (var member in members.Values)
        {
            member.Dispose();
        }

        base.Dispose(disposing);
    }

    private (string Member, string Point) Split(string feature)
    {
        var dot = feature.IndexOf('.', StringComparison.Ordinal);
        return dot > 0 && members.ContainsKey(feature[..dot])
            ? (feature[..dot], feature[(dot + 1)..])
            : throw new ArgumentException($"a feature of several teachers is named `teacher.feature`, so `{feature}` must begin with one of {string.Join(", ", members.Keys)}");
    }

    private sealed class Source(List<(string Name, ISignalSource Source)> sources, CombinerOptions options, IReadOnlyList<int>? covered) : ISignalSource
    {
        public ModelSignals Read(Batch batch)
        {
            var read = sources.Select(member => (member.Name, Signals: member.Source.Read(batch))).ToList();
            if (read.Select(member => string.Join(", ", member.Signals.Logits.Value.shape)).Distinct().Count() > 1)
            {
                var shapes = read.Select(member => $"{member.Name} [{string.Join(", ", member.Signals.Logits.Value.shape)}]");
                throw new ArgumentException($"the logits of several teachers must have one shape to be combined: {string.Join(", ", shapes)}");
            }

            var combined = Combiner.Combine(stack(read.Select(member => member.Signals.Logits.Value), 0), Among(batch.Targets), options);
            var features = read.SelectMany(member => member.Signals.Features.Select(feature => (Name: $"{member.Name}.{feature.Key}", feature.Value)));
            return new ModelSignals(read[0].Signals.Logits with { Value = combined }, features.ToDictionary(feature => feature.Name, feature => feature.Value));
        }

        public void Dispose() => sources.ForEach(member => member.Source.Dispose());

        // Logits of some classes have their numbers among these; labels of other classes are none.
        private Tensor? Among(Tensor? targets)
        {
            if (targets is null || covered is null)
            {
                return targets;
            }

            var behind = covered[^1] + 1;
            var numbers = Enumerable.Repeat(-1L, behind + 1).ToArray();
            for (var i = 0; i < covered.Count; i++)
            {
                numbers[covered[i]] = i;
            }

            return where(targets.ge(0), tensor(numbers, device: targets.device).index_select(0, targets.clamp(0, behind).reshape(-1)).reshape(targets.shape), targets);
        }
    }
}
