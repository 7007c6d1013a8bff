using DistillSharp.Cli;

namespace DistillSharp.Tests.Cli;

public sealed class TranscribeCommandTests
{
    [Theory]
    [InlineData("--language-weight must be 0 to 10", "--language-weight", "nan")]
    [InlineData("--language-weight must be 0 to 10", "--language-weight", "-1")]
    [InlineData("--language-bonus must be -20 to 20", "--language-bonus", "1e9")]
    [InlineData("--language-weight says how much a language model counts: give --language-model FILE", "--language-weight", "0.7")]
    [InlineData("--language-bonus says how much a language model counts: give --language-model FILE", "--language-bonus", "2")]
    public void Transcribe_NumberThatCannotBeUsed_IsAUsageError(string message, string option, string value)
    {
        var result = DistillProcess.Run("transcribe", "--model", "docs", option, value, "a.wav");

        Assert.Equal(ExitCode.Usage, result.ExitCode);
        Assert.Contains(message, result.Error, StringComparison.Ordinal);
    }
}
