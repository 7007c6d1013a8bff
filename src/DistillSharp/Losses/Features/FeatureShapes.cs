namespace DistillSharp.Losses.Features;

/// <summary>
/// Checks of feature shapes with messages that name what does not fit, made before torch sees them: some of its shape
/// errors end the process. Methods make the same checks on probed shapes when they are built.
/// </summary>
internal static class FeatureShapes
{
    /// <summary>"[4, 16, 8, 8]".</summary>
    public static string Text(IReadOnlyList<long> shape) => $"[{string.Join(", ", shape)}]";

    /// <summary>Both are maps [N, C, H, W] without an empty axis and of one batch size.</summary>
    public static void RequireMaps(string loss, IReadOnlyList<long> student, IReadOnlyList<long> teacher)
    {
        Require(student.Count == 4 && teacher.Count == 4, loss, student, teacher, "both must be maps [batch, channels, height, width]");
        RequireBatch(loss, student, teacher);
    }

    /// <summary>Both have at least two axes, none of them empty, and one batch size.</summary>
    public static void RequireBatch(string loss, IReadOnlyList<long> student, IReadOnlyList<long> teacher)
    {
        Require(student.Count >= 2 && teacher.Count >= 2, loss, student, teacher, "both need a batch axis and at least one more");
        Require(student.All(size => size > 0) && teacher.All(size => size > 0), loss, student, teacher, "no axis may be empty");
        Require(student[0] == teacher[0], loss, student, teacher, "the batch sizes differ");
    }

    /// <summary>Maps of one batch size and one number of channels; heights and widths are free.</summary>
    public static void RequireChannels(string loss, IReadOnlyList<long> student, IReadOnlyList<long> teacher)
    {
        RequireMaps(loss, student, teacher);
        Require(student[1] == teacher[1], loss, student, teacher, $"the channels must be equal, here {student[1]} and {teacher[1]}; a projector maps the student's to the teacher's");
    }

    /// <summary>Maps of one shape.</summary>
    public static void RequireEqualMaps(string loss, IReadOnlyList<long> student, IReadOnlyList<long> teacher)
    {
        RequireChannels(loss, student, teacher);
        RequireEqual(loss, student, teacher);
    }

    /// <summary>Tensors of one shape, of two axes or more.</summary>
    public static void RequireEqual(string loss, IReadOnlyList<long> student, IReadOnlyList<long> teacher)
    {
        RequireBatch(loss, student, teacher);
        Require(student.SequenceEqual(teacher), loss, student, teacher, "the shapes must be equal; a projector maps the student's to the teacher's");
    }

    /// <summary>As many student stages as teacher stages, and not fewer than a minimum.</summary>
    public static void RequireStages(string loss, int student, int teacher, int minimum = 1)
    {
        if (student != teacher)
        {
            throw new ArgumentException($"{loss}: {student} student features and {teacher} teacher features; they are compared in pairs, so the counts must be equal");
        }

        if (student < minimum)
        {
            throw new ArgumentException($"{loss}: {student} pairs of features given, at least {minimum} needed");
        }
    }

    /// <summary>Throws with both shapes and the rule unless it holds.</summary>
    public static void Require(bool holds, string loss, IReadOnlyList<long> student, IReadOnlyList<long> teacher, string rule)
    {
        if (!holds)
        {
            throw new ArgumentException($"{loss}: the student's feature is {Text(student)} and the teacher's {Text(teacher)}; {rule}");
        }
    }
}
