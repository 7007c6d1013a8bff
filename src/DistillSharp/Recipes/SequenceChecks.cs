using System.Globalization;
using DistillSharp.Config;
using DistillSharp.Data;
using DistillSharp.Models;
using DistillSharp.Runs;
using DistillSharp.Speech.Corpora;
using DistillSharp.Speech.Models;
using DistillSharp.Text.Corpora;
using DistillSharp.Text.Models;
using DistillSharp.Training;
using DistillSharp.Vision.Reading;

namespace DistillSharp.Recipes;

/// <summary>What a recipe on text or speech must keep to.</summary>
internal sealed class SequenceChecks(ConfigNode root, ConfigErrors errors, List<string> warnings)
{
    private const string Augment = "augment";

    // Keys of `data` that only tables of samples and classes know.
    private static readonly string[] OfTables = [Augment, "leave_out", "mean", "standard_deviation", "normalise", "workers"];

    // Keys of `targets` that are read where the teacher writes, where the student does, and of speech.
    private static readonly string[] OfTeacher = ["beam", "length_penalty", "choose", "originals"];
    private static readonly string[] OfStudent = ["share", "temperature"];
    private static readonly string[] OfSpeech = ["max_wer", "transcribed"];

    /// <summary>Reports where what a teacher writes, its layers or its store do not go with the data, and terms with the vocabularies.</summary>
    public void Check(DatasetSpec? dataset, DataSection data, TeacherSection? teacher, ModelSpec? student, IReadOnlyDictionary<string, ObjectivePlan> objectives)
    {
        if (dataset is { Entry.LoadDomain: not null })
        {
            if (root.Get("data")!.Get("unlabelled") is { } unlabelled && !(dataset.Options is SpeechOptions && unlabelled.Scalar is "rest"))
            {
                errors.Add(unlabelled, dataset.Options is SpeechOptions
                    ? "must be `rest` for speech; other recordings without transcripts belong into a manifest without `text`, one of those in `train`"
                    : "is for samples with classes, or `rest` for speech; text without translations is `targets: {source_text: file}` of an objective");
            }

            CheckSequenceStore(teacher, objectives);
            CheckUnread(dataset);
        }

        if (dataset is { Options: SpeechOptions or WordTextOptions })
        {
            CheckSmoothing(teacher, student, objectives);
        }

        if (dataset is { Options: not SpeechOptions } && root.Get("evaluation")?.Get("language_model") is { } languageModel)
        {
            errors.Add(languageModel, $"is for speech, and {dataset.Entry.Name} is none");
        }

        foreach (var (name, plan) in objectives)
        {
            var path = root.Get("objective") is not null ? "objective" : $"objectives.{name}";
            CheckSources(path, plan, dataset, data);
            CheckUnreadTargets(NodeOf(root, name)?.Get("targets"), plan.Targets, dataset);
            if ((plan.Targets ?? (object?)plan.FromLayers) is not null && dataset is { Entry.LoadDomain: null })
            {
                errors.Add(path, $"`targets` and `from_layers` are for sequences, and {dataset.Entry.Name} has classes", root.Line);
            }

            if ((plan.Targets ?? (object?)plan.FromLayers) is not null && teacher?.Model is null)
            {
                errors.Add(path, "`targets` and `from_layers` need one `teacher` that is a network", root.Line);
            }

            if (plan.Targets is { By: TargetWriter.Student } && !plan.Stages.All(stage => stage.NeedsTeacher))
            {
                errors.Add(path, "targets that the student writes are learned through terms that ask the teacher about them, such as `terms: [{method: token_jsd}]`", root.Line);
            }

            if (plan.Targets is { By: TargetWriter.Student } && dataset is { Options: SpeechOptions })
            {
                errors.Add(path, "`targets: {by: student}` is for text: no network of speech writes while it is trained; learn what the teacher writes, `targets: {by: teacher}`", root.Line);
            }

            // Whom it names wrongly has been said.
            if (plan.TaughtBy is null && NodeOf(root, name)?.Get("taught_by") is not null)
            {
                continue;
            }

            var before = plan.TaughtBy is { } earlier ? objectives[earlier].Student ?? student : teacher?.Model;
            var (own, given) = ((plan.Student ?? student)?.Options as TransformerOptions, before?.Options as TransformerOptions);
            if (own is not null && given is not null && plan.FromLayers is { } layers && LayerStart.Fault(given, own, layers) is { } fault)
            {
                errors.Add(path, fault, root.Line);
            }

            // They compare distributions over the same tokens; what a teacher writes can be cut anew.
            if (own is not null && given is not null && own.Vocabulary != given.Vocabulary && plan.Stages.Any(stage => stage.NeedsTeacher))
            {
                errors.Add(path, "word-level terms compare the teacher's and the student's distributions over the same tokens, and their vocabularies differ; learn what the teacher writes instead: `targets: {choose: best}` without terms (sequence-level distillation)", root.Line);
            }
        }
    }

    /// <summary>The map of an objective; null where it is none.</summary>
    internal static ConfigNode? NodeOf(ConfigNode root, string objective) => root.Get("objectives")?.Get(objective) ?? root.Get("objective");

    private void CheckUnread(DatasetSpec dataset)
    {
        foreach (var key in OfTables)
        {
            if (root.Get("data")!.Get(key) is { } given)
            {
                Add(given, key);
            }
        }

        foreach (var training in Trainings())
        {
            if (training.Get(Augment) is { IsNull: false } given)
            {
                Add(given, Augment);
            }
        }

        void Add(ConfigNode given, string key)
        {
            var instead = key == Augment && dataset.Options is SpeechOptions ? "; `data.speech_augment` changes recordings" : "";
            errors.Add(given, $"is for samples with classes, and nothing of {dataset.Entry.Name} reads it; leave it out{instead}");
        }
    }

