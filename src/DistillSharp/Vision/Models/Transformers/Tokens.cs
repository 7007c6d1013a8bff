using DistillSharp.Config;
using DistillSharp.Data;
using DistillSharp.Models;
using static TorchSharp.torch;

namespace DistillSharp.Vision.Models.Transformers;

/// <summary>Images as sequences of patches, with learned tokens before them.</summary>
internal static class Tokens
{
    /// <summary>Epsilon of every layer norm, in torchvision and timm alike.</summary>
    public const double NormEpsilon = 1e-6;

    /// <summary>Patches of an image.</summary>
    /// <exception cref="ArgumentException">Patches do not fill it.</exception>
    public static long Count(DatasetInfo data, long patch, string model)
    {
        ShapeFault.ThrowIfAny(FaultOf(data, patch, model));
        return data.InputShape[1] / patch * (data.InputShape[2] / patch);
    }

    /// <summary>What is wrong with images that patches do not fill.</summary>
    public static ShapeFault? FaultOf(DatasetInfo data, long patch, string model)
    {
        if (data.InputShape is not [_, var height, var width] || (height % patch == 0 && width % patch == 0))
        {
            return null;
        }

        var sides = Enumerable.Range(1, (int)Math.Min(height, width)).Where(side => height % side == 0 && width % side == 0);
        return new ShapeFault(
            $"{model} cuts images into patches of {patch}×{patch} pixels, which do not fill {height}×{width}; give `{model}` a `patch_size` that divides both ({string.Join(", ", sides)})", "patch_size");
    }

    /// <summary>Maps as tokens: [N, D, h, w] → [N, h·w, D].</summary>
    public static Tensor FromMap(Tensor map)
    {
        using var flat = map.flatten(2);
        return flat.transpose(1, 2);
    }

    /// <summary>The same as a graph.</summary>
    public static GraphValue FromMap(IGraphBuilder graph, GraphValue map) =>
        graph.Transpose(graph.Reshape(map, map.Shape[1], map.Shape[2] * map.Shape[3]), 0, 2, 1);

    /// <summary>Learned tokens [1, 1, D] before those of every image.</summary>
    public static Tensor Prepend(Tensor patches, params Tensor[] tokens)
    {
        using var scope = NewDisposeScope();
        return cat([.. tokens.Select(token => token.expand(patches.shape[0], -1, -1)), patches], 1).MoveToOuterDisposeScope();
    }

    /// <summary>
    /// The same as a graph: the sum of the patches with zeros before them and of the tokens with zeros after them, which needs no
    /// knowledge of the batch's size.
    /// </summary>
    public static GraphValue Prepend(IGraphBuilder graph, GraphValue patches, params GraphValue[] tokens)
    {
        var front = tokens.Length == 1 ? tokens[0] : graph.Concat(tokens);
        return graph.Add(graph.Pad(patches, 1, tokens.Length, 0), graph.Pad(front, 1, 0, patches.Shape[1]));
    }

    /// <summary>One token of each image: [N, T, D] → [N, D].</summary>
    public static GraphValue Select(IGraphBuilder graph, GraphValue tokens, long index) => graph.Flatten(graph.Slice(tokens, 1, index, 1));

    /// <summary>Reports a width that the heads do not divide.</summary>
    public static void CheckHeads(int width, int heads, ConfigNode node, ConfigErrors errors)
    {
        if (width % heads != 0)
        {
            errors.Add(node.PathOf("heads"), $"must divide the width {width}; it is {heads}", node.Line);
        }
    }
}
