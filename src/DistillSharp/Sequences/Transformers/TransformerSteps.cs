using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace DistillSharp.Sequences.Transformers;

/// <summary>A network that decodes step by step: every layer keeps what it has read, so that a step reads one token.</summary>
internal sealed class TransformerSteps : IStepModel
{
    private readonly TokenDecoder _decoder;
    private readonly IReadOnlyList<DecoderLayer> _layers;
    private readonly LayerPast[] _past;
    private readonly int _width;
    private (Tensor Keys, Tensor Values)[] _memory;
    private Tensor? _mask;
    private long _position;

    /// <summary>Encodes the inputs. The network, which belongs to the caller, must be in evaluation mode.</summary>
    /// <param name="decoder">What writes.</param>
    /// <param name="encode">Gives what is written about [N, S, D], and what is added to products with its padding [N, 1, 1, S].</param>
    /// <param name="width">Hypotheses of an input.</param>
    public TransformerSteps(TokenDecoder decoder, Func<(Tensor Memory, Tensor? Mask)> encode, int width)
    {
        (_decoder, _width, _layers) = (decoder, width, decoder.Layers);
        _past = [.. _layers.Select(_ => new LayerPast())];
        using var inference = no_grad();
        using var scope = NewDisposeScope();
        var (memory, mask) = encode();
        _mask = mask?.MoveToOuterDisposeScope().DetachFromDisposeScope();
        _memory = [.. _layers.Select(layer => layer.Remember(memory)).Select(pair => (Keep(pair.Keys.contiguous()), Keep(pair.Values.contiguous())))];
    }

    /// <inheritdoc/>
    public int Vocabulary => _decoder.Tokens.Vocabulary;

    /// <inheritdoc/>
    public void Step(ReadOnlySpan<int> tokens, Span<float> logits)
    {
        using var inference = no_grad();
        using var scope = NewDisposeScope();
        var device = _memory[0].Keys.device;
        var value = _decoder.Embed(tensor(tokens.ToArray(), ScalarType.Int64).to(device).view(-1, 1), _position++);
        for (var i = 0; i < _layers.Count; i++)
        {
            var (keys, values) = (_past[i].Keys, _past[i].Values);
            value = _layers[i].Step(value, _past[i], _memory[i], _mask, _width);
            Replace(keys, _past[i].Keys);
            Replace(values, _past[i].Values);
        }

        var output = _decoder.Finish(value).cpu().contiguous();
        MemoryMarshal.Cast<byte, float>(output.bytes).CopyTo(logits);
    }

    /// <inheritdoc/>
    public void Reorder(ReadOnlySpan<int> origins) => Select(origins);

    /// <inheritdoc/>
    public void Keep(ReadOnlySpan<int> sentences)
    {
        using var inference = no_grad();
        using var scope = NewDisposeScope();
        var (kept, rows) = (sentences.ToArray(), new int[sentences.Length * _width]);
        for (var i = 0; i < rows.Length; i++)
        {
            rows[i] = (kept[i / _width] * _width) + (i % _width);
        }

        Select(rows);
        var index = tensor(kept, ScalarType.Int64).to(_memory[0].Keys.device);
        var before = _memory;
        _memory = [.. before.Select(pair => (Keep(pair.Keys.index_select(0, index)), Keep(pair.Values.index_select(0, index))))];
        foreach (var (keys, values) in before)
        {
            keys.Dispose();
            values.Dispose();
        }

        if (_mask is { } mask)
        {
            _mask = Keep(mask.index_select(0, index));
            mask.Dispose();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var tensor in _memory.SelectMany(pair => new[] { pair.Keys, pair.Values }).Concat(_past.SelectMany(past => new[] { past.Keys, past.Values })).Append(_mask))
        {
            tensor?.Dispose();
        }
    }

    private void Select(ReadOnlySpan<int> rows)
    {
        using var inference = no_grad();
        using var scope = NewDisposeScope();
        var index = tensor(rows.ToArray(), ScalarType.Int64).to(_memory[0].Keys.device);
        foreach (var past in _past)
        {
            var (keys, values) = (past.Keys, past.Values);
            past.Keys = keys?.index_select(0, index);
            past.Values = values?.index_select(0, index);
            Replace(keys, past.Keys);
            Replace(values, past.Values);
        }
    }

    private static void Replace(Tensor? before, Tensor? now)
    {
        if (!ReferenceEquals(before, now))
        {
            before?.Dispose();
            now?.DetachFromDisposeScope();
        }
    }

    private static Tensor Keep(Tensor value) => value.DetachFromDisposeScope();
}
