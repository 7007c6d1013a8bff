using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using DistillSharp.Data;

namespace DistillSharp.Tests.Data;

public sealed class NpyDatasetTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Load_EveryVersion_SamplesAndLabels(byte version)
    {
        var inputs = _folder.Write("x.npy", Npy(version, "<f8", "2, 3", Bytes<double>([1, 2, 3, 4, 5, 6.5])));
        var labels = _folder.Write("y.npy", Npy(version, "<i8", "2,", Bytes<long>([1, 0])));
        var data = Load(inputs, labels).Train;
        Assert.Equal([3], data.Info.InputShape);
        Assert.Equal([4f, 5f, 6.5f], data.Floats(1).ToArray());
        Assert.Equal(1, data.Label(0));
        Assert.Equal(["0", "1"], data.Info.Classes);
    }

    [Fact]
    public void Load_Bytes_AreScaledPixels()
    {
        var inputs = _folder.Write("x.npy", Npy(1, "|u1", "1, 1, 2, 2", [0, 51, 102, 255]));
        var data = Load(inputs, _folder.Write("y.npy", Npy(1, "<i4", "1,", Bytes([0])))).Train;
        Assert.True(data.IsBytes);
        Assert.Equal([1, 2, 2], data.Info.InputShape);
        Assert.Equal(1, data.Bytes(0)[3] * data.Scale, 1e-6);
    }

    [Fact]
    public void Read_WhatIsNotSupported_SaysWhatIs()
    {
        Fails(Npy(1, "|O", "1,", new byte[8]), "pickles");
        Fails(Npy(1, ">f4", "1,", new byte[4]), ">f4", "<f4");
        Fails(Npy(1, "<f4", "1,", new byte[4], fortran: true), "ascontiguousarray");
        Fails(Npy(1, "<f4", "3,", new byte[8]), "3 values of 4 bytes", "8 bytes follow");
        Fails(Npy(1, "<f4", "99999999999999999999,", new byte[4]), "99999999999999999999");
        Fails(Npy(1, "<f8", "4294967296, 4294967296, 4294967296", new byte[8]), "promises");
        Fails("PK\u0003\u0004 not an array at all"u8.ToArray(), "NUMPY");
        Fails(Npy(9, "<f4", "1,", new byte[4]), "version 9");
    }

    [Fact]
    public void Read_MoreThanAnArrayHolds_NamesTheLimitFirst()
    {
        var path = _folder.Write("large.npy", Npy(1, "<f4", "700000, 1024", []));
        using (var file = new FileStream(path, FileMode.Open))
        {
            // Zeros that take no room on the disk.
            file.SetLength(file.Length + (700_000L * 1024 * sizeof(float)));
        }

        var message = Assert.Throws<InvalidDataException>(() => NpyDataset.Read(path)).Message;
        Assert.StartsWith($"{path}: at most 2,147,483,591 bytes (2 GiB)", message, StringComparison.Ordinal);
        Assert.Contains("its 700000×1024 values take 2,867,200,000; give fewer samples", message, StringComparison.Ordinal);
        Assert.Contains("`image_folder`", message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("2, 8, 6, 3", "<f4")]
    [InlineData("2, 8, 6, 3", "|u1")]
    [InlineData("2, 5, 5, 1", "|u1")]
    [InlineData("2, 8, 6, 4", "|u1")]
    public void Load_ChannelsLast_SaysHowToPutThemFirst(string shape, string type)
    {
        var size = shape.Split(", ").Aggregate(type == "<f4" ? 4 : 1, (product, axis) => product * int.Parse(axis, CultureInfo.InvariantCulture));
        var inputs = _folder.Write("x.npy", Npy(1, type, shape, new byte[size]));
        var message = Error(inputs, Npy(1, "<i4", "2,", Bytes([0, 1])));
        Assert.StartsWith($"{inputs} is [{shape}], which are images with their channels last", message, StringComparison.Ordinal);
        Assert.Contains("[N, C, H, W]: save numpy.transpose(images, (0, 3, 1, 2))", message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("2, 3, 8, 6")]
    [InlineData("2, 3, 8, 3")]
    [InlineData("2, 1, 40, 1")]
    [InlineData("2, 8, 4, 4")]
    [InlineData("2, 64, 8, 8")]
    [InlineData("2, 40, 3")]
    [InlineData("2, 8, 8, 5, 3")]
    public void Load_OtherAxes_AreTakenAsTheyStand(string shape)
    {
        var axes = shape.Split(", ").Select(axis => long.Parse(axis, CultureInfo.InvariantCulture)).ToArray();
        var inputs = _folder.Write("x.npy", Npy(1, "|u1", shape, new byte[axes.Aggregate(1L, (product, axis) => product * axis)]));
        var data = Load(inputs, _folder.Write("y.npy", Npy(1, "<i4", "2,", Bytes([0, 1])))).Train;
        Assert.Equal(axes[1..], data.Info.InputShape);
    }

    [Fact]
    public void Load_LabelsThatDoNotFit_Throws()
    {
        var inputs = _folder.Write("x.npy", Npy(1, "<f4", "2, 1", Bytes<float>([1, 2])));
        Assert.Contains("fractions", Error(inputs, Npy(1, "<f4", "2,", Bytes<float>([0, 1]))), StringComparison.Ordinal);
        Assert.Contains("[3]", Error(inputs, Npy(1, "<i4", "3,", Bytes([0, 1, 2]))), StringComparison.Ordinal);
        Assert.Contains("4294967296", Error(inputs, Npy(1, "<i8", "2,", Bytes<long>([0, 1L << 32]))), StringComparison.Ordinal);
        Assert.Contains("label -2", Error(inputs, Npy(1, "<i4", "2,", Bytes([0, -2]))), StringComparison.Ordinal);
    }

    [Fact]
    public void Load_SamplesWithoutLabel_AreForTraining()
    {
        var options = new NpyOptions
        {
            TrainInputs = _folder.Write("x.npy", Npy(1, "<f4", "3, 1", Bytes<float>([1, 2, 3]))),
            TrainLabels = _folder.Write("y.npy", Npy(1, "<i4", "3,", Bytes([0, 1, -1]))),
            TestInputs = _folder.File("x.npy"),
            TestLabels = _folder.Write("right.npy", Npy(1, "<i4", "3,", Bytes([0, 1, 1]))),
        };
        Assert.True(NpyDataset.Load(options).Train.HasUnlabelled);

        var message = Assert.Throws<InvalidDataException>(() => NpyDataset.Load(options with { TestLabels = _folder.File("y.npy") })).Message;
        Assert.StartsWith($"{_folder.File("y.npy")}: sample 2 has the label -1", message, StringComparison.Ordinal);
        Assert.EndsWith("0…1", message, StringComparison.Ordinal);
    }

    private static DatasetPair Load(string inputs, string labels) =>
        NpyDataset.Load(new NpyOptions { TrainInputs = inputs, TrainLabels = labels, TestInputs = inputs, TestLabels = labels });

    private string Error(string inputs, byte[] labels) => Assert.Throws<InvalidDataException>(() => Load(inputs, _folder.Write("y.npy", labels))).Message;

    private void Fails(byte[] file, params string[] parts)
    {
        var path = _folder.Write("bad.npy", file);
        var message = Assert.Throws<InvalidDataException>(() => NpyDataset.Read(path)).Message;
        Assert.All(parts.Append(path), part => Assert.Contains(part, message, StringComparison.Ordinal));
    }

    private static byte[] Bytes<T>(T[] values)
        where T : struct => MemoryMarshal.AsBytes<T>(values).ToArray();

    private static byte[] Npy(byte version, string type, string shape, byte[] values, bool fortran = false)
    {
        var header = Encoding.ASCII.GetBytes($"{{'descr': '{type}', 'fortran_order': {(fortran ? "True" : "False")}, 'shape': ({shape}), }}\n");
        var length = version == 1 ? BitConverter.GetBytes((ushort)header.Length) : BitConverter.GetBytes(header.Length);
        return [0x93, .. "NUMPY"u8, version, 0, .. length, .. header, .. values];
    }
}
