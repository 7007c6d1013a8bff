using DistillSharp.Config;
using DistillSharp.Data;
using DistillSharp.Methods;
using DistillSharp.Models;
using DistillSharp.Speech.Corpora;
using DistillSharp.Speech.Models;
using DistillSharp.Text.Corpora;
using DistillSharp.Text.Models;
using DistillSharp.Training;
using DistillSharp.Vision.Images;
using DistillSharp.Vision.Reading;

namespace DistillSharp.Recipes;

/// <summary>Whether a recipe's networks are for its data, and its terms and its language model for the networks.</summary>
internal sealed class NetworkChecks(ConfigNode root, ConfigErrors errors, List<string> warnings)
{
    private const string Otherwise = "learn what the teacher writes instead: `targets: {choose: best}` without terms";

    /// <summary>Reports networks of text and speech that are none, networks that no sample of the data's shape fits, and what is of CTC beside networks that are not.</summary>
    public void Check(DatasetSpec? dataset, TeacherSection? teacher, TeachersSection? teachers, ModelSpec? student, IReadOnlyDictionary<string, ObjectivePlan> objectives)
    {
        if (dataset is null)
        {
            return;
        }

        CheckFits(dataset, root.Get("student"), student);
        CheckFits(dataset, root.Get("teacher"), teacher?.Model);
        foreach (var (name, member) in teachers?.Members ?? new Dictionary<string, TeacherSection>())
        {
            CheckFits(dataset, root.Get("teachers")?.Get(name), member.Model);
        }

        List<ModelSpec> teaching = [.. (teachers?.Members.Values ?? []).Select(member => member.Model).Append(teacher?.Model).OfType<ModelSpec>()];
        List<ModelSpec> all = [.. teaching, .. Listed(student)];
        foreach (var (name, plan) in objectives)
        {
            var node = SequenceChecks.NodeOf(root, name);
            CheckFits(dataset, node?.Get("student"), plan.Student);
            CheckAllFit(dataset, node?.Get("scheme")?.Get("assistants"), (plan.Scheme.Options as TeacherAssistantOptions)?.Assistants);
            CheckAllFit(dataset, node?.Get("scheme")?.Get("peers"), (plan.Scheme.Options as MutualLearningOptions)?.Peers);
            List<ModelSpec> learning = [.. Listed(plan.Student ?? student), .. (plan.Scheme.Options as TeacherAssistantOptions)?.Assistants ?? []];
            all.AddRange(learning);
            CheckMutual(dataset, node, plan, learning);
            // The student itself, or one of an earlier objective, may stand in the teacher's place.
            var others = plan.TaughtBy is { } earlier ? Listed(objectives[earlier].Student ?? student) : plan.Scheme.Entry.TeachesItself ? [] : teaching;
            CheckTerms(dataset, node, plan, [.. learning, .. others]);
        }

        CheckLanguageModel(dataset, all);
    }

    private static List<ModelSpec> Listed(ModelSpec? model) => model is null ? [] : [model];

    private void CheckFits(DatasetSpec dataset, ConfigNode? node, ModelSpec? model)
    {
        var fault = dataset.Options switch
        {
            PairFilterOptions when model is { Options: not TransformerOptions } => $"does not translate, and {dataset.Entry.Name} is text; take `transformer`",
            SpeechOptions when model is { Options: not SpeechModelOptions } => $"does not recognise speech, and {dataset.Entry.Name} is speech; take `ctc_gru`, `ctc_conformer` or `speech_transformer`",
            _ => null,
        };
        if (fault is not null && node?.Get("model") is { } given)
        {
            errors.Add(given, fault);
        }
        else if (fault is null && node is not null && !errors.All.Any(error => error.Path.StartsWith(node.Path + ".", StringComparison.Ordinal)) && InfoOf(dataset) is { } info && model?.FaultOf(info) is { } misfit)
        {
            errors.Add((misfit.Option is { } option ? node.Get(option) : null) ?? node.Get("model")!, misfit.Message);
        }
    }

    // A list with a faulty network in it has been reported, and is shorter than what it was read from.
    private void CheckAllFit(DatasetSpec dataset, ConfigNode? list, IReadOnlyList<ModelSpec>? models)
    {
        if (list?.Items is { } nodes && models is not null && nodes.Count == models.Count)
        {
            nodes.Zip(models).ToList().ForEach(pair => CheckFits(dataset, pair.First, pair.Second));
        }
    }

