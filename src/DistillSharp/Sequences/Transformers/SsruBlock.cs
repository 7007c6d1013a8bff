using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DistillSharp.Sequences.Transformers;

/// <summary>
/// Simpler simple recurrent unit (Kim et al., From Research to Production and Back, WNGT 2019, section 3): with f = σ(W_f x + b_f),
/// c_t = f ⊙ c_(t−1) + (1 − f) ⊙ W x and the output relu(c_t).
/// </summary>
internal sealed class SsruBlock : nn.Module
{
    private readonly Linear forget;
    private readonly Linear candidate;

    public SsruBlock(int width)
        : base("ssru")
    {
        (forget, candidate) = (nn.Linear(width, width), nn.Linear(width, width, hasBias: false));
        RegisterComponents();
    }

    public Tensor forward(Tensor input)
    {
        // Both products for all positions at once; only the sums run from position to position.
        var kept = forget.call(input).sigmoid();
        var (gates, added) = (kept.unbind(1), ((1 - kept) * candidate.call(input)).unbind(1));
        var states = new List<Tensor>(gates.Length);
        for (var t = 0; t < gates.Length; t++)
        {
            states.Add(t == 0 ? added[0] : addcmul(added[t], gates[t], states[^1], 1));
        }

        return stack(states, 1).relu();
    }

    /// <summary>One more position of every row [R, 1, D].</summary>
    public Tensor Step(Tensor input, ref Tensor? state)
    {
        var kept = forget.call(input).sigmoid();
        var added = (1 - kept) * candidate.call(input);
        state = state is null ? added : (kept * state) + added;
        return state.relu();
    }
}
