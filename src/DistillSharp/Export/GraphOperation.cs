using DistillSharp.Models;
using static TorchSharp.torch;

namespace DistillSharp.Export;

/// <summary>A constant that an operation reads: weights, a short list of whole numbers, or one number.</summary>
/// <param name="Name">Dotted name; that of the parameter in the network where it is one.</param>
/// <param name="Weights">The network's own tensor; null for the others.</param>
/// <param name="Integers">Whole numbers; null for the others.</param>
/// <param name="Number">One number, without axes; null for the others.</param>
public sealed record GraphConstant(string Name, Tensor? Weights, IReadOnlyList<long>? Integers = null, float? Number = null);

/// <summary>A setting of an operation: one of a whole number, a list of them, or a float.</summary>
public sealed record GraphAttribute(string Name, long? Integer = null, IReadOnlyList<long>? Integers = null, float? Number = null);

/// <summary>One operation of a network, in the vocabulary of ONNX opset 17.</summary>
/// <param name="Type">Operator, such as <c>Conv</c>.</param>
/// <param name="Name">Dotted path of the module it comes from, made unique.</param>
/// <param name="Inputs">Values it reads.</param>
/// <param name="Constants">Constants it reads after them.</param>
/// <param name="Output">The value it makes.</param>
/// <param name="Attributes">Its settings.</param>
public sealed record GraphOperation(
    string Type,
    string Name,
    IReadOnlyList<GraphValue> Inputs,
    IReadOnlyList<GraphConstant> Constants,
    GraphValue Output,
    IReadOnlyList<GraphAttribute> Attributes);
