using DistillSharp.RunLog;

namespace DistillSharp.Tests;

/// <summary>Keeps every event of a run.</summary>
internal sealed class RecordingSink : IRunEventSink
{
    public List<RunEvent> Written { get; } = [];

    public void Write(RunEvent runEvent) => Written.Add(runEvent);
}
