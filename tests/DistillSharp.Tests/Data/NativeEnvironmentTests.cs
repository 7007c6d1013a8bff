using DistillSharp.Data;

namespace DistillSharp.Tests.Data;

public sealed class NativeEnvironmentTests
{
    [Fact]
    public void SetDefault_Twice_TheFirstValueStays()
    {
        const string Name = "DISTILL_TEST_OF_THE_NATIVE_ENVIRONMENT";
        Assert.Null(NativeEnvironment.Get(Name));

        NativeEnvironment.SetDefault(Name, "mine");
        NativeEnvironment.SetDefault(Name, "another");

        Assert.Equal("mine", NativeEnvironment.Get(Name));
    }
}
