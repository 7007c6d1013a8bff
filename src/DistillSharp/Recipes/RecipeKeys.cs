using System.Globalization;
using System.Reflection;
using System.Text;
using DistillSharp.Config;
using DistillSharp.Training;

namespace DistillSharp.Recipes;

/// <summary>Every key of a recipe with its meaning, range and default, read off the option records themselves.</summary>
public static class RecipeKeys
{
    /// <summary>The reference part of docs/recipes.md.</summary>
    public static string ToMarkdown(Catalogs catalogs)
    {
        var text = new StringBuilder();
        Section(text, "Top level", typeof(TopSection));
        text.Append("Beside these: `data`, `teacher` or `teachers`, `student`, `objective` (one) or `objectives` (a map of arm names), `training`, `baselines`, `tuning`, `sweep`, `evaluation`, `export`, `plugins` (a list of .dll files).\n\n");
        Section(text, "data", typeof(Recipes.DataSection), "Beside these: `dataset` (its name) and the dataset's own keys, below.");
        Section(text, "data.unlabelled", typeof(Data.UnlabelledOptions), "`rest`, or one of these files, or `dataset` (a name) with the dataset's own keys.");
        Section(text, "data.augment", typeof(Data.AugmentOptions));
        Section(text, "data.augment.resized_crop", typeof(Data.Augmentation.ResizedCropOptions), "`resized_crop: {}` takes the defaults.");
        Section(text, "data.augment.colour_jitter", typeof(Data.Augmentation.ColourJitterOptions));
        Section(text, "data.augment.rand_augment", typeof(Data.Augmentation.RandAugmentOptions), "`rand_augment: {}` takes the defaults.");
        Section(text, "data.augment.random_erasing", typeof(Data.Augmentation.RandomErasingOptions), "`random_erasing: {}` takes the defaults.");
        foreach (var entry in catalogs.Datasets.Entries.Where(entry => ConfigBinder.OptionsOf(entry.OptionsType).Count > 0))
        {
            Section(text, $"data, dataset: {entry.Name}", entry.OptionsType);
        }

        Section(text, "data.speech_augment", typeof(Speech.Audio.SpeechAugmentOptions), "Of the datasets `speech_manifest` and `asterisk_en`.");
        Section(text, "teacher", typeof(TeacherKeys), "Beside these: `model` (its name), the model's own keys, and `training` (keys that differ from the top's).");
        foreach (var kind in Teachers.TeacherKinds.All)
        {
            Section(text, $"teacher, {kind.Title}", kind.OptionsType, "These keys alone: such a teacher is not trained.");
        }

        Section(text, $"teacher, {Teachers.TeacherKinds.Network.Title}", Teachers.TeacherKinds.Network.OptionsType, "Beside these: `model` (its name), and the model's own keys. `weights` with one of the others makes the teacher one of this kind.");
        Section(text, "teacher.store, teachers.store", typeof(Teachers.Store.StoreOptions), "Short for `store: {path: FOLDER}` is `store: FOLDER`. Where `teacher` has no other key, the store is the teacher, and `path` its only key.");
        Section(text, "teachers", typeof(Teachers.CombinerOptions), "Beside these: at least two names, each with the keys of `teacher`.");
        text.Append("### student\n\n`model` (its name), the model's own keys, `weights` (safetensors file to start from), and `quantise: int8` (students compute with rounded numbers while they learn, and are exported and measured as ONNX of eight-bit integers).\n\n");
        foreach (var entry in catalogs.Models.Entries.Where(entry => ConfigBinder.OptionsOf(entry.OptionsType).Count > 0))
        {
            Section(text, $"model: {entry.Name}", entry.OptionsType);
        }

        Section(text, "training", typeof(TrainingOptions), "`teacher.training`, an objective's and a stage's `training` change single keys of it.");
        Section(text, "objective, and each of its stages", typeof(ObjectiveKeys), "Beside these: `terms` (a list), `training`, and for the objective `scheme`, `stages` (a list), `targets` and `from_layers` (below), `student` (a map of `model` and the model's own keys: a network of this arm's own, in place of the recipe's `student`) and `tuning` (keys below the objective, each with the values to try).");
        Section(text, "targets of an objective", typeof(TeacherTargetsOptions), "For text and speech: what a teacher writes takes the place of the training targets. `targets: {}` takes the defaults.");
        Section(text, "from_layers of an objective", typeof(FromLayersOptions), "For text and speech: the student starts as these layers of the teacher.");
        Section(text, "term", typeof(TermKeys), "Beside these: the method's own keys.");
        foreach (var entry in catalogs.Methods.Entries.Where(entry => ConfigBinder.OptionsOf(entry.OptionsType).Count > 0))
        {
            Section(text, $"method: {entry.Name}", entry.OptionsType);
        }

        foreach (var entry in SchemeCatalog.Entries.Where(entry => ConfigBinder.OptionsOf(entry.OptionsType).Count > 0))
        {
            Section(text, $"scheme: {entry.Name}", entry.OptionsType);
        }

        Section(text, "schedule of a value", typeof(ValueSchedule), "Weights, temperatures and the like are numbers or such a map.");
        Section(text, "baselines", typeof(BaselineSection));
        Section(text, "tuning", typeof(TuningSection));
        Section(text, "sweep", typeof(SweepSection), "Read by `distill sweep` alone.");
        Section(text, "sweep.space, a range", typeof(SweepRange));
        Section(text, "evaluation", typeof(EvaluationSection));
        Section(text, "evaluation.language_model", typeof(LanguageModelSection), "`language_model: {}` takes the defaults.");
        Section(text, "export", typeof(ExportSection));
        return text.ToString();
    }

    private static void Section(StringBuilder text, string title, Type type, string? remark = null)
    {
        text.Append(CultureInfo.InvariantCulture, $"### {title}\n\n");
        if (remark is not null)
        {
            text.Append(remark).Append("\n\n");
        }

        text.Append("| key | meaning | value | default |\n|---|---|---|---|\n");
        var defaults = Activator.CreateInstance(type)!;
        foreach (var (key, property) in ConfigBinder.OptionsOf(type))
        {
            var option = property.GetCustomAttribute<OptionAttribute>()!;
            var value = ConfigBinder.Describe(property.PropertyType, option);
            text.Append(CultureInfo.InvariantCulture, $"| `{key}` | {option.Meaning} | {value} | {(option.Required ? "required" : Show(property.GetValue(defaults)))} |\n");
        }

        text.Append('\n');
    }

    private static string Show(object? value) => value switch
    {
        null => "none",
        bool flag => flag ? "true" : "false",
        Enum member => ConfigBinder.SnakeCase(member.ToString()),
        ValueSchedule schedule => schedule.From.ToString(CultureInfo.InvariantCulture),
        string { Length: 0 } => "none",
        string text => text,
        IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
        System.Collections.IEnumerable list => "[" + string.Join(", ", list.Cast<object>().Select(Show)) + "]",
        _ => "its own",
    };
}
