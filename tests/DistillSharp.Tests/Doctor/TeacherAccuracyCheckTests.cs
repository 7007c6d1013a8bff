using DistillSharp.Doctor.Checks;

namespace DistillSharp.Tests.Doctor;

public sealed class TeacherAccuracyCheckTests
{
    // The probabilities are sums of binomial coefficients, such as (66 + 12 + 1) / 4096 = 0.019 of at least 10 of 12 by chance.
    [Theory]
    [InlineData(8, 8, 0.5, false, false)]
    [InlineData(256, 256, 251.0 / 256, false, false)]
    [InlineData(10, 12, 0.5, false, false)]
    [InlineData(9, 12, 0.5, true, false)]
    [InlineData(5, 5, 0.5, false, false)]
    [InlineData(0, 5, 0.5, true, false)]
    [InlineData(13, 126, 0.1, true, false)]
    [InlineData(120, 126, 0.1, false, false)]
    public void Judge_EnoughSamples_TellsATeacherFromChance(int right, int count, double chance, bool nearChance, bool tooFew) =>
        Assert.Equal((nearChance, tooFew), TeacherAccuracyCheck.Judge(right, count, chance));

    [Theory]
    [InlineData(4, 4, 0.5)]
    [InlineData(1, 3, 0.5)]
    [InlineData(40, 40, 1.0)]
    [InlineData(39, 40, 1.0)]
    [InlineData(100, 100, 0.99)]
    public void Judge_SamplesOfWhichNotEvenAllRightWouldTell_AreTooFew(int right, int count, double chance) =>
        Assert.Equal((false, true), TeacherAccuracyCheck.Judge(right, count, chance));

    [Fact]
    public void Judge_TeacherThatIsRightEverywhere_IsNeverNearChance() =>
        Assert.All(Enumerable.Range(1, 400), count => Assert.All([0.1, 0.5, 0.9, 0.98, 1.0], chance => Assert.False(TeacherAccuracyCheck.Judge(count, count, chance).NearChance)));
}
