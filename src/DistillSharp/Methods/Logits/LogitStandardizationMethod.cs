using DistillSharp.Config;
using DistillSharp.Data;
using DistillSharp.Losses;
using DistillSharp.Losses.Logits;
using DistillSharp.Signals;

namespace DistillSharp.Methods.Logits;

/// <summary>Options of <c>logit_standardization</c>.</summary>
public sealed record LogitStandardizationOptions : ICheckedOptions
{
    private static readonly Dictionary<string, MethodEntry> Wrapped = new[]
    {
        SoftTarget.Entry, DkdMethod.Entry, WeightedSoftLabelsMethod.Entry, GeneralizedJsdMethod.Entry, SkewedKlMethod.Entry,
    }.ToDictionary(entry => entry.Name);

    /// <summary>Base temperature of soft targets.</summary>
    [Option("temperature after standardization (soft_target); other methods take theirs from `with`", Min = 0, AboveMin = true)]
    public ValueSchedule Temperature { get; init; } = 2;

    /// <summary>The method that gets the standardized logits.</summary>
    [Option("the method that gets the standardized logits", OneOf = ["soft_target", "dkd", "weighted_soft_labels", "generalized_jsd", "skewed_kl"])]
    public string Wraps { get; init; } = "soft_target";

    /// <summary>Options of the wrapped method.</summary>
    [Option("options of the wrapped method, such as `{beta: 8, temperature: 4}`")]
    public ConfigNode? With { get; init; }

    /// <summary>The wrapped method.</summary>
    internal MethodEntry Inner => Wrapped[Wraps];

    /// <summary>True where <see cref="Temperature"/> is that of the wrapped method.</summary>
    internal bool HasTemperature => Inner == SoftTarget.Entry && With?.Get("temperature") is null;

    /// <inheritdoc/>
    public void Check(ConfigNode node, ConfigErrors errors)
    {
        if (With is { } options)
        {
            new ConfigBinder(errors).Bind(Inner.OptionsType, options);
        }

        if (node.Get("temperature") is { } temperature && !HasTemperature)
        {
            errors.Add(temperature, $"does nothing: {Wraps} takes the one of `with`; leave it out, or give `with: {{temperature: {(temperature.Scalar ?? "4")}}}` alone");
        }
    }

    /// <summary>Builds the wrapped method.</summary>
    /// <exception cref="ConfigException">Its options are wrong.</exception>
    internal Method Create(MethodContext context)
    {
        var entry = Inner;
        var errors = new ConfigErrors();
        var options = With is { } given ? new ConfigBinder(errors).Bind(entry.OptionsType, given) : Activator.CreateInstance(entry.OptionsType)!;
        errors.ThrowIfAny();
        if (options is SoftTargetOptions soft && HasTemperature)
        {
            options = soft with { Temperature = Temperature };
        }

        return entry.Create(options, context);
    }
}

/// <summary>Any KL method on logits that have mean 0 and standard deviation 1 in every row.</summary>
public sealed class LogitStandardizationMethod : Method
{
    private readonly Method wrapped;

    /// <summary>Builds it and the method that it wraps.</summary>
    /// <exception cref="ArgumentException">The wrapped method does not fit the models.</exception>
    /// <exception cref="ConfigException">The wrapped method's options are wrong.</exception>
    public LogitStandardizationMethod(LogitStandardizationOptions options, MethodContext context)
        : base("logit_standardization")
    {
        wrapped = options.Create(context);
        RegisterComponents();
    }

    /// <summary>The catalog's entry.</summary>
    public static MethodEntry Entry { get; } = new(
        "logit_standardization",
        "soft targets (or another KL method) of logits standardized row by row",
        "Sun et al.: Logit Standardization in Knowledge Distillation, CVPR 2024",
        typeof(LogitStandardizationOptions),
        MethodTraits.ShiftInvariant | MethodTraits.ZeroAtTeacher | MethodTraits.Sequences,
        (options, context) => new LogitStandardizationMethod((LogitStandardizationOptions)options, context))
    {
        Variant = "unbiased standard deviation plus 1e-7; soft targets keep the factor T²",
        Inner = options => ((LogitStandardizationOptions)options).Inner,
    };

    /// <inheritdoc/>
    public override LossTerm Compute(MethodInput input) =>
        wrapped.Compute(input with { Student = Standardized(input.Student), TeacherOrNone = Standardized(input.Teacher) });

    /// <inheritdoc/>
    public override double CountOf(Batch batch) => wrapped.CountOf(batch);

    /// <inheritdoc/>
    internal override bool CountsPositions => wrapped.CountsPositions;

    private static ModelSignals Standardized(ModelSignals signals) =>
        signals with { Logits = signals.Logits with { Value = StandardizedLogits.Of(signals.Logits.Value) } };
}
