using DistillSharp.Text.Metrics;

namespace DistillSharp.Tests.Text.Metrics;

public class PythonTextTests
{
    [Theory]
    [InlineData("ÄÖÜß İstanbul", "äöüß i\u0307stanbul")]
    [InlineData("ΟΔΟΣ ΣΑΣ Σ", "οδος σας σ")]
    [InlineData("ΑΣ'Α ΑΣ' ΑΣ\u0301.", "ασ'α ας' ας\u0301.")]
    [InlineData("𐐀 DŽ Ⅷ ẞ", "𐐨 dž ⅷ ß")]
    public void Lower_SpecialCases_AreThoseOfUnicode(string text, string expected) => Assert.Equal(expected, PythonText.Lower(text));

    [Fact]
    public void Lower_LoneSurrogate_IsKept() => Assert.Equal("a\ud800b", PythonText.Lower("A\ud800B"));

    [Fact]
    public void Split_EveryKindOfWhiteSpace_Separates() =>
        Assert.Equal(["a", "b", "c", "d", "e", "f\u200bg"], PythonText.Split("\ta\u00a0b\u001cc\u3000d\u0085e\r\nf\u200bg "));
}
