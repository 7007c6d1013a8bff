using DistillSharp.Config;
using DistillSharp.Models;
using DistillSharp.Teachers;
using DistillSharp.Training;

namespace DistillSharp.Recipes;

/// <summary>
/// The networks that stand on one side of an objective's terms, whose feature points terms may name. In a chain each network is
/// in turn teacher and student, so that a point must exist in all of them.
/// </summary>
internal sealed class FeatureScope
{
    private readonly List<(string Whose, ModelSpec? Model, TeacherSourceOptions? File)> _networks = [];
    private readonly IReadOnlyDictionary<string, TeacherSection>? _members;

    private FeatureScope(IReadOnlyDictionary<string, TeacherSection>? members) => _members = members;

    /// <summary>The students of a scheme: the student itself, and the assistants before it.</summary>
    public static FeatureScope Students(SchemeSpec scheme, ModelSpec? student)
    {
        var scope = new FeatureScope(null);
        scope._networks.Add(("student", student, null));
        scope.AddAssistants(scheme);
        return scope;
    }

    /// <summary>The teachers of a scheme: the recipe's teacher or teachers and assistants, or the student's own architecture.</summary>
    public static FeatureScope Teachers(SchemeSpec scheme, ModelSpec? student, TeacherSection? teacher, TeachersSection? teachers)
    {
        if (scheme.Entry.TeachesItself)
        {
            return Students(scheme, student);
        }

        var scope = new FeatureScope(teachers?.Members);
        scope._networks.Add(("teacher", teacher?.Model, teacher?.Source));
        scope.AddAssistants(scheme);
        return scope;
    }

    /// <summary>What is wrong with a feature point; null where nothing is known to be.</summary>
    public string? Fault(string point)
    {
        if (_members is null)
        {
            return _networks.Select(network => Fault(point, network.Whose, network.Model, network.File)).FirstOrDefault(fault => fault is not null);
        }

        if (_networks.Count > 1)
        {
            return "several teachers have no features that an assistant has too; leave feature terms out, or give one `teacher`";
        }

        var dot = point.IndexOf('.', StringComparison.Ordinal);
        var name = dot < 0 ? point : point[..dot];
        return dot > 0 && _members.TryGetValue(name, out var member)
            ? Fault(point[(dot + 1)..], $"teacher {name}, a", member.Model, member.Source)
            : $"features of several teachers are named `teacher.feature`, such as {_members.Keys.FirstOrDefault() ?? "wide"}.penultimate; {NearestName.Hint(name, _members.Keys)}";
    }

    private static string? Fault(string point, string whose, ModelSpec? model, TeacherSourceOptions? file)
    {
        if (file is not null)
        {
            return file.FeatureFault(point);
        }

        if (model is null || point.Contains('.', StringComparison.Ordinal) || point.Contains(':', StringComparison.Ordinal))
        {
            return null;
        }

        var names = model.Entry.FeatureNames(model.Options);
        return names.Contains(point) ? null : $"the {whose} {model.Entry.Name} has no feature point `{point}`; {NearestName.Hint(point, names)}, or the dotted path of a module";
    }

    private void AddAssistants(SchemeSpec scheme)
    {
        if (scheme.Options is TeacherAssistantOptions options)
        {
            _networks.AddRange(options.Assistants.Select((model, i) => ($"assistant {options.NameOf(i)}, a", (ModelSpec?)model, (TeacherSourceOptions?)null)));
        }
    }
}
