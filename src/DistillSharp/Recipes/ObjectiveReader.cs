using DistillSharp.Config;
using DistillSharp.Methods;
using DistillSharp.Models;
using DistillSharp.Runs;
using DistillSharp.Training;

namespace DistillSharp.Recipes;

/// <summary>Keys of an objective, and of a stage, that are plain values.</summary>
public sealed record ObjectiveKeys
{
    /// <summary>Arm name.</summary>
    [Option("name of the arm; the first term's method or the scheme by default")]
    public string? Name { get; init; }

    /// <summary>Weight of the hard labels.</summary>
    [Option("weight of the cross-entropy with the hard labels; a number or a schedule", Min = 0)]
    public ValueSchedule HardLabels { get; init; } = 1;

    /// <summary>Epochs.</summary>
    [Option("epochs of this stage or objective; short for training.epochs", Min = 1)]
    public int? Epochs { get; init; }

    /// <summary>Where training ends.</summary>
    [Option("train the student only up to this feature point, as a hint stage does")]
    public string? TrainUpTo { get; init; }

    /// <summary>Who takes the teacher's place.</summary>
    [Option("an earlier objective whose student takes the teacher's place for this one: its outputs are the targets, its layers those of from_layers, its signals what the terms read")]
    public string? TaughtBy { get; init; }
}

