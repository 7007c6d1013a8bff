using System.CommandLine;
using System.Text;
using DistillSharp.Sequences;
using DistillSharp.Text.Translation;

namespace DistillSharp.Cli.Commands;

/// <summary><c>distill translate</c>: lines in, as many lines out.</summary>
internal static class TranslateCommand
{
    public static Command Create()
    {
        var model = new Option<string>("--model") { Description = "Run directory", Required = true };
        var arm = new Option<string?>("--arm") { Description = "Arm; the exported one by default" };
        var seed = new Option<int?>("--seed") { Description = "Seed; by default the one that was exported, and the first of other arms" };
        var beam = new Option<int>("--beam") { Description = "Width of the beam; 1 is greedy search", DefaultValueFactory = _ => 1 };
        var penalty = new Option<double>("--length-penalty") { Description = "A finished output of beam search scores its log-probability / length to this power, 0 to 2", DefaultValueFactory = _ => 1 };
        var engine = new Option<string>("--engine") { Description = "torch, or onnxruntime (the exported pair of files)", DefaultValueFactory = _ => "torch" };
        engine.AcceptOnlyFromAmong("torch", "onnxruntime");
        var threads = CommonOptions.Threads();
        var command = new Command(
            "translate",
            """
            Translate lines from standard input with a model that a run has trained. As many lines come out as go in; empty ones stay
            empty, placeholders such as %s, {0}, tags and addresses stay as they are, and lines of any length are translated in parts.

            A line with more words than the sentences that the model has learned from is cut behind its sentences, and a sentence that
            is longer behind a comma or a word.

            Example:
              distill translate --model runs/translation-en-it < in.txt > out.txt
            """)
        {
            model, arm, seed, beam, penalty, engine, threads,
        };
        command.SetAction(parsed => Failures.Guard(parsed, () =>
        {
            if (parsed.GetValue(beam) is < 1 or > 64)
            {
                throw new UsageException($"--beam must be 1 to 64, not {parsed.GetValue(beam)}");
            }

            if (parsed.GetValue(threads) is < 1 or > 1024)
            {
                throw new UsageException($"--threads must be 1 to 1024, not {parsed.GetValue(threads)}");
            }

            if (parsed.GetValue(penalty) is not (>= 0 and <= 2))
            {
                throw new UsageException($"--length-penalty must be 0 to 2, not {parsed.GetValue(penalty)}");
            }

            using var interruption = new Interruption(saves: false);
            var directory = RunSession.Existing(parsed.GetValue(model)!);
            var recipe = RunSession.ReadRecipe(directory);
            RunSession.CheckArm(recipe, parsed.GetValue(arm), parsed.GetValue(seed));
            using var trained = TrainedTranslator.Load(
                directory, recipe, parsed.GetValue(arm), parsed.GetValue(seed), parsed.GetValue(engine) == "onnxruntime", parsed.GetValue(threads) ?? recipe.Threads);
            var translator = trained.Translator(new DecodingOptions { Beam = parsed.GetValue(beam), LengthPenalty = parsed.GetValue(penalty) });
            using var input = Console.OpenStandardInput();
            StandardOutput.Write(
                new UTF8Encoding(false), output => new LineTranslator(translator, trained.MostWords).Translate(input, "standard input", output, interruption.Token));
            return ExitCode.Fine;
        }, saves: false));
        return command;
    }
}
