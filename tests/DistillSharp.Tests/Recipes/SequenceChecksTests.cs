namespace DistillSharp.Tests.Recipes;

/// <summary>What recipes on text and speech must keep to.</summary>
public sealed class SequenceChecksTests
{
    [Fact]
    public void Read_SpeechThatTheStudentWrites_IsRefused()
    {
        const string Text = """
            data: {dataset: asterisk_en}
            teacher: {model: speech_transformer}
            student: {model: speech_transformer}
            objective: {targets: {by: student}, terms: [{method: token_jsd}]}
            """;

        Assert.Contains(RecipeText.Faults(Text), fault => fault.Message.Contains("`targets: {by: student}` is for text"));
    }
}