/// <summary>Reads <c>objective:</c> or <c>objectives:</c> with their terms and stages.</summary>
internal sealed class ObjectiveReader(
    ConfigNode root, Catalogs catalogs, ConfigBinder binder, List<string> warnings, ModelSpec? student, TeacherSection? teacher, TeachersSection? teachers, TrainingOptions plainTraining)
{
    private static readonly string[] Structural = ["terms", "stages", "scheme", "training", "tuning", "targets", "from_layers", "student"];

    private TermReader _terms = new(catalogs, binder, student, teacher, teachers);
    private ModelSpec? _student;
    private readonly Dictionary<string, IReadOnlyList<TuningCandidate>> _tuning = [];
    private readonly ObjectiveChecks _checks = new(root, binder.Errors, warnings, plainTraining, [.. ArmNames.Known, .. teachers?.Members.Keys.Select(ArmNames.MemberOf) ?? []]);

    /// <summary>What objectives with a <c>tuning:</c> of their own try, by arm name; complete after <see cref="Read"/>.</summary>
    public IReadOnlyDictionary<string, IReadOnlyList<TuningCandidate>> Tuning => _tuning;

    public IReadOnlyDictionary<string, ObjectivePlan> Read()
    {
        var plans = new OrderedDictionary<string, ObjectivePlan>();
        if (root.Get("objective") is { } single)
        {
            Add(plans, single, null);
        }

        if (root.Get("objectives") is { Entries: null } wrong)
        {
            binder.Errors.Add(wrong, "must be a map of arm names, each with the keys of an objective");
        }

        foreach (var (name, node) in root.Get("objectives")?.Entries ?? new Dictionary<string, ConfigNode>())
        {
            Add(plans, node, name);
        }

        if (root.Get("objective") is null && root.Get("objectives") is null or { Entries.Count: 0 })
        {
            binder.Errors.Add("objective", "missing; say what the student learns from, such as `objective: {hard_labels: 0.1, terms: [{method: soft_target, temperature: 4, weight: 0.9}]}`", root.Line);
        }

        return plans;
    }

    private void Add(OrderedDictionary<string, ObjectivePlan> plans, ConfigNode node, string? name)
    {
        if (node.Entries is null)
        {
            binder.Errors.Add(node, "must be a map with `terms:`, `stages:` or `scheme:`");
            return;
        }

        var keys = binder.Bind<ObjectiveKeys>(node, Structural);
        var scheme = node.Get("scheme") is { } schemeNode ? SchemeCatalog.Read(schemeNode, binder) : new SchemeSpec(SchemeCatalog.Offline, new NoOptions());
        if (scheme is null)
        {
            return;
        }

        var own = node.Get("student") is { } studentNode ? catalogs.Models.Read(studentNode, binder, "quantise") : null;
        _student = own ?? student;
        var earlier = keys.TaughtBy is { } teaching ? Earlier(plans, node, teaching, scheme) : null;
        var taughtBy = earlier is null ? null : keys.TaughtBy;
        _terms = earlier is null
            ? new TermReader(catalogs, binder, _student, teacher, teachers)
            : new TermReader(catalogs, binder, _student, teacher! with { Model = earlier.Student ?? student, Source = null, Store = null }, null);
        var stages = Stages(node, keys, scheme);
        var arm = name ?? keys.Name ?? (scheme.Entry.Name == SchemeCatalog.Offline.Name ? stages.SelectMany(stage => stage.Terms).FirstOrDefault()?.Entry.Name ?? "objective" : scheme.Entry.Name);
        if (name is not null && keys.Name is { } other && other != name)
        {
            binder.Errors.Add(node.Get("name")!, $"does nothing here: an arm of `objectives` is called by its key, {name}; leave it out, or change the key");
        }

        if (!Names.IsFileName(arm))
        {
            binder.Errors.Add(name is null ? node.PathOf("name") : node.Path, $"the arm name `{arm}` becomes a folder: {Names.Rule}", node.Line);
        }
        else if (!_checks.Take(arm) || !plans.TryAdd(arm, Whole(node, own, taughtBy, new ObjectivePlan(scheme, stages))))
        {
            binder.Errors.Add(node.PathOf("name"), $"the arm name `{arm}` is taken; choose another (reserved: {string.Join(", ", ArmNames.Known)})", node.Line);
        }

        if (earlier is not null && (node.Get("targets") ?? node.Get("from_layers")) is null && !stages.Any(stage => stage.NeedsTeacher))
        {
            binder.Errors.Add(node.Get("taught_by")!, "does nothing without `terms` that read a teacher, `targets` or `from_layers`");
        }

        if (node.Get("tuning")?.Get("taught_by") is { } tried)
        {
            binder.Errors.Add(tried, "cannot be tried; make an objective of each");
        }

        _checks.Check(node, arm, scheme, stages, _student, _terms);
        if (node.Get("tuning") is { } tuning)
        {
            _tuning[arm] = Candidates(node, tuning, scheme, taughtBy);
        }
    }

    // The plan of the objective that teaches this one; null, and a fault, where there is none or it cannot.
    private ObjectivePlan? Earlier(OrderedDictionary<string, ObjectivePlan> plans, ConfigNode node, string other, SchemeSpec scheme)
    {
        var given = node.Get("taught_by")!;
        if (scheme.Entry.Name != SchemeCatalog.Offline.Name)
        {
            binder.Errors.Add(given, $"is for objectives without a scheme; {scheme.Entry.Name} says itself who teaches");
            return null;
        }

        if (teacher is null)
        {
            binder.Errors.Add(given, "takes the place of one `teacher`, which the recipe lacks");
            return null;
        }

        if (plans.TryGetValue(other, out var earlier))
        {
            return earlier;
        }

        binder.Errors.Add(given, $"is no objective before this one; {(plans.Count == 0 ? "there is none" : NearestName.Hint(other, plans.Keys))}");
        return null;
    }

    private List<TuningCandidate> Candidates(ConfigNode node, ConfigNode tuning, SchemeSpec scheme, string? taughtBy)
    {
        if (tuning.Entries is not { Count: > 0 })
        {
            binder.Errors.Add(tuning, "must be a map of keys below the objective, each with the values to try, such as `{terms.0.temperature: [1, 2, 4]}`");
            return [];
        }

        var candidates = new List<TuningCandidate>();
        foreach (var (settings, objective) in Recipes.Tuning.Combinations(node, tuning, binder.Errors))
        {
            var tried = objective.Get("scheme") is { } schemeNode ? SchemeCatalog.Read(schemeNode, binder) ?? scheme : scheme;
            candidates.Add(new TuningCandidate(settings, Whole(node, null, taughtBy, new ObjectivePlan(tried, Stages(objective, binder.Bind<ObjectiveKeys>(objective, Structural), tried)))));
        }

        return candidates;
    }

    private ObjectivePlan Whole(ConfigNode node, ModelSpec? own, string? taughtBy, ObjectivePlan plan) => plan with
    {
        Targets = node.Get("targets") is { } targets ? binder.Bind<TeacherTargetsOptions>(targets) : null,
        FromLayers = node.Get("from_layers") is { } layers ? binder.Bind<FromLayersOptions>(layers) : null,
        TaughtBy = taughtBy,
        Student = own,
        QuantisesStudent = node.Get("student")?.Get("quantise") is not null,
    };

    private List<StagePlan> Stages(ConfigNode node, ObjectiveKeys keys, SchemeSpec scheme)
    {
        if (node.Get("stages") is not { } list)
        {
            var only = Stage(node, null, keys, scheme, "main");
            return [node.Get("terms") is null ? only with { Terms = scheme.Entry.DefaultTerms } : only];
        }

        string?[] misplaced = ["terms", "hard_labels", keys.Epochs is null ? null : "epochs", keys.TrainUpTo is null ? null : "train_up_to"];
        foreach (var key in misplaced.OfType<string>())
        {
            if (node.Get(key) is { } given)
            {
                binder.Errors.Add(given, $"give {key} within the stages, where there are stages");
            }
        }

        var stages = new List<StagePlan>();
        foreach (var item in list.Items ?? [])
        {
            var own = binder.Bind<ObjectiveKeys>(item, "terms", "training");
            if (item.Get("taught_by") is { } ofStage)
            {
                binder.Errors.Add(ofStage, "is of the whole objective; give it beside `stages`");
            }

            var stage = Stage(item, node, own, scheme, own.Name ?? $"stage{stages.Count + 1}");
            if (!Names.IsKey(stage.Name))
            {
                binder.Errors.Add(item.Get("name")!, Names.KeyRule);
            }

            if (stages.Any(other => other.Name == stage.Name))
            {
                binder.Errors.Add(item.PathOf("name"), $"two stages are called `{stage.Name}`", item.Line);
            }

            stages.Add(stage);
        }

        if (stages.Count == 0)
        {
            binder.Errors.Add(list, "must be a list of stages");
            stages.Add(Stage(node, null, keys, scheme, "main"));
        }

        return stages;
    }

    private StagePlan Stage(ConfigNode node, ConfigNode? objective, ObjectiveKeys keys, SchemeSpec scheme, string name)
    {
        var merged = NodeMerge.Merge(node.PathOf("training"), [root.Get("training"), objective?.Get("training"), node.Get("training")]);
        if (merged.Entries is not null && keys.Epochs is not null)
        {
            var epochs = new Dictionary<string, ConfigNode> { ["epochs"] = node.Get("epochs")! };
            merged = NodeMerge.Merge(merged.Path, [merged, ConfigNode.Map(merged.Path, epochs, merged.Line)]);
        }

        var training = binder.Bind<TrainingOptions>(merged);
        var terms = _terms.Read(node, scheme);
        if (keys.TrainUpTo is { } point)
        {
            if (!scheme.Entry.NeedsTeacher && !scheme.Entry.TeachesItself)
            {
                binder.Errors.Add(node.Get("train_up_to")!, $"the scheme {scheme.Entry.Name} trains the whole student; leave it out");
            }

            _terms.CheckFeature(node.Get("train_up_to")!, point, FeatureScope.Students(scheme, _student));
        }

        foreach (var term in terms.Where(term => term.Entry.Traits.HasFlag(MethodTraits.CouplesSamples)))
        {
            if (training.Accumulate > 1 || training.BatchSize == 1)
            {
                binder.Errors.Add(node.PathOf("training"), $"{term.Entry.Name} compares the samples of a batch with each other, so accumulate must be 1 and batch_size above 1", node.Line);
            }
        }

        foreach (var fault in scheme.Entry.Refuses(scheme.Options, training))
        {
            binder.Errors.Add(merged.Get(fault.Key)?.Path ?? merged.PathOf(fault.Key), fault.Message, merged.Get(fault.Key)?.Line ?? node.Line);
        }

        return new StagePlan(name, keys.HardLabels, terms, keys.TrainUpTo, training);
    }
}