    // Every map of training keys.
    private IEnumerable<ConfigNode> Trainings()
    {
        IEnumerable<ConfigNode?> owners =
        [
            root, root.Get("teacher"), .. root.Get("teachers")?.Entries?.Values ?? [], root.Get("objective"), .. root.Get("objectives")?.Entries?.Values ?? [],
        ];
        return owners.OfType<ConfigNode>().SelectMany(owner => owner.Get("stages")?.Items?.Prepend(owner) ?? [owner]).Select(owner => owner.Get("training"))
            .Concat(root.Get("baselines")?.Get("training")?.Entries?.Values ?? []).OfType<ConfigNode>();
    }

    // The loss of CTC adds up the ways to write one text, and knows no others to give a share to. Attention's labels are tokens, which can be smoothed.
    private void CheckSmoothing(TeacherSection? teacher, ModelSpec? student, IReadOnlyDictionary<string, ObjectivePlan> objectives)
    {
        var (training, baselines) = (root.Get("training"), root.Get("baselines"));
        RefuseSmoothing(student, baselines);
        RefuseSmoothing(student, training, baselines?.Get("training")?.Get(ArmNames.Plain));
        RefuseSmoothing(teacher?.Model, root.Get("teacher")?.Get("training"));
        foreach (var (name, plan) in objectives)
        {
            var node = NodeOf(root, name);
            foreach (var stage in node?.Get("stages")?.Items ?? [])
            {
                RefuseSmoothing(plan.Student ?? student, training, node!.Get("training"), stage.Get("training"));
            }

            if (node?.Get("stages") is null)
            {
                RefuseSmoothing(plan.Student ?? student, training, node?.Get("training"));
            }
        }
    }

    // Of several maps the last that has the key counts.
    private void RefuseSmoothing(ModelSpec? model, params ConfigNode?[] maps)
    {
        if (model is { Options: not SpeechTransformerOptions }
            && maps.Select(map => map?.Get("label_smoothing")).LastOrDefault(each => each is not null) is { } given
            && double.TryParse(given.Scalar, NumberStyles.Float, CultureInfo.InvariantCulture, out var share) && share > 0)
        {
            errors.Add(given, $"does nothing: {model.Entry.Name} learns by CTC, whose loss has no smoothed labels; leave it out, or give 0");
        }
    }

    private void CheckSources(string path, ObjectivePlan plan, DatasetSpec? dataset, DataSection data)
    {
        if (plan.Targets is not { } targets || (targets.SourceText ?? (object?)targets.LeftOutSources) is null)
        {
            return;
        }

        if (dataset is { Options: not PairFilterOptions } || targets.By == TargetWriter.Student)
        {
            errors.Add(path, "`targets.source_text` and `targets.left_out_sources` are text that a teacher translates before training", root.Line);
        }

        if (targets.SourceText is { } file && !File.Exists(file))
        {
            // A run that is done needs it no more, so that its recipe can be read without.
            warnings.Add($"there is no file `{file}`, which `targets.source_text` of {path} names; a run needs it");
        }

        if (targets.LeftOutSources is not null && data.TrainSamples is null)
        {
            errors.Add(path, "`targets.left_out_sources` are of pairs that `data.train_samples` leaves out, which is not given", root.Line);
        }
    }

    private void CheckUnreadTargets(ConfigNode? node, TeacherTargetsOptions? targets, DatasetSpec? dataset)
    {
        foreach (var (key, given) in node?.Entries ?? new Dictionary<string, ConfigNode>())
        {
            var reason = given.IsNull ? null
                : targets is { By: TargetWriter.Teacher } && OfStudent.Contains(key) ? "the teacher writes these targets, and it is for `by: student`"
                : targets is { By: TargetWriter.Student } && OfTeacher.Contains(key) ? "the student writes these targets, and it is for `by: teacher`"
                : dataset is { Options: PairFilterOptions } && OfSpeech.Contains(key) ? $"it is for speech, and {dataset.Entry.Name} is text" : null;
            if (reason is not null)
            {
                errors.Add(given, $"does nothing: {reason}; leave it out");
            }
        }
    }

    // Rows of a sequence store are positions of known targets, and nothing but logits.
    private void CheckSequenceStore(TeacherSection? teacher, IReadOnlyDictionary<string, ObjectivePlan> objectives)
    {
        if ((root.Get("teacher") ?? root.Get("teachers"))?.Get("store") is not { } store)
        {
            return;
        }

        if (teacher?.Model?.Options is not TransformerOptions)
        {
            errors.Add(store, "holds logits of samples with classes, or of one `teacher` that is a transformer here, beside its store");
        }

        foreach (var key in new[] { "features", "views" })
        {
            if (store.Get(key) is { } given)
            {
                errors.Add(given, "is for samples with classes; a store of sequences holds logits, once for each position");
            }
        }

        foreach (var (name, plan) in objectives.Where(entry => entry.Value.TaughtBy is null && entry.Value.Stages.Any(stage => stage.NeedsTeacher)))
        {
            if (plan.Targets is { By: TargetWriter.Student })
            {
                errors.Add(store, $"cannot know what the student of {name} will write; leave the store out, or the objective");
            }

            if (plan.Stages.SelectMany(stage => stage.Terms).FirstOrDefault(term => term.TeacherFeatures.Count > 0) is { } term)
            {
                errors.Add(store, $"holds logits alone, and {term.Name} of {name} reads the teacher's {term.TeacherFeatures[0]}; leave the store out, or the term");
            }
        }
    }
}
