using System.Reflection;
using DistillSharp.Config;

namespace DistillSharp.Recipes;

/// <summary>Loads the assemblies of <c>plugins:</c>. They run with the user's rights: a recipe that names plugins is as trusted as a program.</summary>
public static class PluginLoader
{
    /// <summary>Registers every plugin of the listed assemblies; faults are reported at their path.</summary>
    /// <param name="root">The recipe.</param>
    /// <param name="folder">Folder that relative paths start from.</param>
    /// <param name="catalogs">What plugins add to.</param>
    /// <param name="errors">Where faults go.</param>
    public static void Load(ConfigNode root, string folder, Catalogs catalogs, ConfigErrors errors)
    {
        var plugins = root.Get("plugins");
        foreach (var node in plugins?.Items ?? (plugins is null ? [] : [plugins]))
        {
            if (string.IsNullOrEmpty(node.Scalar))
            {
                errors.Add(node, "must be a .dll file, or a list of them");
                continue;
            }

            var path = Path.GetFullPath(Path.Combine(folder, node.Scalar));
            if (!File.Exists(path))
            {
                errors.Add(node, $"there is no file {path}");
                continue;
            }

            try
            {
                // LoadFrom also finds the assemblies beside the plugin that it needs.
                Register(Assembly.LoadFrom(path), node, catalogs, errors);
            }
            catch (Exception error) when (error is BadImageFormatException or IOException or TypeLoadException or ReflectionTypeLoadException)
            {
                errors.Add(node, $"not a .NET assembly that can be loaded here: {error.Message}");
            }
        }
    }

    private static void Register(Assembly assembly, ConfigNode node, Catalogs catalogs, ConfigErrors errors)
    {
        var types = assembly.GetExportedTypes().Where(type => typeof(IDistillPlugin).IsAssignableFrom(type) && type is { IsAbstract: false, IsInterface: false }).ToList();
        if (types.Count == 0)
        {
            errors.Add(node, "the assembly has no public class that implements DistillSharp.Recipes.IDistillPlugin");
        }

        foreach (var type in types)
        {
            try
            {
                ((IDistillPlugin)Activator.CreateInstance(type)!).Register(catalogs);
            }
            catch (Exception error)
            {
                // Whatever a plugin throws is a fault of the recipe that names it.
                errors.Add(node, $"{type.FullName} could not register: {(error.InnerException ?? error).Message}");
            }
        }
    }
}
