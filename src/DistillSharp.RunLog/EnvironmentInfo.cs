using System.Globalization;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;
using System.Text.Json;

namespace DistillSharp.RunLog;

/// <summary>Where a run took place: <c>environment.json</c>.</summary>
public sealed record EnvironmentInfo
{
    /// <summary>When it was captured (UTC).</summary>
    public DateTimeOffset Captured { get; init; }

    /// <summary>Operating system.</summary>
    public required string OperatingSystem { get; init; }

    /// <summary>Processor model.</summary>
    public required string Cpu { get; init; }

    /// <summary>Widest vector instructions of the processor that .NET uses.</summary>
    public required string VectorInstructions { get; init; }

    /// <summary>Processors this process may use.</summary>
    public int Cores { get; init; }

    /// <summary>Memory this process may use, bytes.</summary>
    public long MemoryBytes { get; init; }

    /// <summary>.NET runtime.</summary>
    public required string DotNet { get; init; }

    /// <summary>Versions of the packages that compute, by package name.</summary>
    public Dictionary<string, string> Packages { get; init; } = [];

    /// <summary>Threads that training was given; null where that was left to the library.</summary>
    public int? Threads { get; init; }

    /// <summary>Commit of the code; null where the build did not know it.</summary>
    public string? Commit { get; init; }

    /// <summary>The machine in a few words.</summary>
    public string Machine => string.Create(CultureInfo.InvariantCulture, $"{Cpu}, {Cores} {(Cores == 1 ? "core" : "cores")}, {MemoryBytes / 1e9:0.#} GB, {OperatingSystem}, {DotNet}");

    /// <summary>Looks at this process and its machine; loads no native library.</summary>
    /// <param name="threads">Threads that training gets.</param>
    /// <param name="time">Clock.</param>
    public static EnvironmentInfo Capture(int? threads = null, TimeProvider? time = null) => new()
    {
        Captured = (time ?? TimeProvider.System).GetUtcNow(),
        OperatingSystem = RuntimeInformation.OSDescription,
        Cpu = CpuModel(),
        VectorInstructions = Avx512F.IsSupported ? "AVX-512" : Avx2.IsSupported ? "AVX2" : AdvSimd.IsSupported ? "Advanced SIMD" : "none known",
        Cores = Environment.ProcessorCount,
        MemoryBytes = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes,
        DotNet = RuntimeInformation.FrameworkDescription,
        Packages = ReadPackages((AppContext.GetData("APP_CONTEXT_DEPS_FILES") as string)?.Split(';') ?? []),
        Threads = threads,
        Commit = CommitOf(typeof(EnvironmentInfo).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion),
    };

    /// <summary>Writes the file atomically.</summary>
    public void Save(string path) => RunJson.Save(path, this);

    /// <summary>Reads a file that <see cref="Save"/> wrote.</summary>
    /// <exception cref="InvalidDataException">It is not such a file.</exception>
    public static EnvironmentInfo Load(string path) => RunJson.Load<EnvironmentInfo>(path);

    /// <summary>Versions of the packages that compute, from the files that list an application's dependencies.</summary>
    internal static Dictionary<string, string> ReadPackages(IEnumerable<string> dependencyFiles)
    {
        var packages = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var file in dependencyFiles.Where(File.Exists))
        {
            using var document = JsonDocument.Parse(File.ReadAllBytes(file));
            foreach (var library in document.RootElement.TryGetProperty("libraries", out var libraries) ? libraries.EnumerateObject().Select(entry => entry.Name.Split('/')) : [])
            {
                if (library.Length == 2 && (library[0] is "TorchSharp" or "Microsoft.ML.OnnxRuntime" or "DistillSharp" || library[0].StartsWith("libtorch-c", StringComparison.Ordinal)))
                {
                    packages[library[0]] = library[1];
                }
            }
        }

        return new Dictionary<string, string>(packages);
    }

    /// <summary>The part after the + of a version such as <c>0.1.0+3f37586…</c>.</summary>
    internal static string? CommitOf(string? informationalVersion)
        => informationalVersion?.IndexOf('+', StringComparison.Ordinal) is >= 0 and var plus ? informationalVersion[(plus + 1)..] : null;

    private static string CpuModel()
    {
        const string Path = "/proc/cpuinfo";
        var line = File.Exists(Path) ? File.ReadLines(Path).FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal)) : null;
        return line?[(line.IndexOf(':', StringComparison.Ordinal) + 1)..].Trim()
            ?? Environment.GetEnvironmentVariable("PROCESSOR_IDENTIFIER")
            ?? RuntimeInformation.ProcessArchitecture.ToString();
    }
}
