using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using TorchSharp;

namespace DistillSharp.Data;

/// <summary>How libtorch uses this process; to be called before anything else touches torch.</summary>
public static partial class TorchRuntime
{
    // glibc's names in malloc.h.
    private const int TrimThreshold = -1;
    private const int MmapThreshold = -3;
    private const int LargestFromHeap = 512 << 20;

    private static bool _configured;

    /// <summary>
    /// Sets passive waiting, keeps freed memory for the next step, and sets the thread count of operations that the calling thread starts. libgomp reads its
    /// environment when libtorch loads.
    /// </summary>
    /// <param name="threads">Threads of one operation.</param>
    public static void Configure(int threads)
    {
        if (!_configured && !OperatingSystem.IsWindows())
        {
            NativeEnvironment.SetDefault("OMP_WAIT_POLICY", "PASSIVE");
        }

        if (!_configured)
        {
            KeepFreedMemory();
        }

        // OpenMP remembers the count for each calling thread, so what another thread has set does not do.
        _configured = true;
        torch.set_num_threads(threads);
    }

    /// <summary>
    /// From here on has this process compute convolutions as products of matrices in the place of oneDNN's kernels, where the processor has AVX-512: there
    /// oneDNN 3.7 gives wrong numbers for channels that do not fill a register. Elsewhere nothing changes. On Windows oneDNN stays in use.
    /// </summary>
    public static void ConvolveAsProducts()
    {
        if (OperatingSystem.IsLinux() && Avx512F.IsSupported)
        {
            UseOneDnn(false);
        }
    }

    /// <summary>Switches oneDNN on or off for the whole process; TorchSharp has no call for it. Linux only.</summary>
    /// <exception cref="EntryPointNotFoundException">This libtorch has no such switch.</exception>
    internal static void UseOneDnn(bool use)
    {
        torch.InitializeDeviceType(DeviceType.CPU);
        SetOneDnn(GlobalContext(), use);
    }

    /// <summary>Whether oneDNN may be used. Linux only.</summary>
    internal static bool UsesOneDnn()
    {
        torch.InitializeDeviceType(DeviceType.CPU);
        return OneDnn(GlobalContext());
    }

    /// <summary>The wait policy as native code sees it.</summary>
    public static string? NativeWaitPolicy() => NativeEnvironment.Get("OMP_WAIT_POLICY");

    /// <summary>The device a recipe names.</summary>
    /// <exception cref="InvalidOperationException">CUDA is asked for and not there.</exception>
    public static torch.Device Device(string name)
    {
        if (name == "cpu")
        {
            return torch.CPU;
        }

        return torch.cuda.is_available()
            ? torch.device(name)
            : throw new InvalidOperationException($"device `{name}` is not available: build with -p:TorchBackend=cuda on a machine with an NVIDIA driver, or use cpu");
    }

    // By default glibc gives the memory of large tensors back to the system in every step and takes it anew, page by page.
    private static void KeepFreedMemory()
    {
        if (!OperatingSystem.IsLinux() || new[] { "MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_", "GLIBC_TUNABLES" }.Any(name => NativeEnvironment.Get(name) is not null))
        {
            return;
        }

        try
        {
            _ = SetAllocation(MmapThreshold, LargestFromHeap);
            _ = SetAllocation(TrimThreshold, int.MaxValue);
        }
        catch (EntryPointNotFoundException)
        {
            // Another C library, which has allocation rules of its own.
        }
    }

    [LibraryImport("libc", EntryPoint = "mallopt")]
    private static partial int SetAllocation(int parameter, int value);

    // Members of C++ classes by their names in the library: there is no other way to the switch.
    [LibraryImport("libtorch_cpu", EntryPoint = "_ZN2at13globalContextEv")]
    private static partial nint GlobalContext();

    [LibraryImport("libtorch_cpu", EntryPoint = "_ZN2at7Context20setUserEnabledMkldnnEb")]
    private static partial void SetOneDnn(nint context, [MarshalAs(UnmanagedType.U1)] bool use);

    [LibraryImport("libtorch_cpu", EntryPoint = "_ZNK2at7Context17userEnabledMkldnnEv")]
    [return: MarshalAs(UnmanagedType.U1)]
    private static partial bool OneDnn(nint context);
}
