using DistillSharp.Config;

namespace DistillSharp.Recipes;

/// <summary>Lays maps over each other key by key, so that a teacher, an objective or a stage changes only what it names.</summary>
internal static class NodeMerge
{
    /// <summary>The entries of all maps; later ones win. Values keep their own paths for error messages.</summary>
    public static ConfigNode Merge(string path, IReadOnlyList<ConfigNode?> maps)
    {
        var entries = new OrderedDictionary<string, ConfigNode>();
        var line = 0;
        foreach (var map in maps)
        {
            if (map?.Entries is null)
            {
                continue;
            }

            line = map.Line;
            foreach (var (key, value) in map.Entries)
            {
                entries[key] = value;
            }
        }

        return maps.LastOrDefault(map => map is not null) is { Entries: null } wrong ? wrong : ConfigNode.Map(path, entries, line);
    }
}
