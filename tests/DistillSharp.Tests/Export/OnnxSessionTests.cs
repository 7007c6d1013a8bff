using DistillSharp.Data;
using DistillSharp.Export.Onnx;

namespace DistillSharp.Tests.Export;

public sealed class OnnxSessionTests
{
    [Fact]
    public void Options_OfAnySession_TelemetryIsSwitchedOffForNativeCode()
    {
        using var options = OnnxSession.Options();

        Assert.Equal("1", NativeEnvironment.Get("ORT_DISABLE_TELEMETRY"));
    }
}
