using System.Text.Json;
using DistillSharp.Export;
using DistillSharp.Recipes;

namespace DistillSharp.Doctor.Checks;

/// <summary>The classes that a teacher's file names against those of the data: the same ones, in the same order.</summary>
internal sealed class ClassListCheck : IDoctorCheck
{
    public string Name => "class_lists";

    public CheckNeed Need => CheckNeed.Nothing;

    public IEnumerable<DoctorFinding> Examine(DoctorCase subject) => subject.TrainedTeachers.SelectMany(arm => Examine(subject, arm));

    private IEnumerable<DoctorFinding> Examine(DoctorCase subject, ArmPlan arm)
    {
        var data = subject.Info.Classes;
        if (Classes(arm) is not { Count: > 0 } teacher || teacher.SequenceEqual(data))
        {
            yield break;
        }

        var where = subject.PathOf(arm);
        if (teacher.Count == data.Count && teacher.Order(StringComparer.Ordinal).SequenceEqual(data.Order(StringComparer.Ordinal)))
        {
            var first = Enumerable.Range(0, data.Count).First(i => teacher[i] != data[i]);
            yield return new DoctorFinding(
                FindingSeverity.Fault, Name, where, $"the teacher's classes are those of the data in another order: class {first} is `{teacher[first]}` to the teacher and `{data[first]}` in the data",
                "Give the data's classes in the teacher's order; a teacher that is an ONNX file is matched by name");
            yield break;
        }

        if (teacher.Count == data.Count && (AreNumbers(teacher) || AreNumbers(data)))
        {
            yield break;
        }

        var shared = teacher.Intersect(data).Count();
        yield return new DoctorFinding(
            FindingSeverity.Fault, Name, where,
            $"the teacher has {teacher.Count} classes ({Some(teacher)}) and the data {data.Count} ({Some(data)}), of which {shared} have the same name",
            shared == 0 ? "This teacher was trained for something else: take another" : "Export the teacher as an ONNX file, whose outputs are matched with the data's classes by name (`classes`, `class_map`)");
    }

    private static List<string>? Classes(ArmPlan arm) => TeacherFile.Metadata(arm).TryGetValue(Provenance.Classes, out var text) ? JsonSerializer.Deserialize<List<string>>(text) : null;

    // Names that are numbers name nothing.
    private static bool AreNumbers(IReadOnlyList<string> names) => names.Select((name, i) => (name, i)).All(entry => entry.name == $"{entry.i}");

    private static string Some(IReadOnlyList<string> names) => string.Join(", ", names.Take(4)) + (names.Count > 4 ? " …" : "");
}
