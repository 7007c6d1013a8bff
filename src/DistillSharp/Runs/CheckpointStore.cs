using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using DistillSharp.Export;
using static TorchSharp.torch;

namespace DistillSharp.Runs;

/// <summary>A checkpoint that was read: its tensors and the state text beside them.</summary>
public sealed record SavedCheckpoint(IReadOnlyDictionary<string, Tensor> Tensors, string State) : IDisposable
{
    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var tensor in Tensors.Values)
        {
            tensor.Dispose();
        }
    }
}

/// <summary>
/// The checkpoints of one job: one safetensors file each, tensors and state together, so that a file is either whole or not
/// there. The newest few are kept. A damaged newest one is reported and the one before it is used.
/// </summary>
public sealed class CheckpointStore(string folder, int keep, Action<string> warn)
{
    private const string StateKey = "state";
    private const string StateHashKey = "state_sha256";
    private const string HashKey = "tensors_sha256";

    /// <summary>Where the files are.</summary>
    public string Folder { get; } = folder;

    /// <summary>The newest checkpoint file, or null.</summary>
    public string? LatestPath => Files().FirstOrDefault();

    /// <summary>Writes a checkpoint and deletes those that are too old; returns its path.</summary>
    /// <exception cref="IOException">It could not be written; earlier checkpoints are untouched.</exception>
    public string Write(long step, IReadOnlyDictionary<string, Tensor> tensors, string state)
    {
        var path = Path.Combine(Folder, string.Create(CultureInfo.InvariantCulture, $"step-{step:D9}.safetensors"));
        WriteFile(path, tensors, new Dictionary<string, string> { [StateKey] = state, [StateHashKey] = HashOf(state) });
        foreach (var old in Files().Skip(keep))
        {
            File.Delete(old);
        }

        return path;
    }

    /// <summary>Writes the best weights so far; returns the file's name.</summary>
    public string WriteBest(long step, IReadOnlyDictionary<string, Tensor> tensors)
    {
        var name = string.Create(CultureInfo.InvariantCulture, $"best-{step:D9}.safetensors");
        WriteFile(Path.Combine(Folder, name), tensors, new Dictionary<string, string>());
        return name;
    }

    /// <summary>Reads what <see cref="WriteBest"/> wrote.</summary>
    public SavedCheckpoint ReadBest(string name)
    {
        using var file = new SafetensorsFile(Path.Combine(Folder, name));
        return new SavedCheckpoint(Kept(file), "");
    }

    /// <summary>Deletes a best file that has been overtaken.</summary>
    public void DeleteBest(string name) => File.Delete(Path.Combine(Folder, name));

    /// <summary>The newest readable checkpoint; null where there is none at all.</summary>
    /// <exception cref="InvalidDataException">There are checkpoints and none can be read.</exception>
    public SavedCheckpoint? ReadLatest()
    {
        var faults = new List<string>();
        foreach (var path in Files())
        {
            try
            {
                using var file = new SafetensorsFile(path);
                if (file.Metadata.TryGetValue(StateKey, out var state))
                {
                    if (file.Metadata.GetValueOrDefault(StateHashKey) != HashOf(state))
                    {
                        throw new InvalidDataException("the state is not the one that was written (its hash differs)");
                    }

                    faults.ForEach(warn);
                    return new SavedCheckpoint(Kept(file), state);
                }

                faults.Add($"{path} is not a checkpoint: it has no state");
            }
            catch (InvalidDataException error)
            {
                faults.Add($"checkpoint {path} is damaged and was skipped: {error.Message}");
            }
        }

        return faults.Count == 0
            ? null
            : throw new InvalidDataException(string.Join(Environment.NewLine, faults) + Environment.NewLine + $"No checkpoint in {Folder} can be read. Delete the folder to train this job from the start.");
    }

    private static string HashOf(string state) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(state)));

    private static Dictionary<string, Tensor> Kept(SafetensorsFile file)
    {
        var tensors = file.ReadAll();
        if (file.Metadata.GetValueOrDefault(HashKey) != WeightsHash.Of(tensors))
        {
            foreach (var tensor in tensors.Values)
            {
                tensor.Dispose();
            }

            throw new InvalidDataException($"{file.Path}: the tensors are not those that were written (their hash differs)");
        }

        return tensors.ToDictionary(entry => entry.Key, entry => entry.Value.DetachFromDisposeScope());
    }

    private static void WriteFile(string path, IReadOnlyDictionary<string, Tensor> tensors, IReadOnlyDictionary<string, string> metadata)
    {
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            Safetensors.Write(path, tensors, new Dictionary<string, string>(metadata) { [HashKey] = WeightsHash.Of(tensors) });
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new IOException($"could not write checkpoint {path}: {error.Message} Earlier checkpoints are untouched; free the space or the folder, then resume.", error);
        }
    }

    private IEnumerable<string> Files() => Directory.Exists(Folder)
        ? Directory.EnumerateFiles(Folder, "step-*.safetensors").OrderDescending(StringComparer.Ordinal)
        : [];
}
