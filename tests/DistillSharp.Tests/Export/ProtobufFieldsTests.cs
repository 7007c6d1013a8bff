using DistillSharp.Export.Onnx;

namespace DistillSharp.Tests.Export;

public sealed class ProtobufFieldsTests
{
    private static readonly byte[] Message = new ProtobufWriter().Integer(3, 7).Text(1, "first").Number(2, 0.5f).Text(1, "second").ToArray();

    [Fact]
    public void First_FieldOfTheNumberAndType_IsRead()
    {
        Assert.Equal(7L, ProtobufFields.First(Message, (3, 0), reader => (long)reader.Varint(), -1L));
        Assert.Equal(0.5f, ProtobufFields.First(Message, (2, 5), reader => reader.Number(), 0f));
        Assert.Equal("first", ProtobufFields.Name(Message));
    }

    [Fact]
    public void First_NoSuchField_IsTheOtherValue()
    {
        Assert.Equal(-1L, ProtobufFields.First(Message, (2, 0), reader => (long)reader.Varint(), -1L));
        Assert.Equal("", ProtobufFields.Name([]));
    }

    [Fact]
    public void First_MessageThatIsCutOff_IsRefused() =>
        Assert.Throws<InvalidDataException>(() => ProtobufFields.First(Message[..^1], (9, 2), reader => reader.Text(), ""));
}
