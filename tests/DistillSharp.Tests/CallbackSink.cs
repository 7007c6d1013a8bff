using DistillSharp.RunLog;

namespace DistillSharp.Tests;

/// <summary>Hands every event of a run on.</summary>
internal sealed class CallbackSink(Action<RunEvent> seen) : IRunEventSink
{
    public void Write(RunEvent runEvent) => seen(runEvent);
}
