using System.CommandLine;
using System.Text.Json;
using DistillSharp.Export;
using DistillSharp.RunLog;

namespace DistillSharp.Cli.Commands;

/// <summary><c>distill verify</c>: where a model file comes from, and whether it is what was written.</summary>
internal static class VerifyCommand
{
    public static Command Create()
    {
        var file = new Argument<string>("file") { Description = "A .safetensors or .onnx file" };
        var json = CommonOptions.Json();
        var command = new Command(
            "verify",
            """
            Show a model's provenance and recompute its hashes; fails where one differs.

            Example:
              distill verify runs/quickstart/student.onnx
            """)
        {
            file, json,
        };
        command.SetAction(parsed => Failures.Guard(parsed, () =>
        {
            var verification = ModelVerifier.Verify(parsed.GetValue(file)!);
            if (parsed.GetValue(json))
            {
                Console.Out.WriteLine(JsonSerializer.Serialize(verification, RunJson.Line));
            }
            else
            {
                foreach (var field in verification.Fields)
                {
                    Console.Out.WriteLine($"{field.Status.ToString().ToLowerInvariant(),-9} {field.Key}: {field.Value}");
                }

                Console.Out.WriteLine(verification.Passed ? "passed" : "FAILED");
            }

            return verification.Passed ? ExitCode.Fine : ExitCode.Failed;
        }));
        return command;
    }
}
