using DistillSharp.Config;

namespace DistillSharp.Training;

/// <summary>Options of a scheme that has none.</summary>
public sealed record NoOptions;

/// <summary>Options of <c>self_distillation</c>: auxiliary heads on intermediate layers learn from the deepest head.</summary>
public sealed record SelfDistillationOptions
{
    /// <summary>Feature points that get a head.</summary>
    [Option("feature points that get an auxiliary head, shallow to deep", Required = true)]
    public IReadOnlyList<string> Heads { get; init; } = [];

    /// <summary>Temperature of the soft targets from the deepest head.</summary>
    [Option("temperature of the deepest head's soft targets", Min = 0, AboveMin = true)]
    public ValueSchedule Temperature { get; init; } = 3;

    /// <summary>Weight α of soft targets against hard labels in each auxiliary head: (1 − α)·CE + α·KL.</summary>
    [Option("weight of soft targets against hard labels in each head", Min = 0, Max = 1)]
    public ValueSchedule SoftWeight { get; init; } = 0.3;

    /// <summary>Weight λ of the squared distance between each head's bottleneck feature and the deepest feature.</summary>
    [Option("weight of the feature hint from the deepest layer", Min = 0)]
    public ValueSchedule HintWeight { get; init; } = 0.03;

    /// <summary>True where the heads stay in the student as early exits.</summary>
    [Option("keep the heads as early exits of the exported student")]
    public bool KeepHeads { get; init; }
}

/// <summary>The one list of schemes.</summary>
public static class SchemeCatalog
{
    /// <summary>A fixed teacher teaches the student: the default.</summary>
    public static SchemeEntry Offline { get; } = new(
        "offline", "a fixed teacher teaches the student through the objective's terms",
        "Hinton, Vinyals, Dean: Distilling the Knowledge in a Neural Network, 2015", typeof(NoOptions), NeedsTeacher: true,
        (_, context) => new OfflineTask(context.Student, context.Teacher, context.Stage, context.Probe, context.Source))
    {
        TakesMixedSamples = true,
    };

    /// <summary>A network's own deepest head teaches heads on its intermediate layers.</summary>
    public static SchemeEntry SelfDistillation { get; } = new(
        "self_distillation", "heads on intermediate layers learn from the network's own deepest head; no teacher",
        "Zhang et al.: Be Your Own Teacher, ICCV 2019", typeof(SelfDistillationOptions), NeedsTeacher: false,
        (options, context) => new SelfDistillationTask(context.Student, (SelfDistillationOptions)options, context.Stage, context.Probe))
    {
        TakesMixedSamples = true,
    };

    /// <summary>Every scheme.</summary>
    public static IReadOnlyList<SchemeEntry> Entries { get; } =
    [
        Offline,
        DotScheme.Entry,
        ChainSchemes.TeacherAssistant,
        ChainSchemes.BornAgain,
        SelfDistillation,
        MutualLearningTask.Entry,
        ProgressiveSelfTask.Entry,
        LastBatchSelfTask.Entry,
        ClassWiseSelfTask.Entry,
    ];

    /// <summary>Reads <c>offline</c> or <c>{scheme: self_distillation, heads: […]}</c>; null with errors where that fails.</summary>
    public static SchemeSpec? Read(ConfigNode node, ConfigBinder binder)
    {
        var nameNode = node.Scalar is not null ? node : node.Get("scheme");
        if (nameNode?.Scalar is not { } name)
        {
            binder.Errors.Add(node, "must be a scheme's name, or a map with `scheme:` and its options");
            return null;
        }

        if (Entries.FirstOrDefault(entry => entry.Name == name) is not { } found)
        {
            binder.Errors.Add(nameNode, $"unknown scheme; {NearestName.Hint(name, Entries.Select(entry => entry.Name))}");
            return null;
        }

        var map = node.Scalar is null ? node : ConfigNode.Map(node.Path, new Dictionary<string, ConfigNode>(), node.Line);
        return new SchemeSpec(found, binder.Bind(found.OptionsType, map, "scheme"));
    }
}
