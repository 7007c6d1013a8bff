using System.Runtime.InteropServices;

namespace DistillSharp.Cli;

/// <summary>
/// Ctrl-C and SIGTERM cancel once, so that the run saves; a second one within three seconds ends the process at once. A job of a run hears
/// SIGTERM alone: a terminal sends Ctrl-C to it and to the run, which passes it on, and the two together would end it unsaved. A command
/// that has nothing to save does not speak of it.
/// </summary>
internal sealed partial class Interruption : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);

    private readonly CancellationTokenSource _source = new();
    private readonly PosixSignalRegistration[] _registrations;
    private readonly bool _saves;
    private DateTime _first;

    public Interruption(bool ofAJob = false, bool saves = true)
    {
        _saves = saves;
        _registrations =
        [
            PosixSignalRegistration.Create(PosixSignal.SIGINT, ofAJob ? context => context.Cancel = true : Handle),
            PosixSignalRegistration.Create(PosixSignal.SIGTERM, Handle),
        ];
    }

    public CancellationToken Token => _source.Token;

    public void Dispose()
    {
        foreach (var registration in _registrations)
        {
            registration.Dispose();
        }

        _source.Dispose();
    }

    private void Handle(PosixSignalContext context)
    {
        context.Cancel = true;
        if (_source.IsCancellationRequested && DateTime.UtcNow - _first < Patience)
        {
            EndAtOnce();
        }

        _first = DateTime.UtcNow;
        if (_saves)
        {
            Console.Error.WriteLine("distill: saving … (again within 3 seconds to stop at once)");
        }

        _source.Cancel();
    }

    // Environment.Exit takes native libraries down under threads that still compute, which can crash; where it can be had, the way out that asks nobody.
    private static void EndAtOnce()
    {
        if (!OperatingSystem.IsWindows())
        {
            ExitProcess(ExitCode.Interrupted);
        }

        Environment.Exit(ExitCode.Interrupted);
    }

    [LibraryImport("libc", EntryPoint = "_exit")]
    private static partial void ExitProcess(int code);
}
