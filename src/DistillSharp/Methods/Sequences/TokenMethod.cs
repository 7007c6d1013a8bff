using DistillSharp.Methods.Logits;

namespace DistillSharp.Methods.Sequences;

/// <summary>A method of token logits [N, T, V].</summary>
public abstract class TokenMethod(string name) : LogitMethod(name)
{
    /// <summary>Refuses models whose logits have no axis of positions.</summary>
    /// <exception cref="ArgumentException">The logits are not [N, T, V].</exception>
    private protected static void RequireSequences(string name, MethodContext context)
    {
        if (context.StudentShapes.Logits.Count != 3 || context.TeacherShapes.Logits.Count != 3)
        {
            throw new ArgumentException(
                $"{name} needs logits [batch, positions, vocabulary], not [{string.Join(", ", context.StudentShapes.Logits)}] and [{string.Join(", ", context.TeacherShapes.Logits)}]");
        }
    }
}
