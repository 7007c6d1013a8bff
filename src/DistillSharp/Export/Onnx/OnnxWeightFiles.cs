namespace DistillSharp.Export.Onnx;

/// <summary>The files beside an ONNX file that hold its weights.</summary>
public static class OnnxWeightFiles
{
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

            if (File.ResolveLinkTarget(full, returnFinalTarget: true) is { } target && !IsBelow(target.FullName, folder))
            {
                throw new InvalidDataException($"{model} keeps weights in `{name}`, a link to {target.FullName} outside of its folder; such a file is not read");
            }
        }
    }

    private static bool IsBelow(string file, string folder) => file.StartsWith(Path.TrimEndingDirectorySeparator(folder) + Path.DirectorySeparatorChar, StringComparison.Ordinal);
}
