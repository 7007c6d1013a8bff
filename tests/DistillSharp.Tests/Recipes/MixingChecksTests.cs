using DistillSharp.Config;
using DistillSharp.Recipes;

namespace DistillSharp.Tests.Recipes;

public class MixingChecksTests
{
    private const string Common = "data: {dataset: digits, augment: {mixup: 0.2}}\nstudent: {model: mlp, widths: [8]}\nteacher: {model: mlp, widths: [16]}\n";

    [Theory]
    [InlineData("objective: {terms: [{method: dkd}]}", "data.augment.mixup", "dkd of dkd needs one hard label")]
    [InlineData("objective: {terms: [{method: logit_standardization, wraps: dkd}]}", "data.augment.mixup", "logit_standardization of logit_standardization needs one hard label")]
    [InlineData("objective: {terms: [{method: logit_standardization, wraps: weighted_soft_labels}]}", "data.augment.mixup", "needs one hard label")]
    [InlineData("objective: {terms: [{method: crd, student: hidden1, teacher: hidden1}]}", "data.augment.mixup", "remembers each sample by its id")]
    [InlineData("objective: {scheme: {scheme: class_wise_self}}", "data.augment.mixup", "class_wise_self")]
    public void Read_TermOrSchemeThatNeedsHardLabels_IsRefused(string objective, string path, string message)
    {
        var text = objective.Contains("scheme", StringComparison.Ordinal) ? Common.Replace("teacher: {model: mlp, widths: [16]}\n", "", StringComparison.Ordinal) : Common;
        var error = Assert.Single(Assert.Throws<ConfigException>(() => RecipeReader.Read(text + objective, "mixed", ".")).Errors);
        Assert.Equal(path, error.Path);
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("objective: {terms: [{method: soft_target}, {method: fitnet, student: hidden1, teacher: hidden1}]}")]
    [InlineData("objective: {terms: [{method: logit_standardization}, {method: logit_standardization, wraps: skewed_kl}]}")]
    [InlineData("objective: {terms: [{method: dkd}], training: {augment: {flip: 0}}}")]
    public void Read_TermsWithoutHardLabelsOrWithoutMixing_AreFine(string objective) => Assert.NotNull(RecipeReader.Read(Common + objective, "mixed", ".").Recipe);

    [Fact]
    public void Read_CropBesideShift_IsRefused()
    {
        var error = Assert.Throws<ConfigException>(() => RecipeReader.Read(Common.Replace("mixup: 0.2", "shift: 1, crop: 2", StringComparison.Ordinal) + "objective: {terms: [{method: soft_target}]}", "mixed", "."));
        Assert.Equal("data.augment.crop", Assert.Single(error.Errors).Path);
    }

    [Fact]
    public void Read_NestedRangesAndKeys_AreChecked()
    {
        var error = Assert.Throws<ConfigException>(() => RecipeReader.Read(
            Common.Replace("mixup: 0.2", "resized_crop: {scale_min: 0.5, scale_max: 0.2}, rand_augment: {k: 1}, colour_jitter: {hue: 0.6}", StringComparison.Ordinal) + "objective: {terms: [{method: soft_target}]}", "mixed", "."));
        Assert.Equal(["data.augment.resized_crop", "data.augment.rand_augment.k", "data.augment.colour_jitter.hue"], error.Errors.Select(each => each.Path));
    }
}
