using DistillSharp.Config;
using DistillSharp.Methods;
using DistillSharp.Models;
using DistillSharp.Training;

namespace DistillSharp.Recipes;

/// <summary>Keys of a term beside its method's own options.</summary>
public sealed record TermKeys
{
    /// <summary>Method.</summary>
    [Option("the method's name (`distill list methods`)", Required = true)]
    public string Method { get; init; } = "";

    /// <summary>Weight.</summary>
    [Option("factor of the term; a number or a schedule", Min = 0)]
    public ValueSchedule Weight { get; init; } = 1;

    /// <summary>Student features.</summary>
    [Option("feature points of the student, one or a list; for a method of logits the one point that stands for them, such as distillation_logits of deit")]
    public IReadOnlyList<string> Student { get; init; } = [];

    /// <summary>Teacher features.</summary>
    [Option("feature points of the teacher, paired with the student's")]
    public IReadOnlyList<string> Teacher { get; init; } = [];

    /// <summary>Name.</summary>
    [Option("name in logs; the method's name by default")]
    public string? Name { get; init; }
}

/// <summary>Reads the <c>terms:</c> of an objective or a stage.</summary>
internal sealed class TermReader(Catalogs catalogs, ConfigBinder binder, ModelSpec? student, TeacherSection? teacher, TeachersSection? teachers)
{
    private const string HardLabelsPart = "hard_labels";

    /// <summary>The terms below an objective or a stage; what is wrong with them goes to the errors.</summary>
    public List<MethodPlan> Read(ConfigNode node, SchemeSpec scheme)
    {
        var plans = new List<MethodPlan>();
        if (node.Get("terms") is { Items: null } wrong)
        {
            binder.Errors.Add(wrong, "must be a list of terms, such as `- {method: soft_target, temperature: 4, weight: 0.9}`");
        }

        foreach (var item in node.Get("terms")?.Items ?? [])
        {
            if (Term(item, scheme) is { } plan)
            {
                var count = plans.Count(other => other.Name == plan.Name || other.Name.StartsWith(plan.Name + "_", StringComparison.Ordinal));
                plans.Add(count == 0 ? plan : plan with { Name = $"{plan.Name}_{count + 1}" });
            }
        }

        return plans;
    }

    private MethodPlan? Term(ConfigNode item, SchemeSpec scheme)
    {
        var own = ConfigBinder.OptionsOf(typeof(TermKeys)).Keys.ToArray();
        if (item.Entries is null)
        {
            binder.Errors.Add(item, "must be a map such as `{method: soft_target, temperature: 4, weight: 0.9}`");
            return null;
        }

        if (item.Get("method") is not { Scalar: { } name } nameNode || catalogs.Methods.Find(name) is not { } entry)
        {
            var known = catalogs.Methods.Entries.Select(each => each.Name).ToList();
            binder.Errors.Add(
                item.PathOf("method"),
                item.Get("method") is { } given ? $"unknown method `{given.Display}`; {NearestName.Hint(given.Display, known)}" : $"missing; known: {string.Join(", ", known)}", item.Line);
            return null;
        }

        var options = binder.Bind(entry.OptionsType, item, own);
        var keys = binder.Bind<TermKeys>(item, [.. item.Entries.Keys.Where(key => !own.Contains(key))]);
        CheckFeatures(item, nameNode, entry, keys, scheme);
        if (keys.Name is { } ownName && (!Names.IsKey(ownName) || ownName == HardLabelsPart))
        {
            binder.Errors.Add(item.Get("name")!, ownName == HardLabelsPart ? "is the name of the hard-label part; choose another" : Names.KeyRule);
        }

        return new MethodPlan(entry, options, keys.Weight, keys.Student, keys.Teacher, keys.Name ?? entry.Name);
    }

    private void CheckFeatures(ConfigNode item, ConfigNode nameNode, MethodEntry entry, TermKeys keys, SchemeSpec scheme)
    {
        keys.Student.ToList().ForEach(point => CheckFeature(item.Get("student")!, point, FeatureScope.Students(scheme, student)));
        keys.Teacher.ToList().ForEach(point => CheckFeature(item.Get("teacher")!, point, FeatureScope.Teachers(scheme, student, teacher, teachers)));
        if (!scheme.Entry.TeachesItself && entry.Traits.HasFlag(MethodTraits.NeedsTeacherParameters) && (teachers is not null || teacher?.Source is not null))
        {
            var why = teachers is null ? $"{teacher!.Source!.Noun} shows none; give the teacher as `model` and `weights`" : "there are several teachers; give one `teacher`";
            binder.Errors.Add(nameNode, $"{entry.Name} reads the parameters of one network, and {why}");
        }

        if (!entry.Traits.HasFlag(MethodTraits.UsesFeatures))
        {
            CheckLogitsPoint(item, entry, keys);
            return;
        }

        if (keys.Student.Count == 0 || keys.Teacher.Count == 0)
        {
            binder.Errors.Add(nameNode, $"{entry.Name} compares features: name a feature point on each side, such as `student: layer1, teacher: layer1`");
        }
        else if (keys.Student.Count != keys.Teacher.Count)
        {
            binder.Errors.Add(item, $"{keys.Student.Count} student and {keys.Teacher.Count} teacher feature points; they are compared pair by pair");
        }
    }

    private void CheckLogitsPoint(ConfigNode item, MethodEntry entry, TermKeys keys)
    {
        if (keys.Teacher.Count > 0)
        {
            binder.Errors.Add(item.Get("teacher")!, $"{entry.Name} looks at no features of the teacher; leave `teacher` out");
        }

        if (keys.Student.Count > 1)
        {
            binder.Errors.Add(item.Get("student")!, $"{entry.Name} compares no features: name one point that stands for the student's logits, or leave `student` out");
        }
    }

    /// <summary>Reports a feature point that is not there.</summary>
    public void CheckFeature(ConfigNode node, string point, FeatureScope scope)
    {
        if (scope.Fault(point) is { } fault)
        {
            binder.Errors.Add(node, fault);
        }
    }
}
