using DistillSharp.Config;
using DistillSharp.Methods;
using DistillSharp.Methods.Logits;
using DistillSharp.Models;

namespace DistillSharp.Training;

/// <summary>Options of <c>teacher_assistant</c>.</summary>
public sealed record TeacherAssistantOptions : ICheckedOptions
{
    /// <summary>The networks between teacher and student.</summary>
    [Option("networks between teacher and student, the teacher's pupil first, each a map with `model` and its keys", Required = true)]
    public IReadOnlyList<ModelSpec> Assistants { get; init; } = [];

    /// <summary>Their arm names.</summary>
    [Option("arm names of the assistants; assistant_1, assistant_2 … where the list ends")]
    public IReadOnlyList<string> Names { get; init; } = [];

    /// <summary>The arm name of an assistant, counted from 0.</summary>
    public string NameOf(int index) => index < Names.Count ? Names[index] : $"assistant_{index + 1}";

    /// <inheritdoc/>
    public void Check(ConfigNode node, ConfigErrors errors)
    {
        if (node.Get("assistants") is { } assistants && Assistants.Count == 0 && assistants.Items is { Count: 0 })
        {
            errors.Add(assistants, "must list at least one network, such as [{model: mlp, widths: [64]}]; without assistants the scheme is `offline`");
        }

        if (node.Get("names") is { } names && Names.Count > Assistants.Count && Assistants.Count > 0)
        {
            errors.Add(names, $"{Names.Count} names for {Assistants.Count} assistants");
        }
    }
}

/// <summary>Options of <c>born_again</c>.</summary>
public sealed record BornAgainOptions
{
    /// <summary>Networks that are taught by the one before.</summary>
    [Option("networks that are each taught by the one before; the plain student teaches the first", Min = 1, Max = 100)]
    public int Generations { get; init; } = 3;

    /// <summary>True where the mean of all generations is an arm.</summary>
    [Option("also measure the mean of all generations' probabilities (arm `<name>_ensemble`)")]
    public bool Ensemble { get; init; }
}

/// <summary>Schemes of several jobs, each teaching the next. Every link is an arm of its own, trained as <c>offline</c> is.</summary>
public static class ChainSchemes
{
    /// <summary>Teacher, assistants, student.</summary>
    public static SchemeEntry TeacherAssistant { get; } = new(
        "teacher_assistant", "the teacher teaches an assistant of a size between, and that one the student",
        "Mirzadeh et al.: Improved Knowledge Distillation via Teacher Assistant, AAAI 2020", typeof(TeacherAssistantOptions), NeedsTeacher: true, Link)
    {
        TakesMixedSamples = true,
    };

    /// <summary>Generations of one architecture.</summary>
    public static SchemeEntry BornAgain { get; } = new(
        "born_again", "the student teaches a new student of its own architecture, generation after generation; no teacher",
        "Furlanello et al.: Born-Again Neural Networks, ICML 2018", typeof(BornAgainOptions), NeedsTeacher: false, Link)
    {
        TeachesItself = true,
        TakesMixedSamples = true,
        DefaultTerms = [new MethodPlan(SoftTarget.Entry, new SoftTargetOptions { Temperature = 1 }, 1, [], [], SoftTarget.Entry.Name)],
    };

    private static OfflineTask Link(object options, TaskContext context) =>
        new(context.Student, context.Teacher, context.Stage, context.Probe, context.Source);
}
