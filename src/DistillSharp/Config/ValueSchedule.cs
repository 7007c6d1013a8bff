namespace DistillSharp.Config;

/// <summary>Where training stands: what a schedule may depend on.</summary>
/// <param name="Epoch">Epochs done, with the fraction of the current one.</param>
/// <param name="TotalEpochs">Epochs of the whole stage.</param>
public readonly record struct Progress(double Epoch, double TotalEpochs)
{
    /// <summary>The beginning of a one-epoch stage.</summary>
    public static Progress Start { get; } = new(0, 1);
}

/// <summary>How a <see cref="ValueSchedule"/> moves from its first to its last value.</summary>
public enum ValueShape
{
    /// <summary>The same value throughout.</summary>
    Constant,

    /// <summary>A straight line.</summary>
    Linear,

    /// <summary>Half a cosine wave, flat at both ends.</summary>
    Cosine,

    /// <summary>From 0 up to the value in a straight line, then constant.</summary>
    WarmUp,

    /// <summary>Multiplied by a factor at each given epoch.</summary>
    Steps,
}

/// <summary>
/// A number that may change in training: a constant, or a map such as
/// <c>{schedule: linear, from: 1, to: 0, until: 10}</c>. Epochs are counted within the stage.
/// </summary>
public sealed record ValueSchedule : ICheckedOptions
{
    /// <summary>The shape of the change.</summary>
    [Option("how the value changes: constant, linear, cosine, warm_up or steps")]
    public ValueShape Schedule { get; init; } = ValueShape.Constant;

    /// <summary>First value (the value itself for constant and steps; the final one for warm_up is <see cref="To"/>).</summary>
    [Option("the first value")]
    public double From { get; init; }

    /// <summary>Last value of linear, cosine and warm_up.</summary>
    [Option("the last value (linear, cosine, warm_up)")]
    public double To { get; init; }

    /// <summary>Epoch at which the change begins.</summary>
    [Option("epoch at which the change begins", Min = 0)]
    public double Start { get; init; }

    /// <summary>Epoch at which the change is complete; null for the end of the stage.</summary>
    [Option("epoch at which the change is complete; the end of the stage by default", Min = 0)]
    public double? Until { get; init; }

    /// <summary>Epochs at which steps multiplies by <see cref="Factor"/>.</summary>
    [Option("epochs at which the value is multiplied by the factor (steps)")]
    public IReadOnlyList<double> At { get; init; } = [];

    /// <summary>Factor of steps.</summary>
    [Option("factor applied at each step (steps)")]
    public double Factor { get; init; } = 0.1;

    /// <inheritdoc/>
    public void Check(ConfigNode node, ConfigErrors errors)
    {
        var shape = ConfigBinder.SnakeCase(Schedule.ToString());
        if (node.Get("schedule") is { } chosen && chosen.Scalar != shape)
        {
            return;
        }

        Refuse(Schedule is ValueShape.Constant or ValueShape.Steps, ["to", "start", "until"], "linear, cosine or warm_up");
        Refuse(Schedule != ValueShape.Steps, ["at", "factor"], "steps");
        Refuse(Schedule == ValueShape.WarmUp && From != 0, ["from"], "the others: warm_up rises from 0 to `to`");
        Require(Schedule is ValueShape.Constant or ValueShape.Steps, "from", "is 0 throughout");
        Require(Schedule == ValueShape.Steps, "at", "stays as it is");
        Require(Schedule == ValueShape.WarmUp, "to", "is 0 throughout");
        if (Until < Start)
        {
            errors.Add(node.Get("until")!, FormattableString.Invariant($"must be at least start ({Start}), where the change begins"));
        }

        void Refuse(bool isUnread, string[] keys, string shapes)
        {
            foreach (var key in keys)
            {
                if (isUnread && node.Get(key) is { IsNull: false } given)
                {
                    errors.Add(given, $"does nothing with `schedule: {shape}`{(node.Get("schedule") is null ? ", the default" : "")}; it is for {shapes}");
                }
            }
        }

        void Require(bool isNeeded, string key, string otherwise)
        {
            if (isNeeded && node.Get(key) is null)
            {
                errors.Add(node.PathOf(key), $"missing; without it the value of `schedule: {shape}` {otherwise}", node.Line);
            }
        }
    }

    /// <summary>A constant.</summary>
    public static ValueSchedule Of(double value) => new() { From = value, To = value };

    /// <summary>A constant.</summary>
    public static implicit operator ValueSchedule(double value) => Of(value);

    /// <summary>The value at a point of training.</summary>
    public double ValueAt(Progress progress)
    {
        if (Schedule == ValueShape.Constant)
        {
            return From;
        }

        if (Schedule == ValueShape.Steps)
        {
            return From * Math.Pow(Factor, At.Count(epoch => progress.Epoch >= epoch));
        }

        var first = Schedule == ValueShape.WarmUp ? 0.0 : From;
        var end = Until ?? progress.TotalEpochs;
        var share = end <= Start ? (progress.Epoch >= end ? 1.0 : 0.0) : Math.Clamp((progress.Epoch - Start) / (end - Start), 0, 1);
        return Schedule == ValueShape.Cosine
            ? To + ((first - To) * 0.5 * (1 + Math.Cos(Math.PI * share)))
            : first + ((To - first) * share);
    }

    /// <summary>Every value the schedule can take lies between these two.</summary>
    public (double Low, double High) Bounds => Schedule switch
    {
        ValueShape.Constant => (From, From),
        ValueShape.Steps => (Math.Min(From, From * Math.Pow(Factor, At.Count)), Math.Max(From, From * Math.Pow(Factor, At.Count))),
        ValueShape.WarmUp => (Math.Min(0, To), Math.Max(0, To)),
        _ => (Math.Min(From, To), Math.Max(From, To)),
    };
}
