using DistillSharp.Sequences.Transformers;
using DistillSharp.Training;
using static TorchSharp.torch;

namespace DistillSharp.Text.Models;

/// <summary>Starts a student from chosen layers of its teacher.</summary>
public static class LayerStart
{
    /// <summary>Copies embeddings, last normalisations and the chosen layers.</summary>
    /// <exception cref="ArgumentException">Widths, kinds or numbers of layers do not fit; says which.</exception>
    public static void Copy(TransformerModel teacher, TransformerModel student, FromLayersOptions options)
    {
        if (Fault(teacher.Options, student.Options, options) is { } fault)
        {
            throw new ArgumentException(fault);
        }

        if (teacher.Tokens.VocabularySha256 != student.Tokens.VocabularySha256)
        {
            throw new ArgumentException("from_layers copies the embeddings too, and the student's vocabulary is not the teacher's; leave `vocabulary` out of both models");
        }

        var layers = new ChosenLayers(options.Encoder, options.Decoder);
        var given = teacher.named_parameters().ToDictionary(entry => entry.name, entry => entry.parameter);
        using var noGradient = no_grad();
        foreach (var (name, parameter) in student.named_parameters())
        {
            parameter.copy_(given[layers.Origin(name)]);
        }
    }

    /// <summary>Why a student cannot start from these layers of a teacher; null where it can, as far as their options tell.</summary>
    internal static string? Fault(TransformerOptions teacher, TransformerOptions student, FromLayersOptions options)
    {
        if (teacher.Width != student.Width || teacher.Hidden != student.Hidden || teacher.Heads != student.Heads || teacher.Decoder != student.Decoder)
        {
            return $"from_layers needs layers that are alike: the teacher's have width {teacher.Width}, feed_forward {teacher.Hidden}, {teacher.Heads} heads and decoder {teacher.Decoder}, the student's {student.Width}, {student.Hidden}, {student.Heads} and {student.Decoder}";
        }

        return new ChosenLayers(options.Encoder, options.Decoder).Fault(teacher, student);
    }
}
