using System.CommandLine;
using DistillSharp.Benchmarks;
using DistillSharp.Benchmarks.Speed;

var root = new RootCommand("Measurements of DistillSharp: speed against a bare TorchSharp loop, and the tables of benchmarks/results")
{
    SpeedCommand.Create(),
    StepRows.CreateChild(),
    MemoryRows.CreateChild(),
    DoctorSpeedCommand.Create(),
    FirstStepsCommand.Create(),
    PyTorchCommand.Create(),
    GrowthCommand.Create(),
    VariantsCommand.Create(),
    PerformanceCommand.Create(),
    MethodsCommand.Create(),
    TableCommand.Create(),
    ResultsCommands.CreateResults(),
    ResultsCommands.CreateRender(),
};
return await root.Parse(args).InvokeAsync().ConfigureAwait(false);
