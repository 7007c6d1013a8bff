using DistillSharp.Models;
using static TorchSharp.torch;

namespace DistillSharp.Export.Onnx;

/// <summary>A further output of an exported network, computed from one of its feature points.</summary>
/// <param name="Name">Name of the output.</param>
/// <param name="FeaturePoint">Where it branches off.</param>
/// <param name="Layers">What is computed from there, in order.</param>
public sealed record EarlyExit(string Name, FeaturePoint FeaturePoint, IReadOnlyList<nn.Module<Tensor, Tensor>> Layers);
