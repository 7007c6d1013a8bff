using DistillSharp.Export;
using DistillSharp.Export.Onnx;
using DistillSharp.Recipes;

namespace DistillSharp.Doctor.Checks;

/// <summary>What a teacher's file says of itself.</summary>
internal static class TeacherFile
{
    /// <summary>The free texts of an arm's weights or ONNX file; empty where it has no file.</summary>
    public static IReadOnlyDictionary<string, string> Metadata(ArmPlan arm)
    {
        if (arm.Weights is { } weights)
        {
            using var file = new SafetensorsFile(weights);
            return file.Metadata;
        }

        if (arm.Onnx is { } onnx)
        {
            using var session = new OnnxSession(onnx.Onnx);
            return new Dictionary<string, string>(session.Metadata);
        }

        return new Dictionary<string, string>();
    }
}
