using System.CommandLine;
using System.Text.Json;
using DistillSharp.Config;

namespace DistillSharp.Cli;

/// <summary>Turns what goes wrong into a message on standard error and an exit code. A user's mistake shows no stack trace.</summary>
internal static class Failures
{
    /// <summary>Runs a command's work.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="work">Gives the exit code.</param>
    /// <param name="saves">False for a command that keeps nothing where it is interrupted.</param>
    public static int Guard(ParseResult parsed, Func<int> work, bool saves = true)
    {
        try
        {
            return work();
        }
        catch (ConfigException error)
        {
            Report(error);
            return ExitCode.Usage;
        }
        catch (OperationCanceledException)
        {
            Console.Error.WriteLine(saves ? "distill: interrupted; what was done is saved" : "distill: interrupted");
            return ExitCode.Interrupted;
        }
        catch (Exception error)
        {
            var inner = Unwrap(error);
            Console.Error.WriteLine($"distill: {inner.Message}");
            if (parsed.GetValue(CommonOptions.Debug))
            {
                Console.Error.WriteLine(error);
            }
            else if (!IsExpected(inner))
            {
                Console.Error.WriteLine($"({inner.GetType().Name}; run again with --debug for the stack trace)");
            }

            return inner is UsageException ? ExitCode.Usage : ExitCode.Failed;
        }
    }

    private static void Report(ConfigException error)
    {
        Console.Error.WriteLine(error.Errors.Count == 1 ? "distill: there is a fault:" : $"distill: there are {error.Errors.Count} faults:");
        foreach (var fault in error.Errors)
        {
            Console.Error.WriteLine("  " + fault);
        }
    }

    private static Exception Unwrap(Exception error) => error switch
    {
        AggregateException { InnerException: { } inner } => Unwrap(inner),
        TypeInitializationException { InnerException: { } inner } => Unwrap(inner),
        _ => error,
    };

    private static bool IsExpected(Exception error) => error
        is IOException or InvalidDataException or UnauthorizedAccessException or ArgumentException or InvalidOperationException
        or NotSupportedException or JsonException or UsageException or HttpRequestException
        or Training.TrainingDivergedException or Export.Onnx.ParityException or Doctor.DoctorFaultException or JobFailedException or JobsFailedException;
}

/// <summary>The command was used wrongly.</summary>
internal sealed class UsageException(string message) : Exception(message);

/// <summary>A job in another process failed; it has said why.</summary>
internal sealed class JobFailedException(string message) : Exception(message);
