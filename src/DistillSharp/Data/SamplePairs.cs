namespace DistillSharp.Data;

/// <summary>The samples of each class, from which a sample's partner is drawn.</summary>
internal sealed class SamplePairs
{
    private readonly Dataset _data;
    private readonly Dictionary<int, int[]> _members;
    private readonly int[] _ranks;

    /// <summary>Groups the positions of a dataset by label.</summary>
    /// <exception cref="ArgumentException">A class has one sample, which could have no partner.</exception>
    public SamplePairs(Dataset data)
    {
        _data = data;
        _members = Enumerable.Range(0, data.Count).Where(position => data.Label(position) >= 0).GroupBy(data.Label).ToDictionary(group => group.Key, group => group.ToArray());
        _ranks = new int[data.Count];
        foreach (var (label, members) in _members)
        {
            if (members.Length == 1)
            {
                throw new ArgumentException(
                    $"class `{data.Info.Classes.ElementAtOrDefault(label) ?? $"{label}"}` has one training sample in {data.Info.Name}, and a pair needs two different ones; use more samples or leave the class out");
            }

            for (var i = 0; i < members.Length; i++)
            {
                _ranks[members[i]] = i;
            }
        }
    }

    /// <summary>Another position of the same class; the position itself where it has no label.</summary>
    public int Draw(int position, StableRandom random)
    {
        if (_data.Label(position) < 0)
        {
            return position;
        }

        var members = _members[_data.Label(position)];
        var drawn = random.Below(members.Length - 1);
        return members[drawn >= _ranks[position] ? drawn + 1 : drawn];
    }
}
