using DistillSharp.Export;
using DistillSharp.Recipes;

namespace DistillSharp.Doctor.Checks;

/// <summary>What a teacher's file says of itself.</summary>
internal static class TeacherFile
{
    /// <summary>The free texts of an arm's weights; empty where it has none. Teachers from elsewhere are matched by what theirs say.</summary>
    public static IReadOnlyDictionary<string, string> Metadata(ArmPlan arm)
    {
        if (arm.Weights is not { } weights)
        {
            return new Dictionary<string, string>();
        }

        using var file = new SafetensorsFile(weights);
        return file.Metadata;
    }
}
