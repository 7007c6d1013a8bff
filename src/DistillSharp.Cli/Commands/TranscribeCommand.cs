using System.CommandLine;
using System.Text.Json;
using DistillSharp.RunLog;
using DistillSharp.Sequences.LanguageModels;
using DistillSharp.Speech;

namespace DistillSharp.Cli.Commands;

/// <summary><c>distill transcribe</c>: what an exported student hears in sound files.</summary>
internal static class TranscribeCommand
{
    public static Command Create()
    {
        var model = new Option<string>("--model") { Description = "A run directory, or a student's .onnx file", Required = true };
        var files = new Argument<string[]>("files") { Description = "Sound files: WAV, or anything that ffmpeg or sox read", Arity = ArgumentArity.OneOrMore };
        var beam = new Option<int>("--beam") { Description = "Width of prefix beam search; 1 for greedy search", DefaultValueFactory = _ => 1 };
        var language = new Option<string>("--language-model") { Description = "An n-gram model in ARPA format that the beam search heeds, such as a run's language_model.arpa" };
        var weight = new Option<double>("--language-weight") { Description = "What the model's log-probabilities are multiplied by, 0 to 10", DefaultValueFactory = _ => 0.5 };
        var bonus = new Option<double>("--language-bonus") { Description = "What every word is worth, a natural logarithm of -20 to 20", DefaultValueFactory = _ => 1 };
        var json = CommonOptions.Json();
        var command = new Command(
            "transcribe",
            """
            Speech to text with an exported student, in ONNX Runtime. Alphabet, sample rate and features come from the file itself;
            long recordings are cut at quiet places. --json gives every word with its times in seconds and a confidence. Files that
            cannot be read are named, and the others are transcribed.

            Examples:
              distill transcribe --model runs/speech hello.wav
              distill transcribe --model runs/speech/student.onnx --beam 8 --json *.wav
              distill transcribe --model runs/speech --beam 8 --language-model runs/speech/language_model.arpa hello.wav
            """)
        {
            model, files, beam, language, weight, bonus, json,
        };
        command.SetAction(parsed => Failures.Guard(parsed, () =>
        {
            if (parsed.GetValue(beam) is < 1 or > 256)
            {
                throw new UsageException($"--beam must be 1 to 256, not {parsed.GetValue(beam)}");
            }

            if (parsed.GetValue(language) is not null && parsed.GetValue(beam) == 1)
            {
                throw new UsageException("--language-model is heeded by a beam search: give --beam 8, or another width above 1");
            }

            if (parsed.GetValue(weight) is not (>= 0 and <= 10))
            {
                throw new UsageException($"--language-weight must be 0 to 10, not {parsed.GetValue(weight)}");
            }

            if (parsed.GetValue(bonus) is not (>= -20 and <= 20))
            {
                throw new UsageException($"--language-bonus must be -20 to 20, not {parsed.GetValue(bonus)}");
            }

            if (parsed.GetValue(language) is null && new[] { weight, bonus }.FirstOrDefault(option => parsed.GetResult(option) is { Implicit: false }) is { } idle)
            {
                throw new UsageException($"{idle.Name} says how much a language model counts: give --language-model FILE as well");
            }

            var path = parsed.GetValue(model)!;
            var fusion = parsed.GetValue(language) is { } arpa ? LanguageFusion.Of(ArpaFile.Load(arpa), parsed.GetValue(weight), parsed.GetValue(bonus)) : null;
            var student = Path.Combine(path, "student.onnx");
            var pair = Path.Combine(path, "student.encoder.onnx");
            using var transcriber = new Transcriber(!Directory.Exists(path) ? path : File.Exists(pair) && !File.Exists(student) ? pair : student) { Beam = parsed.GetValue(beam), Language = fusion };
            if (transcriber.Writes && fusion is not null)
            {
                throw new UsageException("--language-model is heeded by CTC networks; this one writes symbol by symbol, and is a model of language itself");
            }

            fusion?.Check(transcriber.Symbols, parsed.GetValue(language)!);
            var failed = 0;
            StandardOutput.Write(Console.OutputEncoding, output =>
            {
                foreach (var file in parsed.GetValue(files)!)
                {
                    Transcript transcript;
                    try
                    {
                        transcript = transcriber.Transcribe(file);
                    }
                    catch (Exception error) when (error is not OperationCanceledException)
                    {
                        // Whatever is wrong with one file, the others are transcribed.
                        Console.Error.WriteLine($"distill: {(error.Message.Contains(file, StringComparison.Ordinal) ? "" : $"{file}: ")}{error.Message}");
                        if (parsed.GetValue(CommonOptions.Debug))
                        {
                            Console.Error.WriteLine(error);
                        }

                        failed++;
                        continue;
                    }

                    output.WriteLine(parsed.GetValue(json)
                        ? JsonSerializer.Serialize(new { file, transcript.Text, transcript.Words }, RunJson.Line)
                        : $"{file}: {transcript.Text}");
                    output.Flush();
                }
            });
            return failed == 0 ? ExitCode.Fine : ExitCode.Failed;
        }));
        return command;
    }
}
