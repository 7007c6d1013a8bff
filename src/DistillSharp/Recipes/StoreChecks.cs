using DistillSharp.Config;
using DistillSharp.Methods;
using DistillSharp.Teachers.Store;
using DistillSharp.Training;

namespace DistillSharp.Recipes;

/// <summary>What a recipe with stored teacher outputs must keep to.</summary>
internal sealed class StoreChecks(ConfigNode root, ConfigErrors errors, List<string> warnings)
{
    /// <summary>Reports where stores do not go with the data, or terms with the stores.</summary>
    public void Check(DataSection data, TeacherSection? teacher, TeachersSection? teachers, IReadOnlyDictionary<string, ObjectivePlan> objectives)
    {
        var stores = new List<(ConfigNode Node, StoreOptions Options, string? Member, bool IsAlone)>();
        Add(root.Get("teacher"), teacher?.Store, null, teacher?.Model is null && teacher?.Source is null);
        Add(root.Get("teachers"), teachers?.Store, null, false);
        foreach (var (name, member) in teachers?.Members ?? new Dictionary<string, TeacherSection>())
        {
            Add(root.Get("teachers")!.Get(name), member.Store, name, member.Model is null && member.Source is null);
        }

        foreach (var store in stores)
        {
            CheckViews(store.Node, store.Options, store.IsAlone, data);
            CheckTerms(store.Node, store.Options, store.Member, store.IsAlone, data, objectives);
        }

        if (stores.Select(store => store.Options.Views ?? 1).Distinct().Count() > 1)
        {
            errors.Add(stores[^1].Node, $"has {stores[^1].Options.Views ?? 1} views and another store {stores[0].Options.Views ?? 1}; students see the views of all of them, so give all the same number");
        }

        void Add(ConfigNode? node, StoreOptions? options, string? member, bool isAlone)
        {
            if (options is not null)
            {
                stores.Add((node!.Get("store")!, options, member, isAlone));
            }
        }
    }

    private void CheckViews(ConfigNode node, StoreOptions options, bool isAlone, DataSection data)
    {
        if (data.Augment.IsNone && options.Views > 1)
        {
            errors.Add(node, $"has {options.Views} views, but without data.augment every view of a sample is the same; {(node.Get("views") is null ? "give data.augment as the store was made with" : "leave views out")}");
        }
        else if (!data.Augment.IsNone && options.Views is null && node.Get("views") is null)
        {
            errors.Add(isAlone ? node.Path : node.PathOf("views"), isAlone
                ? "is a store of one view, and data.augment shows samples in random views; leave data.augment out, or give a store that was filled with views of it"
                : "missing; data.augment shows samples in random views, so say how many of them are stored, such as `views: 8`", node.Line);
        }
    }

    private void CheckTerms(ConfigNode node, StoreOptions options, string? member, bool isAlone, DataSection data, IReadOnlyDictionary<string, ObjectivePlan> objectives)
    {
        foreach (var (name, plan) in objectives.Where(entry => !entry.Value.Scheme.Entry.TeachesItself && entry.Value.TaughtBy is null))
        {
            foreach (var stage in plan.Stages.Where(stage => stage.NeedsTeacher))
            {
                if (stage.Training.Augment is { } augment && augment != data.Augment)
                {
                    errors.Add(node, $"holds views of data.augment, and {name} learns from the teacher with a training.augment of its own; leave one of the two out");
                }

                foreach (var term in stage.Terms)
                {
                    CheckTerm(node, options, member, isAlone, term);
                }
            }
        }
    }

    private void CheckTerm(ConfigNode node, StoreOptions options, string? member, bool isAlone, MethodPlan term)
    {
        if (term.Entry.Traits.HasFlag(MethodTraits.NeedsRotations))
        {
            errors.Add(node, $"holds no turned images, which {term.Entry.Name} shows the teacher; leave the store out");
        }

        if (isAlone && term.Entry.Traits.HasFlag(MethodTraits.NeedsTeacherParameters))
        {
            errors.Add(node, $"holds no parameters, which {term.Entry.Name} reads; give the teacher as `model` and `weights` too");
        }

        var prefix = member is null ? "" : member + ".";
        foreach (var point in term.TeacherFeatures.Where(point => point.StartsWith(prefix, StringComparison.Ordinal)).Select(point => point[prefix.Length..]))
        {
            if (options.Features is { } features && !features.Contains(point))
            {
                errors.Add(node, $"does not hold the feature {point}, which {term.Name} reads; it holds {(features.Count == 0 ? "logits alone" : "logits, " + string.Join(", ", features))}");
            }
        }

        if ((options.TopK ?? options.Samples) is not null && term.Options.GetType().GetProperty("Temperature")?.GetValue(term.Options) is { } given
            && !Equals(given is ValueSchedule schedule ? (schedule.Bounds is var (low, high) && low == high ? low : null) : given, options.Temperature))
        {
            warnings.Add(FormattableString.Invariant($"{term.Name} softens by another temperature than the {options.Temperature:0.###} at which the store's {(options.TopK is null ? "samples" : "top_k")} are meant: its targets are then approximate"));
        }
    }
}
