using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using DistillSharp.Data;
using static TorchSharp.torch;

namespace DistillSharp.Models;

/// <summary>
/// Dropout (Srivastava et al., JMLR 2014): in training every value is 0 with probability p, else divided by 1 − p; in evaluation
/// nothing changes. The distribution is libtorch's; the draws are not. libtorch's generator makes them one by one, which takes
/// half of the step of a small network; here one draw from it seeds eight generators that run side by side in vector registers.
/// </summary>
/// <param name="probability">p, from 0 to below 1; exact to 2⁻³².</param>
public sealed class InvertedDropout(double probability) : nn.Module<Tensor, Tensor>("dropout"), INetworkGraph
{
    /// <summary>A tensor of the input's shape; never the input itself.</summary>
    public override Tensor forward(Tensor input)
    {
        if (!training || probability == 0)
        {
            return input.alias();
        }

        if (input.device.type != TorchSharp.DeviceType.CPU || input.dtype != ScalarType.Float32)
        {
            return nn.functional.dropout(input, probability);
        }

        using var seed = randint(0, long.MaxValue, [1], ScalarType.Int64);
        using var mask = empty(input.shape, ScalarType.Float32);
        Fill(MemoryMarshal.Cast<byte, float>(mask.bytes), unchecked((ulong)seed.data<long>()[0]), probability);
        return input * mask;
    }

    /// <inheritdoc/>
    public GraphValue Describe(IGraphBuilder graph, GraphValue input) => input;

    /// <summary>Writes 0 with probability <paramref name="dropped"/> and 1/(1 − dropped) else, value by value from the seed.</summary>
    // Optimised from the first call on: until then vector code is slower than libtorch's draws.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static void Fill(Span<float> mask, ulong seed, double dropped)
    {
        var threshold = Vector256.Create((uint)Math.Min(uint.MaxValue, Math.Round(dropped * 4294967296.0)));
        var kept = Vector256.Create((float)(1 / (1 - dropped)));
        var state = new Generators(seed);
        var whole = MemoryMarshal.Cast<float, Vector256<float>>(mask);
        for (var i = 0; i < whole.Length; i++)
        {
            whole[i] = Vector256.GreaterThanOrEqual(state.Next(), threshold).AsSingle() & kept;
        }

        var rest = mask[(whole.Length * Vector256<float>.Count)..];
        Span<float> last = stackalloc float[Vector256<float>.Count];
        (Vector256.GreaterThanOrEqual(state.Next(), threshold).AsSingle() & kept).CopyTo(last);
        last[..rest.Length].CopyTo(rest);
    }

    /// <summary>Eight xoshiro128++ generators (Blackman and Vigna, ACM TOMS 2021), one a lane.</summary>
    private struct Generators(ulong seed)
    {
        private Vector256<uint> _s0 = Word(seed, 0);
        private Vector256<uint> _s1 = Word(seed, 1);
        private Vector256<uint> _s2 = Word(seed, 2);
        private Vector256<uint> _s3 = Word(seed, 3);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public Vector256<uint> Next()
        {
            var result = Rotate(_s0 + _s3, 7) + _s0;
            var shifted = _s1 << 9;
            _s2 ^= _s0;
            _s3 ^= _s1;
            _s1 ^= _s2;
            _s0 ^= _s3;
            _s2 ^= shifted;
            _s3 = Rotate(_s3, 11);
            return result;
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static Vector256<uint> Rotate(Vector256<uint> value, int bits) => (value << bits) | (value >>> (32 - bits));

        // A word of all lanes' states; 128 bits of zeros do not come of 256 mixed ones.
        private static Vector256<uint> Word(ulong seed, ulong word)
        {
            Span<ulong> mixed = stackalloc ulong[4];
            for (var i = 0; i < mixed.Length; i++)
            {
                mixed[i] = StableRandom.Mix(seed + (0x9E3779B97F4A7C15UL * ((word * 4) + (ulong)i + 1)));
            }

            return Vector256.Create<ulong>(mixed).AsUInt32();
        }
    }
}
