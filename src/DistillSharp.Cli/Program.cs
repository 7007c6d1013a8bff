using DistillSharp.Cli;

return await CommandLine.RunAsync(args).ConfigureAwait(false);
