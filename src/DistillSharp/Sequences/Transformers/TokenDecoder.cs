using DistillSharp.Data;
using DistillSharp.Models;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DistillSharp.Sequences.Transformers;

/// <summary>
/// What writes tokens in a network of encoder and decoder: embeddings with positions, layers, and an output that shares the embeddings' matrix. The modules belong to the network.
/// </summary>
/// <param name="tokens">The vocabulary.</param>
/// <param name="width">Width of the layers.</param>
/// <param name="embedding">Embeddings of tokens.</param>
/// <param name="dropout">Dropout of embeddings.</param>
/// <param name="stack">Decoder layers.</param>
internal sealed class TokenDecoder(SequenceInfo tokens, int width, Embedding embedding, InvertedDropout dropout, LayerStack stack)
{
    private readonly double _scale = Math.Sqrt(width);
    // Numbers and no tensor: that would be taken for a buffer, and kept with the weights.
    private float[] _positions = [];

    /// <summary>The vocabulary.</summary>
    public SequenceInfo Tokens => tokens;

    /// <summary>Where its weights are.</summary>
    public Device Device => embedding.weight!.device;

    /// <summary>The layers that remember, for decoding step by step.</summary>
    public IReadOnlyList<DecoderLayer> Layers => [.. stack.Layers.Cast<DecoderLayer>()];

    /// <summary>Embeddings with positions from <paramref name="first"/> on.</summary>
    public Tensor Embed(Tensor input, long first) => Place(embedding.call(input) * _scale, first);

    /// <summary>Vectors [N, T, D] with positions from <paramref name="first"/> on.</summary>
    public Tensor Place(Tensor value, long first)
    {
        var last = first + value.shape[1];
        if (last * width > _positions.Length)
        {
            _positions = SinusoidalPositions.Make(Math.Max(64, 2 * last), width);
        }

        var positions = tensor(_positions[(int)(first * width)..(int)(last * width)]).view(-1, width).to(value.device);
        return dropout.call(value + positions);
    }

    /// <summary>Logits [N, T, V] of tokens [N, T] that are read one after another.</summary>
    public Tensor Logits(Tensor input, Tensor memory, Tensor? mask)
    {
        var value = Embed(input, 0);
        foreach (var layer in Layers)
        {
            value = layer.forward(value, memory, mask);
        }

        return Finish(value);
    }

    /// <summary>Logits [.., V] of the last layer's outputs.</summary>
    public Tensor Finish(Tensor value) => nn.functional.linear(stack.Normalise(value), embedding.weight!);

    /// <summary>Embeddings of deviation 1/√D, which the scale brings to 1 and the tied output to logits of 1; Glorot's for the linear layers of a network.</summary>
    public void Initialise(IEnumerable<nn.Module> modules)
    {
        nn.init.normal_(embedding.weight!, 0, 1 / _scale);
        foreach (var linear in modules.OfType<Linear>())
        {
            nn.init.xavier_uniform_(linear.weight!);
            if (linear.bias is { } bias)
            {
                nn.init.zeros_(bias);
            }
        }
    }
}

/// <summary>Positions as sines and cosines (Vaswani et al., 2017, section 3.5): the first half of the width is sines.</summary>
internal static class SinusoidalPositions
{
    /// <summary>What the angle of each pair of sine and cosine grows by from position to position [width / 2].</summary>
    public static double[] Angles(int width)
    {
        var half = width / 2;
        return [.. Enumerable.Range(0, half).Select(i => Math.Exp(-Math.Log(10000.0) * i / Math.Max(1, half - 1)))];
    }

    /// <summary>[count, width], row by row.</summary>
    public static float[] Make(long count, int width)
    {
        var (half, angles) = (width / 2, Angles(width));
        var values = new float[count * width];
        for (var position = 0; position < count; position++)
        {
            for (var i = 0; i < half; i++)
            {
                var angle = position * angles[i];
                values[(position * width) + i] = (float)Math.Sin(angle);
                values[(position * width) + half + i] = (float)Math.Cos(angle);
            }
        }

        return values;
    }
}
