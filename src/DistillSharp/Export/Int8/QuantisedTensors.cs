using DistillSharp.Export.Onnx;

namespace DistillSharp.Export.Int8;

/// <summary>Which operations of a graph compute in integers and which tensors are rounded between them.</summary>
internal sealed class QuantisedTensors
{
    // They move values and change none, so that what goes in and what comes out is rounded alike.
    private static readonly string[] Moving = ["MaxPool", "Reshape", "Flatten", "Transpose", "Squeeze", "Unsqueeze"];
    private static readonly string[] Joining = ["Add", "Concat", "GlobalAveragePool", "AveragePool"];
    private static readonly string[] Activations = ["Relu", "Clip"];

    private readonly OnnxModel _model;
    private readonly Dictionary<string, List<OnnxOperation>> _readers = [];
    private readonly Dictionary<string, OnnxOperation> _makers = [];
    private readonly Dictionary<string, string> _sources = [];

    private QuantisedTensors(OnnxModel model)
    {
        _model = model;
        foreach (var operation in model.Operations)
        {
            operation.Outputs.ForEach(output => _makers[output] = operation);
            foreach (var input in operation.Inputs.Where(input => input.Length > 0).Distinct())
            {
                (_readers.TryGetValue(input, out var readers) ? readers : _readers[input] = []).Add(operation);
            }
        }
    }

    /// <summary>Operations with constant weights: convolutions and products of matrices.</summary>
    public List<OnnxOperation> Layers { get; private set; } = [];

    /// <summary>Operations of those kinds whose weights are no constants.</summary>
    public int FloatLayers { get; private set; }

    /// <summary>Rounded tensors, each with the tensor whose range is its own.</summary>
    public IReadOnlyDictionary<string, string> Sources => _sources;

    public static QuantisedTensors Of(OnnxModel model)
    {
        var found = new QuantisedTensors(model);
        found.Find();
        return found;
    }

    private void Find()
    {
        var candidates = _model.Operations.Where(operation => operation.Type is "Conv" or "Gemm" or "MatMul" && operation.Domain.Length == 0).ToList();
        Layers = [.. candidates.Where(HasConstantWeights)];
        FloatLayers = candidates.Count - Layers.Count;
        foreach (var layer in Layers)
        {
            Round(layer.Inputs[0]);
            if (layer.Type == "Conv")
            {
                Round(Behind(layer.Outputs[0]));
            }
        }

        // A sum or a concatenation of rounded tensors is rounded as well, to a fixed point: else it would go back to floats in between.
        bool grown;
        do
        {
            grown = false;
            foreach (var operation in _model.Operations.Where(operation => Joining.Contains(operation.Type) && operation.Inputs.TrueForAll(IsActivation)))
            {
                if (operation.Inputs.TrueForAll(IsRounded) && !IsRounded(Behind(operation.Outputs[0])) && !_model.Outputs.Contains(Behind(operation.Outputs[0])))
                {
                    Round(Behind(operation.Outputs[0]));
                    grown = true;
                }
            }

            foreach (var operation in _model.Operations.Where(operation => Moving.Contains(operation.Type)))
            {
                var (input, output) = (operation.Inputs[0], operation.Outputs[0]);
                if (IsRounded(input) != IsRounded(output) && IsActivation(input) && !_model.Outputs.Contains(output))
                {
                    Round(input);
                    Round(output);
                    grown = true;
                }
            }
        }
        while (grown);
        foreach (var operation in _model.Operations.Where(operation => Moving.Contains(operation.Type) && IsRounded(operation.Inputs[0]) && IsRounded(operation.Outputs[0])))
        {
            _sources[operation.Outputs[0]] = _sources[operation.Inputs[0]];
        }
    }

    private void Round(string tensor) => _sources.TryAdd(tensor, tensor);

    private bool IsRounded(string tensor) => _sources.ContainsKey(tensor);

    private bool IsActivation(string tensor) => !_model.Constants.ContainsKey(tensor);

    // Where an activation that cuts off is a tensor's only reader, the two are one operation of integers.
    private string Behind(string tensor) =>
        !_model.Outputs.Contains(tensor) && _readers.TryGetValue(tensor, out var readers) && readers is [{ } only] && Activations.Contains(only.Type) ? only.Outputs[0] : tensor;

    private bool HasConstantWeights(OnnxOperation operation) =>
        IsActivation(operation.Inputs[0])
        && operation.Inputs.Skip(1).Where(input => input.Length > 0).All(_model.Constants.ContainsKey)
        && _model.Constants[operation.Inputs[1]].Type == OnnxConstant.FloatType
        && (operation.Type != "MatMul" || _model.Constants[operation.Inputs[1]].Shape.Length == 2)
        && (operation.Type != "Gemm" || (operation.Number("alpha", 1) == 1 && operation.Number("beta", 1) == 1 && operation.Integer("transA", 0) == 0));
}
