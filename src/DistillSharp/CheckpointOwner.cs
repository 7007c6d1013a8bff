using System.Collections;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using DistillSharp.Config;
using DistillSharp.Export;
using DistillSharp.Models;
using DistillSharp.RunLog;
using DistillSharp.Runs;

namespace DistillSharp;

/// <summary>
/// Whose checkpoints a folder holds, in a file beside them, so that another training does not end with the first one's weights. The weights
/// that training starts from are compared once it has finished: until then a checkpoint takes their place, whatever they are.
/// </summary>
internal sealed class CheckpointOwner
{
    private readonly string _file;
    private readonly Entry _entry;

    private CheckpointOwner(string file, Entry entry) => (_file, _entry) = (file, entry);

    /// <summary>Takes a folder that has no checkpoints, or goes on with one of the same training.</summary>
    /// <param name="checkpoints">The folder's checkpoints.</param>
    /// <param name="settings">What the training is, a line for each part.</param>
    /// <param name="weights">Hash of the weights that it starts from.</param>
    /// <exception cref="InvalidOperationException">They are another training's.</exception>
    public static CheckpointOwner Claim(CheckpointStore checkpoints, List<string> settings, string weights)
    {
        var (file, entry) = (Path.Combine(checkpoints.Folder, "training.json"), new Entry(settings, weights, false));
        if (checkpoints.LatestPath is null)
        {
            RunJson.Save(file, entry);
            return new CheckpointOwner(file, entry);
        }

        var before = File.Exists(file) ? RunJson.Load<Entry>(file) : null;
        var difference = before is null ? "what it was is not noted there"
            : settings.Except(before.Settings).FirstOrDefault() is { } setting ? "this one has " + setting
            : before.Settings.Count != settings.Count ? "this one has fewer terms"
            : !before.Settings.SequenceEqual(settings) ? "this one has its terms in another order"
            : before.IsFinished && before.Weights != weights ? "it has finished, and began with other weights"
            : null;
        return difference is null
            ? new CheckpointOwner(file, entry)
            : throw new InvalidOperationException($"{checkpoints.Folder} holds checkpoints of another training ({difference}); give another folder, or delete it");
    }

    /// <summary>Remembers that the training is done.</summary>
    public void Finish() => RunJson.Save(_file, _entry with { IsFinished = true });

    /// <summary>Hash of the names and shapes of a network's tensors.</summary>
    public static string ShapesOf(Network network) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join(
        '\n', network.state_dict().OrderBy(tensor => tensor.Key, StringComparer.Ordinal).Select(tensor => $"{tensor.Key} {string.Join(',', tensor.Value.shape)}")))));

    /// <summary>Hash of the weights of a training's networks.</summary>
    public static string WeightsOf(Network student, Network? teacher) => WeightsHash.Of(student) + (teacher is null ? "" : " " + WeightsHash.Of(teacher));

    /// <summary>A value of an option, or a record of options, as a text that is the same for equal ones.</summary>
    public static string Describe(object? value) => value switch
    {
        null => "null",
        string text => text,
        ConfigNode node => node.Scalar ?? (node.Items is { } list ? Describe(list) : YamlConfig.Write(node)),
        IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
        IEnumerable items => $"[{string.Join(", ", items.Cast<object?>().Select(Describe))}]",
        _ when ConfigBinder.OptionsOf(value.GetType()) is { Count: > 0 } options =>
            "{" + string.Join(", ", options.Select(option => $"{option.Key}: {Describe(option.Value.GetValue(value))}")) + "}",
        _ => value.ToString() ?? "",
    };

    private sealed record Entry(List<string> Settings, string Weights, bool IsFinished);
}
