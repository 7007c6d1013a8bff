using System.Globalization;

namespace DistillSharp.Sequences.Transformers;

/// <summary>Layers of a teacher that a student starts as, two networks of encoder and decoder; layers are counted from 1.</summary>
/// <param name="Encoder">The teacher's for each encoder layer of the student.</param>
/// <param name="Decoder">The teacher's for each decoder layer of the student.</param>
internal sealed record ChosenLayers(IReadOnlyList<int> Encoder, IReadOnlyList<int> Decoder)
{
    /// <summary>Why they are no choice of so many layers; null where they are one.</summary>
    public string? Fault(ITransformerShape teacher, ITransformerShape student)
    {
        foreach (var (side, chosen, wanted, there) in new[] { ("encoder", Encoder, student.EncoderLayers, teacher.EncoderLayers), ("decoder", Decoder, student.DecoderLayers, teacher.DecoderLayers) })
        {
            if (chosen.Count != wanted || chosen.Any(layer => layer > there))
            {
                return $"from_layers.{side} must name {wanted} of the teacher's {there} layers, one for each of the student's, not [{string.Join(", ", chosen)}]";
            }
        }

        return null;
    }

    /// <summary>What a parameter of the student starts as: encoder.layers.1.feed_forward.… is that of the teacher's layer which the student's second one starts as.</summary>
    public string Origin(string name) => name.Split('.') is [var side, "layers", var number, .. var rest]
        ? string.Join('.', [side, "layers", ((side == "encoder" ? Encoder : Decoder)[int.Parse(number, CultureInfo.InvariantCulture)] - 1).ToString(CultureInfo.InvariantCulture), .. rest])
        : name;
}
