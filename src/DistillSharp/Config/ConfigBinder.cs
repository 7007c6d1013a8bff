using System.Collections;
using System.Globalization;
using System.Reflection;
using System.Text;

namespace DistillSharp.Config;

/// <summary>A check across the keys of one options record, run after its keys were read.</summary>
public interface ICheckedOptions
{
    /// <summary>Reports what is wrong between the keys of this record.</summary>
    void Check(ConfigNode node, ConfigErrors errors);
}

/// <summary>
/// Reads a <see cref="ConfigNode"/> into an options record: keys are property names in snake_case, ranges come from
/// <see cref="OptionAttribute"/>, unknown keys and every other fault are reported with their path.
/// <c>null</c> and <c>~</c> of an option that may be null leave it as it is by default.
/// </summary>
public sealed class ConfigBinder(ConfigErrors errors)
{
    private readonly Dictionary<Type, Func<ConfigNode, object?>> _readers = [];

    /// <summary>Where faults go.</summary>
    public ConfigErrors Errors { get; } = errors;

    /// <summary>Reads values of <typeparamref name="T"/> by a function of its own; it reports faults and returns null.</summary>
    public ConfigBinder Use<T>(Func<ConfigNode, T?> read)
        where T : class
    {
        _readers[typeof(T)] = read;
        return this;
    }

    /// <summary>Reads a map into <typeparamref name="T"/>; faulty keys keep their defaults.</summary>
    /// <param name="node">The map.</param>
    /// <param name="ignored">Keys that somebody else reads.</param>
    public T Bind<T>(ConfigNode node, params ReadOnlySpan<string> ignored) => (T)Bind(typeof(T), node, ignored);

    /// <summary>Reads a map into a record of the given type; faulty keys keep their defaults.</summary>
    public object Bind(Type type, ConfigNode node, params ReadOnlySpan<string> ignored)
    {
        var record = Activator.CreateInstance(type)!;
        if (node.Entries is not { } entries)
        {
            Errors.Add(node, "must be a map of keys");
            return record;
        }

        var options = OptionsOf(type);
        foreach (var (key, value) in entries)
        {
            if (options.TryGetValue(key, out var property))
            {
                if (!IsTakenBack(property, value) && TryRead(property.PropertyType, value, property.GetCustomAttribute<OptionAttribute>(), out var read))
                {
                    property.SetValue(record, read);
                }
            }
            else if (!ignored.Contains(key))
            {
                Errors.Add(value.Path, $"unknown key; {NearestName.Hint(key, options.Keys.Concat(ignored.ToArray()))}", value.Line);
            }
        }

        foreach (var (key, property) in options)
        {
            if (property.GetCustomAttribute<OptionAttribute>()!.Required && !entries.ContainsKey(key))
            {
                Errors.Add(node.PathOf(key), $"missing; {property.GetCustomAttribute<OptionAttribute>()!.Meaning}", node.Line);
            }
        }

        (record as ICheckedOptions)?.Check(node, Errors);
        return record;
    }

    /// <summary>The options of a record type by key, in the order of declaration.</summary>
    public static IReadOnlyDictionary<string, PropertyInfo> OptionsOf(Type type)
    {
        var found = new OrderedDictionary<string, PropertyInfo>();
        foreach (var property in type.GetProperties(BindingFlags.Public | BindingFlags.Instance))
        {
            if (property.GetCustomAttribute<OptionAttribute>() is not null)
            {
                found[SnakeCase(property.Name)] = property;
            }
        }

        return found;
    }

    /// <summary>HardLabels → hard_labels.</summary>
    public static string SnakeCase(string name)
    {
        var text = new StringBuilder();
        for (var i = 0; i < name.Length; i++)
        {
            if (i > 0 && char.IsUpper(name[i]) && (!char.IsUpper(name[i - 1]) || (i + 1 < name.Length && char.IsLower(name[i + 1]))))
            {
                text.Append('_');
            }

            text.Append(char.ToLowerInvariant(name[i]));
        }

        return text.ToString();
    }

    // YAML's null, by which an override takes back what a recipe gives: as if the key were not there.
    private static bool IsTakenBack(PropertyInfo property, ConfigNode node) =>
        node.IsNull && new NullabilityInfoContext().Create(property).WriteState == NullabilityState.Nullable;

    private bool TryRead(Type type, ConfigNode node, OptionAttribute? option, out object? value)
    {
        var before = Errors.All.Count;
        value = Read(Nullable.GetUnderlyingType(type) ?? type, node, option);
        return Errors.All.Count == before || value is not null;
    }

    private object? Read(Type type, ConfigNode node, OptionAttribute? option)
    {
        if (_readers.TryGetValue(type, out var reader))
        {
            return reader(node);
        }

        if (type == typeof(ValueSchedule))
        {
            return ReadSchedule(node, option);
        }

        if (type == typeof(ConfigNode))
        {
            return node;
        }

        if (type.IsGenericType && type.GetGenericTypeDefinition() == typeof(IReadOnlyList<>))
        {
            return ReadList(type.GetGenericArguments()[0], node, option);
        }

        if (type.IsGenericType && type.GetGenericTypeDefinition() == typeof(IReadOnlyDictionary<,>))
        {
            return ReadDictionary(type.GetGenericArguments()[1], node, option);
        }

