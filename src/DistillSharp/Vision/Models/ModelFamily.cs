using DistillSharp.Data;
using DistillSharp.Models;

namespace DistillSharp.Vision.Models;

/// <summary>Networks that differ in their options alone, and the catalog entries made of them.</summary>
/// <param name="Name">Recipe name of the family, whose options can be chosen.</param>
/// <param name="Summary">One line for <c>distill list models</c>.</param>
/// <param name="Paper">Where it comes from.</param>
/// <param name="Points">Feature points for given options, known without building a network.</param>
/// <param name="Create">Builds a network for a dataset.</param>
internal sealed record ModelFamily<TOptions>(
    string Name,
    string Summary,
    string Paper,
    Func<TOptions, IReadOnlyList<FeaturePoint>> Points,
    Func<TOptions, DatasetInfo, Network> Create)
    where TOptions : class, new()
{
    /// <summary>Why a network with given options cannot be built for samples of a shape; null where samples of any shape will do.</summary>
    public Func<TOptions, DatasetInfo, ShapeFault?>? FaultOf { get; init; }

    /// <summary>The entry whose options a recipe chooses.</summary>
    public ModelEntry Entry => new(
        Name,
        Summary,
        Paper,
        typeof(TOptions),
        options => Names((TOptions)options),
        (options, data) => Create((TOptions)options, data))
    {
        FaultOf = (options, data) => FaultOf?.Invoke((TOptions)options, data),
    };

    /// <summary>An entry whose name says everything.</summary>
    public ModelEntry Named(string name, string summary, TOptions options) => new(
        name,
        summary,
        Paper,
        typeof(NamedModelOptions),
        _ => Names(options),
        (_, data) => Create(options, data))
    {
        // Its options are not the recipe's to change.
        FaultOf = (_, data) => FaultOf?.Invoke(options, data) is { } fault ? fault with { Option = null } : null,
    };

    private string[] Names(TOptions options) => [.. Points(options).Select(point => point.Name)];
}
