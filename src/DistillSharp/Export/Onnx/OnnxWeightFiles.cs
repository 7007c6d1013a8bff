using DistillSharp.Config;

namespace DistillSharp.Export.Onnx;

/// <summary>The files beside an ONNX file that hold its weights.</summary>
public static class OnnxWeightFiles
{
    // As many as Linux follows on its way to a file.
    private const int MostLinks = 40;

    /// <summary>SHA-256 of an ONNX file and of the files that hold its weights.</summary>
    /// <param name="model">The ONNX file.</param>
    /// <param name="names">The files as it names them.</param>
    public static string Sha256(string model, IEnumerable<string> names) =>
        string.Join("+", names.Select(name => Path.Combine(Path.GetDirectoryName(model)!, name)).Prepend(model).Select(FileHash.Sha256));

    /// <summary>Bytes of an ONNX file and of the files that hold its weights.</summary>
    /// <param name="model">The ONNX file.</param>
    /// <param name="names">The files as it names them.</param>
    public static long Bytes(string model, IEnumerable<string> names) =>
        names.Select(name => Path.Combine(Path.GetDirectoryName(model)!, name)).Prepend(model).Sum(file => FileTarget.Of(file).Length);

    /// <summary>
    /// Refuses files that are not there, and names that lead out of the model's folder: a model from elsewhere must not make a program
    /// read other files of the machine.
    /// </summary>
    /// <param name="model">The ONNX file.</param>
    /// <param name="names">The files as it names them.</param>
    /// <exception cref="InvalidDataException">A file is missing or elsewhere.</exception>
    public static void Check(string model, IEnumerable<string> names)
    {
        var folder = Path.GetDirectoryName(Path.GetFullPath(model))!;
        foreach (var name in names)
        {
            var full = Path.GetFullPath(Path.Combine(folder, name));
            if (Path.IsPathRooted(name) || name.Length == 0 || !IsBelow(full, folder))
            {
                throw new InvalidDataException($"{model} keeps weights in `{name}`, which is outside of its folder; such a file is not read");
            }

            if (!File.Exists(full))
            {
                throw new InvalidDataException($"{model} keeps weights in `{name}`, and there is no such file beside it: copy it along");
            }

            if (Outside(full, folder, MostLinks) is { } target)
            {
                throw new InvalidDataException($"{model} keeps weights in `{name}`, which a link leads to {target} outside of its folder; such a file is not read");
            }
        }
    }

    // Where a link leads that is the file or one of the folders that it is in, or lies behind such a link; null where all stay below the model's folder.
    private static string? Outside(string file, string folder, int links)
    {
        for (var at = file; IsBelow(at, folder); at = Path.GetDirectoryName(at)!)
        {
            if (File.ResolveLinkTarget(at, returnFinalTarget: true)?.FullName is not { } target)
            {
                continue;
            }

            if (links == 0 || !IsBelow(target, folder))
            {
                return target;
            }

            if (Outside(target, folder, links - 1) is { } further)
            {
                return further;
            }
        }

        return null;
    }

    private static bool IsBelow(string file, string folder) => file.StartsWith(Path.TrimEndingDirectorySeparator(folder) + Path.DirectorySeparatorChar, StringComparison.Ordinal);
}
