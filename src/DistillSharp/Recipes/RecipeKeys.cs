using System.Globalization;
using System.Reflection;
using System.Text;
using DistillSharp.Config;
using DistillSharp.Training;

namespace DistillSharp.Recipes;

/// <summary>One key of a recipe.</summary>
/// <param name="Name">The key.</param>
/// <param name="Meaning">What it does.</param>
/// <param name="Value">What it may be.</param>
/// <param name="IsRequired">True where it must be given.</param>
/// <param name="Default">What it is where it is not given, as recipes write it; null for nothing.</param>
public sealed record RecipeKey(string Name, string Meaning, string Value, bool IsRequired, string? Default);

/// <summary>The keys of one map of a recipe.</summary>
/// <param name="Title">Which map.</param>
/// <param name="Remark">What else can be given there, in Markdown; null for nothing.</param>
/// <param name="Keys">Its keys in the order of declaration; none where others have them.</param>
public sealed record RecipeKeySection(string Title, string? Remark, IReadOnlyList<RecipeKey> Keys);

/// <summary>Every key of a recipe with its meaning, range and default, read off the option records themselves.</summary>
public static class RecipeKeys
{
    private const string TopLevel = "Top level";

    /// <summary>The reference part of docs/recipes.md.</summary>
    public static string ToMarkdown(Catalogs catalogs)
    {
        var text = new StringBuilder();
        foreach (var section in Sections(catalogs))
        {
            // What names the other sections stands below the table.
            var remark = section.Remark is null ? "" : section.Remark + "\n\n";
            var table = section.Keys.Count == 0 ? "" : Table(section.Keys) + "\n";
            text.Append(CultureInfo.InvariantCulture, $"### {section.Title}\n\n{(section.Title == TopLevel ? table + remark : remark + table)}");
        }

        return text.ToString();
    }

