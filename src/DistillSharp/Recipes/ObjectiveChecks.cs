using DistillSharp.Config;
using DistillSharp.Models;
using DistillSharp.Training;

namespace DistillSharp.Recipes;

/// <summary>What an objective must keep to beside its own keys: its scheme, the names of the arms it makes, and epochs that are fair to the plain student.</summary>
internal sealed class ObjectiveChecks(ConfigNode root, ConfigErrors errors, List<string> warnings, TrainingOptions plainTraining, IEnumerable<string> taken)
{
    private readonly HashSet<string> _taken = [.. taken];

    /// <summary>Takes an arm's name; false where it is taken.</summary>
    public bool Take(string arm) => _taken.Add(arm);

    /// <summary>Reports what does not go together in an objective whose stages have been read.</summary>
    public void Check(ConfigNode node, string arm, SchemeSpec scheme, List<StagePlan> stages, ModelSpec? student, TermReader terms)
    {
        CheckScheme(node, scheme, stages, student, terms);
        CheckLinks(node, arm, scheme);
        CheckEpochs(node, arm, scheme, stages);
    }

    private void CheckScheme(ConfigNode node, SchemeSpec scheme, List<StagePlan> stages, ModelSpec? student, TermReader terms)
    {
        var hasTerms = stages.Any(stage => stage.Terms.Count > 0);
        if (scheme.Entry.NeedsTeacher && stages.Any(stage => stage.NeedsTeacher) && root.Get("teacher") is null && root.Get("teachers") is null)
        {
            errors.Add("teacher", "missing; the terms of the objective learn from a teacher", root.Line);
        }

        // Beside other objectives, one that says it has no terms is a control: hard labels alone, with training of its own.
        var control = node.Get("terms") is { Items.Count: 0 } && root.Get("objectives") is { Entries.Count: > 1 };
        if (scheme.Entry.NeedsTeacher && !control && node.Get("targets") is null && node.Get("from_layers") is null && !NamesTerms(node) && node.Get("stages") is not { Items: null } && !(node.Get("stages")?.Items ?? []).Any(NamesTerms))
        {
            errors.Add(node.PathOf("terms"), "missing; without terms nothing is learned from the teacher (a control among several objectives says `terms: []`)", node.Line);
        }

        if (scheme.Entry.TeachesItself && node.Get("targets") is null && node.Get("from_layers") is null)
        {
            CheckLearns(node, scheme);
        }

        if (!scheme.Entry.NeedsTeacher && !scheme.Entry.TeachesItself && hasTerms)
        {
            errors.Add(node.Get("terms") ?? node, $"the scheme {scheme.Entry.Name} has no teacher that terms could use");
        }

        if (scheme.Entry.OneStage && stages.Count > 1)
        {
            errors.Add(node.Get("stages")!, $"the scheme {scheme.Entry.Name} remembers what it saw and would forget it between stages; train in one, with `epochs:` of the objective");
        }

        if (scheme.Options is SelfDistillationOptions self)
        {
            if (self.Heads.Count == 0 && node.Get("scheme")!.Get("heads") is { } heads)
            {
                errors.Add(heads, "must name at least one feature point");
            }

            self.Heads.ToList().ForEach(head => terms.CheckFeature(node.Get("scheme")!.Get("heads")!, head, FeatureScope.Students(scheme, student)));
        }
    }

    // Malformed terms count: their own fault is reported where they are read.
    private static bool NamesTerms(ConfigNode node) => node.Get("terms") is { } terms && terms is not { Items.Count: 0 };

    // An objective without terms has the scheme's own; stages, and terms that are an empty list, say that there are none.
    private void CheckLearns(ConfigNode node, SchemeSpec scheme)
    {
        var silent = node.Get("stages") is { } given
            ? given.Items is { Count: > 0 } stages && !stages.Any(NamesTerms) ? given : null
            : node.Get("terms") is { Items.Count: 0 } none ? none : null;
        if (silent is not null)
        {
            errors.Add(silent, $"name no term, so that no network of {scheme.Entry.Name} learns from the one before; give {(node.Get("stages") is null ? "terms, or leave `terms` out for" : "a stage terms, such as")} soft_target at temperature 1");
        }
    }

    // The arms of a chain that come before the objective's own.
    private void CheckLinks(ConfigNode node, string arm, SchemeSpec scheme)
    {
        IEnumerable<string> links = scheme.Options switch
        {
            TeacherAssistantOptions chain => chain.Assistants.Select((_, i) => chain.NameOf(i)),
            BornAgainOptions born => Enumerable.Range(0, born.Generations).Select(number => $"{arm}_{number}").Concat(born.Ensemble ? [$"{arm}_ensemble"] : []),
            _ => [],
        };
        foreach (var link in links)
        {
            if (!Names.IsFileName(link))
            {
                errors.Add(node.Get("scheme")!.Get("names") ?? node, $"the arm name `{link}` becomes a folder: {Names.Rule}");
            }
            else if (!_taken.Add(link))
            {
                var remedy = scheme.Options is TeacherAssistantOptions ? "name the assistants with `names: […]` of the scheme" : "give the objective another name";
                errors.Add(node.Get("scheme")!, $"the arm name `{link}` is taken; {remedy}");
            }
        }
    }

    private void CheckEpochs(ConfigNode node, string arm, SchemeSpec scheme, List<StagePlan> stages)
    {
        var plain = plainTraining.Epochs;
        var total = stages.Sum(stage => stage.Training.Epochs);
        if (scheme.Options is BornAgainOptions { Generations: var generations })
        {
            warnings.Add($"{arm} trains {plain} + {generations} × {total} epochs over its generations and the plain student {plain}: the comparison is not at equal epochs");
            return;
        }

        if (node.Get("taught_by") is { Scalar: { } earlier })
        {
            warnings.Add($"{arm} trains {total} epochs after those of {earlier}, which teaches it, and the plain student {plain}: the comparison is not at equal epochs");
            return;
        }

        if (total != plain)
        {
            var hasMore = root.Get("data")?.Get("unlabelled") is not null || node.Get("targets") is { } targets && (targets.Get("left_out_sources") ?? targets.Get("source_text")) is not null;
            warnings.Add(hasMore
                ? $"{arm} trains {total} epochs of more samples than the {plain} of the plain student: see that both take about as many steps"
                : $"{arm} trains {total} epochs and the plain student {plain}: the comparison is not at equal epochs");
        }
    }
}