    // Of image files the shape is known and the classes are not.
    private static DatasetInfo? InfoOf(DatasetSpec dataset)
    {
        var shape = dataset.Options switch
        {
            ImageOptions images => images.Shape,
            TinyImageNetOptions => TinyImageNet.Shape,
            _ => null,
        };
        return shape is null ? dataset.Entry.Describe(dataset.Options) : new DatasetInfo(dataset.Entry.Name, [shape.Channels, shape.Size, shape.Size], []);
    }

    private void CheckTerms(DatasetSpec dataset, ConfigNode? node, ObjectivePlan plan, List<ModelSpec> networks)
    {
        if (node is null)
        {
            return;
        }

        List<MethodEntry> entries = [.. plan.Stages.SelectMany(stage => stage.Terms).Select(term => term.Entry)];
        foreach (var given in (node.Get("stages")?.Items ?? [node]).SelectMany(stage => stage.Get("terms")?.Items ?? []).Select(term => term.Get("method")).OfType<ConfigNode>())
        {
            if (entries.FirstOrDefault(entry => entry.Name == given.Scalar) is { } entry && FaultOf(entry, dataset, networks) is { } fault)
            {
                errors.Add(given, fault);
            }
        }
    }

    // Peers are compared by label and by position; networks of CTC have frames, whose number is each one's own.
    private void CheckMutual(DatasetSpec dataset, ConfigNode? node, ObjectivePlan plan, List<ModelSpec> learning)
    {
        if (plan.Scheme.Options is MutualLearningOptions options && node?.Get("scheme") is { } given && learning.Concat(options.Peers).FirstOrDefault(network => LearnsByCtc(dataset, network)) is { } framing)
        {
            errors.Add(given, $"the networks of {plan.Scheme.Entry.Name} learn a label at each position, and what {framing.Entry.Name} gives are frames of CTC; offline, dot, teacher_assistant and born_again fit, with terms such as ctc_frame");
        }
    }

    private static string? FaultOf(MethodEntry entry, DatasetSpec dataset, List<ModelSpec> networks)
    {
        var (framing, writing) = (networks.Find(network => LearnsByCtc(dataset, network)), networks.Find(network => !LearnsByCtc(dataset, network)));
        if (entry.Traits.HasFlag(MethodTraits.Ctc) && !HasCtc(dataset))
        {
            return $"compares frames of CTC, whose class 0 is blank, and nothing learns {dataset.Entry.Name} by CTC; take {(dataset.Entry.LoadDomain is null ? "soft_target" : "token_soft_target")}";
        }

        return entry.Traits.HasFlag(MethodTraits.Ctc) && writing is not null
            ? $"compares frames of CTC, whose class 0 is blank, and {writing.Entry.Name} writes symbol by symbol; {(framing is null ? "take token_soft_target" : Otherwise)}"
            : entry.Traits.HasFlag(MethodTraits.Tokens) && framing is not null
            ? $"compares token by token, and what {framing.Entry.Name} gives are frames of CTC; {(writing is null ? "take ctc_frame, which compares all frames by default" : Otherwise)}"
            : null;
    }

    private void CheckLanguageModel(DatasetSpec dataset, List<ModelSpec> networks)
    {
        List<string> writing = [.. networks.Where(network => !LearnsByCtc(dataset, network)).Select(network => network.Entry.Name).Distinct()];
        if (dataset.Options is not SpeechOptions || writing.Count == 0 || root.Get("evaluation")?.Get("language_model") is not { IsNull: false } given)
        {
            return;
        }

        var names = string.Join(", ", writing);
        if (networks.Exists(network => LearnsByCtc(dataset, network)))
        {
            warnings.Add($"evaluation.language_model is for networks of CTC: {names} is measured without it");
        }
        else
        {
            errors.Add(given, $"does nothing: it is added to the beam search over frames of CTC, and {names} writes symbol by symbol; leave it out");
        }
    }

    private static bool HasCtc(DatasetSpec dataset) => dataset.Options is SpeechOptions or WordTextOptions;

    private static bool LearnsByCtc(DatasetSpec dataset, ModelSpec model) => HasCtc(dataset) && model.Options is not SpeechTransformerOptions;
}