    /// <summary>The keys, map by map.</summary>
    public static IEnumerable<RecipeKeySection> Sections(Catalogs catalogs)
    {
        yield return Section(TopLevel, typeof(TopSection), "Beside these: `data`, `teacher` or `teachers`, `student`, `objective` (one) or `objectives` (a map of arm names), `training`, `baselines`, `tuning`, `sweep`, `evaluation`, `export`, `plugins` (a list of .dll files).");
        yield return Section("data", typeof(Recipes.DataSection), "Beside these: `dataset` (its name) and the dataset's own keys, below.");
        yield return Section("data.unlabelled", typeof(Data.UnlabelledOptions), "`rest`, or one of these files, or `dataset` (a name) with the dataset's own keys.");
        yield return Section("data.augment", typeof(Data.AugmentOptions));
        yield return Section("data.augment.resized_crop", typeof(Data.Augmentation.ResizedCropOptions), "`resized_crop: {}` takes the defaults.");
        yield return Section("data.augment.colour_jitter", typeof(Data.Augmentation.ColourJitterOptions));
        yield return Section("data.augment.rand_augment", typeof(Data.Augmentation.RandAugmentOptions), "`rand_augment: {}` takes the defaults.");
        yield return Section("data.augment.random_erasing", typeof(Data.Augmentation.RandomErasingOptions), "`random_erasing: {}` takes the defaults.");
        foreach (var entry in catalogs.Datasets.Entries.Where(entry => ConfigBinder.OptionsOf(entry.OptionsType).Count > 0))
        {
            yield return Section($"data, dataset: {entry.Name}", entry.OptionsType);
        }

        yield return Section("data.speech_augment", typeof(Speech.Audio.SpeechAugmentOptions), "Of the datasets `speech_manifest` and `asterisk_en`.");
        yield return Section("teacher", typeof(TeacherKeys), "Beside these: `model` (its name), the model's own keys, and `training` (keys that differ from the top's).");
        foreach (var kind in Teachers.TeacherKinds.All)
        {
            yield return Section($"teacher, {kind.Title}", kind.OptionsType, "These keys alone: such a teacher is not trained.");
        }

        yield return Section($"teacher, {Teachers.TeacherKinds.Network.Title}", Teachers.TeacherKinds.Network.OptionsType, "Beside these: `model` (its name), and the model's own keys. `weights` with one of the others makes the teacher one of this kind.");
        yield return Section("teacher.store, teachers.store", typeof(Teachers.Store.StoreOptions), "Short for `store: {path: FOLDER}` is `store: FOLDER`. Where `teacher` has no other key, the store is the teacher, and `path` its only key.");
        yield return Section("teachers", typeof(Teachers.CombinerOptions), "Beside these: at least two names, each with the keys of `teacher`.");
        yield return new RecipeKeySection("student", "`model` (its name), the model's own keys, `weights` (safetensors file to start from), and `quantise: int8` (students without a network of their own compute with rounded numbers while they learn, and are exported and measured as ONNX of eight-bit integers).", []);
        foreach (var entry in catalogs.Models.Entries.Where(entry => ConfigBinder.OptionsOf(entry.OptionsType).Count > 0))
        {
            yield return Section($"model: {entry.Name}", entry.OptionsType);
        }

        yield return Section("training", typeof(TrainingOptions), "`teacher.training`, an objective's and a stage's `training` change single keys of it.");
        yield return Section("objective, and each of its stages", typeof(ObjectiveKeys), "Beside these: `terms` (a list), `training`, and for the objective `scheme`, `stages` (a list), `targets` and `from_layers` (below), `student` (a map of `model` and the model's own keys: a network of this arm's own, in place of the recipe's `student`) and `tuning` (keys below the objective, each with the values to try).");
        yield return Section("targets of an objective", typeof(TeacherTargetsOptions), "For text and speech: what a teacher writes takes the place of the training targets. `targets: {}` takes the defaults.");
        yield return Section("from_layers of an objective", typeof(FromLayersOptions), "For text and speech: the student starts as these layers of the teacher.");
        yield return Section("term", typeof(TermKeys), "Beside these: the method's own keys.");
        foreach (var entry in catalogs.Methods.Entries.Where(entry => ConfigBinder.OptionsOf(entry.OptionsType).Count > 0))
        {
            yield return Section($"method: {entry.Name}", entry.OptionsType);
        }

        foreach (var entry in SchemeCatalog.Entries.Where(entry => ConfigBinder.OptionsOf(entry.OptionsType).Count > 0))
        {
            yield return Section($"scheme: {entry.Name}", entry.OptionsType);
        }

        yield return Section("schedule of a value", typeof(ValueSchedule), "Weights, temperatures and the like are numbers or such a map.");
        yield return Section("baselines", typeof(BaselineSection));
        yield return Section("tuning", typeof(TuningSection));
        yield return Section("sweep", typeof(SweepSection), "Read by `distill sweep` alone.");
        yield return Section("sweep.space, a range", typeof(SweepRange));
        yield return Section("evaluation", typeof(EvaluationSection));
        yield return Section("evaluation.language_model", typeof(LanguageModelSection), "`language_model: {}` takes the defaults.");
        yield return Section("export", typeof(ExportSection));
    }

    private static RecipeKeySection Section(string title, Type type, string? remark = null)
    {
        var defaults = Activator.CreateInstance(type)!;
        return new RecipeKeySection(title, remark, [.. ConfigBinder.OptionsOf(type).Select(entry => Key(entry.Key, entry.Value, defaults))]);
    }

    private static RecipeKey Key(string name, PropertyInfo property, object defaults)
    {
        var option = property.GetCustomAttribute<OptionAttribute>()!;
        return new RecipeKey(name, option.Meaning, ConfigBinder.Describe(property.PropertyType, option), option.Required, option.Required ? null : Show(property.GetValue(defaults)));
    }

    private static string Table(IReadOnlyList<RecipeKey> keys) =>
        "| key | meaning | value | default |\n|---|---|---|---|\n" + string.Concat(keys.Select(key => $"| `{key.Name}` | {key.Meaning} | {key.Value} | {(key.IsRequired ? "required" : key.Default ?? "none")} |\n"));

    private static string? Show(object? value) => value switch
    {
        null => null,
        bool flag => flag ? "true" : "false",
        Enum member => ConfigBinder.SnakeCase(member.ToString()),
        ValueSchedule schedule => schedule.From.ToString(CultureInfo.InvariantCulture),
        string { Length: 0 } => null,
        string text => text,
        IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
        System.Collections.IEnumerable list => "[" + string.Join(", ", list.Cast<object>().Select(Show)) + "]",
        _ => "its own",
    };
}
