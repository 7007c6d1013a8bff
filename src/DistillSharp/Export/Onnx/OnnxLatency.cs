using System.Diagnostics;
using Microsoft.ML.OnnxRuntime;

namespace DistillSharp.Export.Onnx;

/// <summary>Latency of an ONNX file at batch 1 on one thread.</summary>
public static class OnnxLatency
{
    /// <summary>Median milliseconds of a run. Free axes have length 1; inputs are fixed pseudo-random numbers in [0, 1).</summary>
    /// <param name="path">The ONNX file.</param>
    /// <param name="runs">Runs of which the median is taken.</param>
    /// <param name="warmUps">Runs before those, not counted.</param>
    public static double MedianMilliseconds(string path, int runs = 500, int warmUps = 50)
    {
        using var options = OnnxSession.Options();
        using var session = new InferenceSession(path, options);
        using var runOptions = new RunOptions();
        var names = session.InputNames.ToList();
        var values = names.Select(name => Input(name, session.InputMetadata[name])).ToList();
        try
        {
            var times = new double[runs];
            for (var run = -warmUps; run < runs; run++)
            {
                var start = Stopwatch.GetTimestamp();
                using (session.Run(runOptions, names, values, session.OutputNames))
                {
                }

                if (run >= 0)
                {
                    times[run] = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
                }
            }

            Array.Sort(times);
            return (times[(runs - 1) / 2] + times[runs / 2]) / 2;
        }
        finally
        {
            values.ForEach(value => value.Dispose());
        }
    }

    /// <summary>True where every input is one sample of floats whose size the file says: a free axis behind the first would be measured at length 1, which is no sample.</summary>
    public static bool IsOfOneSample(string path)
    {
        using var session = new OnnxSession(path);
        return session.FloatInputs.Count == session.Inputs.Count && session.Inputs.Values.All(shape => shape is [<= 1, .. var sample] && Array.TrueForAll(sample, axis => axis > 0));
    }

    private static OrtValue Input(string name, NodeMetadata metadata)
    {
        if (metadata.ElementDataType != Microsoft.ML.OnnxRuntime.Tensors.TensorElementType.Float)
        {
            throw new NotSupportedException($"input `{name}` has element type {metadata.ElementDataType}; latency is measured for float inputs");
        }

        long[] shape = [.. metadata.Dimensions.Select(axis => (long)Math.Max(axis, 1))];
        var random = new Random(0);
        var values = new float[shape.Aggregate(1L, (product, axis) => product * axis)];
        for (var i = 0; i < values.Length; i++)
        {
            values[i] = random.NextSingle();
        }

        return OrtValue.CreateTensorValueFromMemory(values, shape);
    }
}
