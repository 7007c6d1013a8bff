namespace DistillSharp.Signals;

/// <summary>A feature point and the shape that it has for one sample.</summary>
/// <param name="Name">Name of the feature point.</param>
/// <param name="Shape">Its shape without the batch axis.</param>
public sealed record LayerShape(string Name, IReadOnlyList<long> Shape)
{
    /// <summary>Height and width of a map, or positions of a sequence; empty for a vector.</summary>
    public IEnumerable<long> Resolution => Shape.Count == 3 ? Shape.Skip(1) : Shape.Take(Shape.Count - 1);
}

/// <summary>Proposes which feature points of two networks to compare.</summary>
public static class FeaturePairing
{
    private const string PreActivation = ".preact";

    /// <summary>
    /// For every feature point of the student the teacher's with the nearest resolution and, among those, the nearest relative
    /// depth. Vectors go with vectors, maps with maps, pre-activations with pre-activations; a point without a counterpart of its
    /// kind is left out.
    /// </summary>
    /// <param name="student">The student's feature points from the input to the output.</param>
    /// <param name="teacher">The teacher's.</param>
    public static IReadOnlyList<(LayerShape Student, LayerShape Teacher)> Propose(IReadOnlyList<LayerShape> student, IReadOnlyList<LayerShape> teacher)
    {
        var pairs = new List<(LayerShape, LayerShape)>();
        for (var i = 0; i < student.Count; i++)
        {
            var layer = student[i];
            var depth = Depth(i, student.Count);
            var partner = teacher.Select((other, k) => (Layer: other, Depth: Depth(k, teacher.Count)))
                .Where(other => Kind(other.Layer) == Kind(layer))
                .OrderBy(other => Distance(layer, other.Layer)).ThenBy(other => Math.Abs(other.Depth - depth))
                .Select(other => other.Layer).FirstOrDefault();
            if (partner is not null)
            {
                pairs.Add((layer, partner));
            }
        }

        return pairs;
    }

    /// <summary>Of proposed pairs the deepest at each of the student's resolutions: one map a stage, pre-activations left out.</summary>
    public static IReadOnlyList<(LayerShape Student, LayerShape Teacher)> Stages(IReadOnlyList<(LayerShape Student, LayerShape Teacher)> pairs) =>
    [
        .. pairs.Where(pair => pair.Student.Shape.Count > 1 && !pair.Student.Name.EndsWith(PreActivation, StringComparison.Ordinal))
            .GroupBy(pair => string.Join("×", pair.Student.Resolution)).Select(group => group.Last()),
    ];

    private static (int Rank, bool PreActivation) Kind(LayerShape layer) => (layer.Shape.Count, layer.Name.EndsWith(PreActivation, StringComparison.Ordinal));

    private static double Depth(int index, int count) => count == 1 ? 1 : index / (count - 1.0);

    // Sizes differ by factors, so their distance is that of logarithms.
    private static double Distance(LayerShape one, LayerShape other) =>
        one.Resolution.Zip(other.Resolution, (left, right) => Math.Abs(Math.Log((double)left / right))).Sum();
}
