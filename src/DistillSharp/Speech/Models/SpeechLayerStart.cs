using System.Globalization;
using DistillSharp.Sequences.Transformers;
using DistillSharp.Training;
using static TorchSharp.torch;

namespace DistillSharp.Speech.Models;

/// <summary>Starts a student from chosen layers of its teacher, two networks of a kind.</summary>
public static class SpeechLayerStart
{
    /// <summary>Copies the convolutions, the chosen layers and the output.</summary>
    /// <exception cref="ArgumentException">Kinds, widths or numbers of layers do not fit; says which.</exception>
    public static void Copy(CtcNetwork teacher, CtcNetwork student, FromLayersOptions options)
    {
        if (teacher.GetType() != student.GetType())
        {
            throw new ArgumentException($"from_layers needs networks of a kind: the teacher is {teacher.GetName()} and the student {student.GetName()}");
        }

        var there = Layers(teacher);
        if (options.Decoder.Count > 0)
        {
            throw new ArgumentException($"from_layers.decoder: {student.GetName()} has no decoder; its layers are all `encoder`");
        }

        if (options.Encoder.Count != Layers(student) || options.Encoder.Any(layer => layer > there))
        {
            throw new ArgumentException($"from_layers.encoder must name {Layers(student)} of the teacher's {there} layers, one for each of the student's, not [{string.Join(", ", options.Encoder)}]");
        }

        // Their weights have the same shapes whatever the heads, and mean something else.
        if ((teacher, student) is (CtcConformer whole, CtcConformer part) && whole.Options.AttentionHeads != part.Options.AttentionHeads)
        {
            throw new ArgumentException($"from_layers needs layers that are alike: the teacher's have {whole.Options.AttentionHeads} attention_heads, the student's {part.Options.AttentionHeads}");
        }

        // Heads on inner layers are the student's own: the teacher may have others, or none.
        Copy(teacher, student, name => name.StartsWith("head", StringComparison.Ordinal) ? null : Origin(name, options.Encoder));
    }

    /// <summary>Copies the convolutions, embeddings, last normalisations and the chosen layers of encoder and decoder.</summary>
    /// <exception cref="ArgumentException">Widths or numbers of layers do not fit; says which.</exception>
    public static void Copy(SpeechTransformer teacher, SpeechTransformer student, FromLayersOptions options)
    {
        if (teacher.Options.Heads != student.Options.Heads)
        {
            throw new ArgumentException($"from_layers needs layers that are alike: the teacher's have {teacher.Options.Heads} heads, the student's {student.Options.Heads}");
        }

        var layers = new ChosenLayers(options.Encoder, options.Decoder);
        if (layers.Fault(teacher.Options, student.Options) is { } fault)
        {
            throw new ArgumentException(fault);
        }

        Copy(teacher, student, layers.Origin);
    }

    private static void Copy(SpeechNetwork teacher, SpeechNetwork student, Func<string, string?> originOf)
    {
        var given = teacher.named_parameters().ToDictionary(entry => entry.name, entry => entry.parameter);
        using var noGradient = no_grad();
        foreach (var (name, parameter) in student.named_parameters())
        {
            if (originOf(name) is not { } origin)
            {
                continue;
            }

            if (!given.TryGetValue(origin, out var source))
            {
                throw new ArgumentException($"from_layers needs layers that are alike: the student has {name} and the teacher no {origin}");
            }

            if (!source.shape.SequenceEqual(parameter.shape))
            {
                var first = name.StartsWith("layer1.", StringComparison.Ordinal) && origin != name ? ", and start the student's first layer, which reads the convolutions, as the teacher's first" : "";
                throw new ArgumentException(
                    $"from_layers needs layers that are alike: the student's {name} is [{string.Join(", ", parameter.shape)}] and the teacher's {origin} [{string.Join(", ", source.shape)}]; give both the same widths and channels{first}");
            }

            parameter.copy_(source);
        }
    }

    // layer2.… is that of the teacher's layer which the student's second one starts as.
    private static string Origin(string name, IReadOnlyList<int> layers) => name.Split('.') is [var first, .. var rest] && first.StartsWith("layer", StringComparison.Ordinal)
        ? string.Join('.', [$"layer{layers[int.Parse(first.AsSpan(5), CultureInfo.InvariantCulture) - 1]}", .. rest])
        : name;

    private static int Layers(CtcNetwork network) => network.FeaturePoints.Count(point => point.Name.StartsWith("layer", StringComparison.Ordinal));
}
