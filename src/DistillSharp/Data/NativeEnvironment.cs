using System.Runtime.InteropServices;

namespace DistillSharp.Data;

/// <summary>
/// Environment variables as native libraries see them: on Unix <see cref="Environment.SetEnvironmentVariable(string, string?)"/> does not reach them, hence setenv.
/// </summary>
internal static partial class NativeEnvironment
{
    /// <summary>Sets a variable that the user has not set; to be called before what reads it is loaded.</summary>
    public static void SetDefault(string name, string value)
    {
        if (!OperatingSystem.IsWindows())
        {
            _ = SetVariable(name, value, 0);
        }
        else if (Environment.GetEnvironmentVariable(name) is null)
        {
            Environment.SetEnvironmentVariable(name, value);
        }
    }

    /// <summary>A variable's value; null where it is not set.</summary>
    public static string? Get(string name) =>
        OperatingSystem.IsWindows() ? Environment.GetEnvironmentVariable(name) : Marshal.PtrToStringUTF8(GetVariable(name));

    [LibraryImport("libc", EntryPoint = "setenv", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int SetVariable(string name, string value, int overwrite);

    [LibraryImport("libc", EntryPoint = "getenv", StringMarshalling = StringMarshalling.Utf8)]
    private static partial nint GetVariable(string name);
}
