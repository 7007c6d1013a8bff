using DistillSharp.Recipes;
using DistillSharp.RunLog;
using DistillSharp.Runs;

namespace DistillSharp.Tests;

/// <summary>What child processes do, without processes: one job after the other.</summary>
internal sealed class InProcessLauncher(Recipe recipe) : IJobLauncher
{
    private readonly Lock _one = new();

    public Task RunAsync(RunDirectory directory, string arm, int? seed, Action<RunEvent> events, CancellationToken cancellation) => Task.Run(
        () =>
        {
            lock (_one)
            {
                new Experiment(recipe, directory, new CallbackSink(events)).RunJob(arm, seed, cancellation);
            }
        },
        cancellation);
}
