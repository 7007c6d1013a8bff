using TorchSharp;
using static TorchSharp.torch;

namespace DistillSharp.Training;

/// <summary>
/// Native updates of all parameters in one call: TorchSharp's own optimizers make several calls a parameter, which costs more
/// than the arithmetic for small networks. A scripted function reaches the fused kernels that TorchSharp does not expose.
/// </summary>
internal static class FusedKernels
{
    private const string Source = """
        def sgd(params: List[Tensor], grads: List[Tensor], momenta: List[Tensor], lr: float, momentum: float, weight_decay: float, nesterov: bool, first: bool) -> int:
            torch._fused_sgd_(params, grads, momenta, weight_decay=weight_decay, momentum=momentum, lr=lr, dampening=0.0, nesterov=nesterov, maximize=False, is_first_step=first)
            return 0

        def adam(params: List[Tensor], grads: List[Tensor], first: List[Tensor], second: List[Tensor], steps: List[Tensor], lr: float, beta1: float, beta2: float, weight_decay: float, eps: float) -> int:
            torch._foreach_add_(steps, 1.0)
            torch._fused_adam_(params, grads, first, second, [], steps, lr=lr, beta1=beta1, beta2=beta2, weight_decay=weight_decay, eps=eps, amsgrad=False, maximize=False)
            return 0

        def adamw(params: List[Tensor], grads: List[Tensor], first: List[Tensor], second: List[Tensor], steps: List[Tensor], lr: float, beta1: float, beta2: float, weight_decay: float, eps: float) -> int:
            torch._foreach_add_(steps, 1.0)
            torch._fused_adamw_(params, grads, first, second, [], steps, lr=lr, beta1=beta1, beta2=beta2, weight_decay=weight_decay, eps=eps, amsgrad=False, maximize=False)
            return 0

        def zero(tensors: List[Tensor]) -> int:
            torch._foreach_zero_(tensors)
            return 0

        def norm(grads: List[Tensor]) -> Tensor:
            return torch.linalg_vector_norm(torch.stack(torch._foreach_norm(grads)))

        def scale(grads: List[Tensor], factor: float) -> int:
            torch._foreach_mul_(grads, factor)
            return 0

        def average(shadow: List[Tensor], current: List[Tensor], decay: float) -> int:
            torch._foreach_lerp_(shadow, current, 1.0 - decay)
            return 0
        """;

    private static readonly Lazy<jit.CompilationUnit> Unit = new(() => jit.compile(Source + "\n"));

    /// <summary>SGD with momentum, in place; gradients stay as they are.</summary>
    public static void Sgd(Tensor[] parameters, Tensor[] gradients, Tensor[] momenta, double rate, double momentum, double weightDecay, bool nesterov, bool first) =>
        Invoke("sgd", [parameters, gradients, momenta], [rate, momentum, weightDecay, nesterov, first]);

    /// <summary>Adam (<paramref name="decoupled"/> false) or AdamW, in place; step counts rise by one and gradients stay as they are.</summary>
    public static void Adam(bool decoupled, Tensor[] parameters, Tensor[] gradients, Tensor[] first, Tensor[] second, Tensor[] steps, double rate, double beta1, double beta2, double weightDecay, double epsilon) =>
        Invoke(decoupled ? "adamw" : "adam", [parameters, gradients, first, second, steps], [rate, beta1, beta2, weightDecay, epsilon]);

    /// <summary>Fills every tensor with 0.</summary>
    public static void Zero(Tensor[] tensors) => Unit.Value.invoke("zero", new object[] { tensors });

    /// <summary>Euclidean norm over all gradients together.</summary>
    public static double Norm(Tensor[] gradients)
    {
        using var norm = (Tensor)Unit.Value.invoke("norm", new object[] { gradients });
        return norm.ToDouble();
    }

    /// <summary>Multiplies every gradient by a factor.</summary>
    public static void Scale(Tensor[] gradients, double factor) => Invoke("scale", [gradients], [factor]);

    /// <summary>shadow = decay · shadow + (1 − decay) · current; where both are equal already, to the last bit the same.</summary>
    public static void Average(Tensor[] shadow, Tensor[] current, double decay) => Invoke("average", [shadow, current], [decay]);

    // Numbers given to invoke become temporary Scalars whose handles alone are passed on: the collector may free them before
    // native code reads them. Scalars of our own live until the call is over.
    private static void Invoke(string function, Tensor[][] lists, ReadOnlySpan<Scalar> scalars)
    {
        var kept = scalars.ToArray();
        Unit.Value.invoke(function, [.. lists, .. kept]);
        foreach (var scalar in kept)
        {
            GC.KeepAlive(scalar);
            scalar.Dispose();
        }
    }
}
