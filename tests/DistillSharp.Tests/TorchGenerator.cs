namespace DistillSharp.Tests;

/// <summary>
/// Tests whose numbers come from torch's own generator. There is one a process, and another test that draws from it in between would
/// change them, so nothing runs beside these.
/// </summary>
[CollectionDefinition(nameof(TorchGenerator), DisableParallelization = true)]
public sealed class TorchGenerator;
