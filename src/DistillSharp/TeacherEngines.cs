using DistillSharp.Models;
using DistillSharp.Recipes;
using DistillSharp.RunLog;
using DistillSharp.Runs;
using DistillSharp.Teachers;

namespace DistillSharp;

/// <summary>
/// The engine of each arm that teaches. It is chosen when the first student needs it, for everything that any student reads of that
/// teacher, and kept in the run directory: all seeds and resumed runs obey it.
/// </summary>
internal sealed class TeacherEngines(IReadOnlyList<ArmPlan> arms, RunDirectory directory, RunData data, int threads, Action<string> note)
{
    /// <summary>True where the engine stands, or cannot be chosen.</summary>
    public bool HasChosen(ArmPlan teacher) => teacher.Engine == TeacherEngine.Torch || File.Exists(directory.EngineFile(teacher.Name));

    /// <summary>The engine of a teacher, chosen now or earlier.</summary>
    /// <param name="teacher">The arm.</param>
    /// <param name="network">Its network with the weights of one of its seeds.</param>
    public TeacherEngine Of(ArmPlan teacher, Network network)
    {
        if (teacher.Engine == TeacherEngine.Torch || (teacher.Engine == TeacherEngine.Auto && network is not INetworkGraph))
        {
            return TeacherEngine.Torch;
        }

        var file = directory.EngineFile(teacher.Name);
        if (!File.Exists(file))
        {
            var choice = Choose(teacher, network);
            RunJson.Save(file, choice);
            note($"{teacher.Name} is run by {choice.Engine.ToString().ToLowerInvariant()}: {choice.Reason}");
        }

        return RunJson.Load<EngineChoice>(file).Engine;
    }

    private EngineChoice Choose(ArmPlan teacher, Network network)
    {
        var readers = arms.Where(arm => Reads(arm, teacher)).ToList();
        var stages = readers.SelectMany(arm => arm.Plan.Stages.Where(stage => stage.NeedsTeacher).Select(stage => (Arm: arm, Stage: stage))).ToList();
        var features = stages.SelectMany(entry => entry.Stage.Terms).SelectMany(term => term.TeacherFeatures).Select(feature => OwnName(teacher, feature)).OfType<string>().Distinct().Order().ToList();
        if (stages.Count == 0)
        {
            // `distill teach` may fill a store that no student of this recipe reads.
            return new EngineChoice(teacher.Engine == TeacherEngine.Auto ? TeacherEngine.Torch : teacher.Engine, "no student reads it") { Threads = threads };
        }

        // The largest batch decides: it is where the time goes.
        var (reader, largest) = stages.MaxBy(entry => entry.Stage.Training.BatchSize);
        var passes = stages.Sum(entry => Passes(entry.Arm, entry.Stage));
        using var batch = data.Source(reader, largest, reader.Seeds[0]).Epoch(0).First();
        using var moved = batch.To(network.parameters().First().device);
        return new EngineChooser(data.Info, threads).Choose(teacher.Engine, network, features, moved, passes);
    }

    private bool Reads(ArmPlan arm, ArmPlan teacher) =>
        arm.Teacher is { } name && (name == teacher.Name || EnsembleOf(name)?.Members.Values.Contains(teacher.Name) == true);

    private EnsemblePlan? EnsembleOf(string name) => arms.First(arm => arm.Name == name).Ensemble;

    // Features of several teachers are called `member.feature`; null for another member's.
    private string? OwnName(ArmPlan teacher, string feature)
    {
        var member = arms.Select(arm => arm.Ensemble).OfType<EnsemblePlan>().SelectMany(ensemble => ensemble.Members).FirstOrDefault(entry => entry.Value == teacher.Name).Key;
        return member is null ? feature : feature.StartsWith(member + ".", StringComparison.Ordinal) ? feature[(member.Length + 1)..] : null;
    }

    private long Passes(ArmPlan arm, Training.StagePlan stage)
    {
        var source = data.Source(arm, stage, arm.Seeds[0]);
        var cached = stage.Training.CacheTeacher && !source.IsAugmented && stage.Terms.All(term => term.TeacherFeatures.Count == 0);
        return (long)source.BatchCount * (cached ? 1 : stage.Training.Epochs) * (arm.Seeds.Count + arm.Candidates.Count);
    }
}