        if (type.IsClass && type != typeof(string))
        {
            return Bind(type, node);
        }

        return ReadScalar(type, node, option);
    }

    private object? ReadScalar(Type type, ConfigNode node, OptionAttribute? option)
    {
        if (node.Scalar is not { } text)
        {
            Errors.Add(node, $"must be {Describe(type, option)}");
            return null;
        }

        if (type == typeof(string))
        {
            if (option?.OneOf is { } allowed && !allowed.Contains(text))
            {
                Errors.Add(node, $"unknown; {NearestName.Hint(text, allowed)}");
                return null;
            }

            return text;
        }

        if (type == typeof(bool))
        {
            return bool.TryParse(text, out var flag) ? flag : Fail(node, type, option);
        }

        if (type.IsEnum)
        {
            var names = Enum.GetNames(type).ToDictionary(SnakeCase, name => Enum.Parse(type, name));
            if (!names.TryGetValue(text, out var member))
            {
                Errors.Add(node, $"unknown; {NearestName.Hint(text, names.Keys)}");
                return null;
            }

            return member;
        }

        if (!double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) || !double.IsFinite(number))
        {
            return Fail(node, type, option);
        }

        if (!InRange(number, number, option))
        {
            return Fail(node, type, option);
        }

        if (type == typeof(double))
        {
            return number;
        }

        if (number != Math.Floor(number) || Math.Abs(number) > (type == typeof(int) ? int.MaxValue : 9e15))
        {
            return Fail(node, type, option);
        }

        return type == typeof(int) ? (object)(int)number : (long)number;
    }

    private ValueSchedule? ReadSchedule(ConfigNode node, OptionAttribute? option)
    {
        if (node.Entries is null)
        {
            return ReadScalar(typeof(double), node, option) is double number ? ValueSchedule.Of(number) : null;
        }

        var schedule = Bind<ValueSchedule>(node);
        var (low, high) = schedule.Bounds;
        if (!InRange(low, high, option))
        {
            Errors.Add(node, $"every value of the schedule must be {Describe(typeof(double), option)}; it runs from {Invariant(low)} to {Invariant(high)}");
            return null;
        }

        return schedule;
    }

    private object ReadList(Type itemType, ConfigNode node, OptionAttribute? option)
    {
        var list = (IList)Activator.CreateInstance(typeof(List<>).MakeGenericType(itemType))!;
        // A single value stands for a list of one.
        foreach (var item in node.Items ?? [node])
        {
            if (TryRead(itemType, item, option, out var value) && value is not null)
            {
                list.Add(value);
            }
        }

        return list;
    }

    private object ReadDictionary(Type valueType, ConfigNode node, OptionAttribute? option)
    {
        var map = (IDictionary)Activator.CreateInstance(typeof(OrderedDictionary<,>).MakeGenericType(typeof(string), valueType))!;
        if (node.Entries is null)
        {
            Errors.Add(node, "must be a map of names");
            return map;
        }

        foreach (var (key, entry) in node.Entries)
        {
            if (TryRead(valueType, entry, option, out var value) && value is not null)
            {
                map[key] = value;
            }
        }

        return map;
    }

    private static bool InRange(double low, double high, OptionAttribute? option) =>
        option is null || (high <= option.Max && (option.AboveMin ? low > option.Min : low >= option.Min));

    private object? Fail(ConfigNode node, Type type, OptionAttribute? option)
    {
        Errors.Add(node, $"must be {Describe(type, option)}");
        return null;
    }

    /// <summary>"a number above 0", for messages and docs.</summary>
    public static string Describe(Type type, OptionAttribute? option)
    {
        type = Nullable.GetUnderlyingType(type) ?? type;
        if (type.IsGenericType && type.GetGenericTypeDefinition() == typeof(IReadOnlyList<>))
        {
            return "a list, each item " + Describe(type.GetGenericArguments()[0], option);
        }

        if (type.IsEnum)
        {
            return "one of " + string.Join(", ", Enum.GetNames(type).Select(SnakeCase));
        }

        if (type == typeof(bool))
        {
            return "true or false";
        }

        if (type == typeof(string))
        {
            return option?.OneOf is { } allowed ? "one of " + string.Join(", ", allowed) : "text";
        }

        if (type != typeof(int) && type != typeof(long) && type != typeof(double) && type != typeof(ValueSchedule))
        {
            return "a map of keys";
        }

        var kind = type == typeof(int) || type == typeof(long) ? "a whole number" : "a number";
        if (option is null || (double.IsNegativeInfinity(option.Min) && double.IsPositiveInfinity(option.Max)))
        {
            return kind;
        }

        var low = double.IsNegativeInfinity(option.Min) ? "" : option.AboveMin ? $"above {Invariant(option.Min)}" : $"at least {Invariant(option.Min)}";
        var high = double.IsPositiveInfinity(option.Max) ? "" : $"at most {Invariant(option.Max)}";
        return $"{kind} {string.Join(" and ", new[] { low, high }.Where(part => part.Length > 0))}";
    }

    private static string Invariant(double value) => value.ToString(CultureInfo.InvariantCulture);
}
