using DistillSharp.Data;
using DistillSharp.Doctor;
using DistillSharp.Recipes;
using DistillSharp.Runs;

namespace DistillSharp;

/// <summary>Examines recipes: what would make a run worthless, what costs accuracy, what it takes.</summary>
public static class RecipeDoctor
{
    /// <summary>Does every check that can be done before anything is trained. Nothing is written.</summary>
    /// <param name="recipe">A checked recipe.</param>
    /// <param name="dataFolder">Folder that is searched for datasets first.</param>
    /// <param name="availableMegabytes">Memory that the run may take; what this process may where null.</param>
    public static DoctorReport Examine(Recipe recipe, string? dataFolder = null, double? availableMegabytes = null)
    {
        TorchRuntime.Configure(recipe.Threads);
        // A run directory that is not there holds nothing.
        var nowhere = new RunDirectory(Path.Combine(Path.GetTempPath(), "distill-doctor-" + Guid.NewGuid().ToString("N")));
        var data = RunData.Load(recipe, dataFolder);
        using var subject = Case(recipe, data, nowhere, availableMegabytes: availableMegabytes);
        var report = DoctorCatalog.Examine(subject);
        return report with { Findings = [.. report.Findings, .. data.Remarks.Select(remark => new DoctorFinding(FindingSeverity.Note, "data", "data", remark, ""))] };
    }

    /// <summary>The recipe with its data and what of its networks is there.</summary>
    internal static DoctorCase Case(Recipe recipe, RunData data, RunDirectory directory, ArmPlan? only = null, double? availableMegabytes = null)
    {
        var arms = Arms.Of(recipe);
        var device = TorchRuntime.Device(recipe.Device);
        var networks = new ArmNetworks(arms, directory, data, device, recipe.Threads);
        return new DoctorCase
        {
            Recipe = recipe,
            Arms = arms,
            Only = only,
            Info = data.Info,
            HasClasses = data is ClassificationData,
            Validate = data.Validate,
            SelectionMetric = data.SelectionMetric,
            Normalisation = data.Normalisation,
            Statistics = data.Statistics,
            Device = device,
            Samples = data.Samples,
            Source = (arm, stage) => data.Source(arm, stage, arm.Seeds[0], arm.Plan.Scheme.Entry.Partner, arm.SeesFixedViews),
            Create = arm => networks.CreateToExamine(arm, arm.Seeds[0]),
            Load = (arm, validation) => networks.LoadOrCreate(arm, arm.Seeds[0], validation ? StoredSplit.Validation : null),
            IsTrained = arm => networks.IsThere(arm, arm.Seeds[0]),
            InRun = directory.Exists,
            AvailableMegabytes = availableMegabytes ?? GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 1e6,
            DataMegabytes = data.Megabytes,
        };
    }
}
