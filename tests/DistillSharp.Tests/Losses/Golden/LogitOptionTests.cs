namespace DistillSharp.Tests.Losses.Golden;

/// <summary>Options and shapes of losses of logits and embeddings beyond those of the shipped vectors, proved against loops.</summary>
public sealed class LogitOptionTests
{
    [Theory]
    [InlineData(1, 2, 1.0)]
    [InlineData(3, 7, 0.5)]
    [InlineData(2, 4, 10.0)]
    public void SoftTarget_AnyTemperature_EqualsLoops(long samples, long classes, double temperature) =>
        Logits("soft_target", $"{{\"temperature\": {temperature}, \"hard\": false, \"outputs\": null}}", samples, classes, (student, teacher, _) =>
            Mean(student, row => temperature * temperature * Divergence(Softmax(teacher.Row(row), temperature), Softmax(student.Row(row), temperature))));

    [Theory]
    [InlineData(0.5, 2, 1)]
    [InlineData(0, 1, 2)]
    [InlineData(2, 0, 4)]
    public void Dkd_AnyWeights_EqualsLoops(double alpha, double beta, double temperature)
    {
        foreach (var classes in new[] { 3, 6 })
        {
            Logits("dkd", $"{{\"alpha\": {alpha}, \"beta\": {beta}, \"temperature\": {temperature}, \"unlabelled\": \"left_out\"}}", 3, classes, (student, teacher, labels) => Mean(student, row =>
            {
                var (p, q, label) = (Softmax(teacher.Row(row), temperature), Softmax(student.Row(row), temperature), labels[row]);
                double[] Pair(double[] all) => [all[label], 1 - all[label]];
                double[] Others(double[] all) => [.. all.Where((_, c) => c != label).Select(value => value / (1 - all[label]))];
                return temperature * temperature * ((alpha * Divergence(Pair(p), Pair(q))) + (beta * Divergence(Others(p), Others(q))));
            }));
        }
    }

    [Theory]
    [InlineData(2, 0.5, 4)]
    [InlineData(0, 1, 1)]
    [InlineData(1, 0, 2)]
    public void Dist_AnyWeights_EqualsLoops(double beta, double gamma, double temperature) =>
        Logits("dist", $"{{\"beta\": {beta}, \"gamma\": {gamma}, \"temperature\": {temperature}}}", 4, 5, (student, teacher, _) =>
        {
            double[][] Rows(Grid logits) => [.. Enumerable.Range(0, logits.Size(0)).Select(row => Softmax(logits.Row(row), temperature))];
            double[][] Turned(double[][] rows) => [.. Enumerable.Range(0, rows[0].Length).Select(c => rows.Select(row => row[c]).ToArray())];
            var (q, p) = (Rows(student), Rows(teacher));
            return temperature * temperature * ((beta * (1 - q.Zip(p, Pearson).Average())) + (gamma * (1 - Turned(q).Zip(Turned(p), Pearson).Average())));
        });

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void LogitStandardization_AnyTemperature_EqualsLoops(double temperature) =>
        Logits("logit_standardization", $"{{\"temperature\": {temperature}, \"wraps\": \"soft_target\"}}", 2, 6, (student, teacher, _) => Mean(student, row =>
        {
            double[] Standard(double[] logits)
            {
                var mean = logits.Average();
                var deviation = Math.Sqrt(logits.Sum(value => (value - mean) * (value - mean)) / (logits.Length - 1));
                return [.. logits.Select(value => (value - mean) / (deviation + 1e-7))];
            }

            return temperature * temperature * Divergence(Softmax(Standard(teacher.Row(row)), temperature), Softmax(Standard(student.Row(row)), temperature));
        }));

    [Theory]
    [InlineData(0)]
    [InlineData(0.1)]
    [InlineData(0.5)]
    [InlineData(0.9)]
    [InlineData(1)]
    public void GeneralizedJsd_AnyBeta_EqualsLoops(double beta)
    {
        double Loss(double[] q, double[] p)
        {
            double[] mix = [.. p.Zip(q, (a, b) => (beta * a) + ((1 - beta) * b))];
            return beta switch { 0 => Divergence(p, q), 1 => Divergence(q, p), _ => (beta * Divergence(p, mix)) + ((1 - beta) * Divergence(q, mix)) };
        }

        Logits("generalized_jsd", $"{{\"beta\": {beta}, \"temperature\": 0.8}}", 2, 5, (student, teacher, _) => Mean(student, row => Loss(Softmax(student.Row(row), 0.8), Softmax(teacher.Row(row), 0.8))));
        // Sequences: every position is a row, padding is none.
        Sequences("generalized_jsd", $"{{\"beta\": {beta}}}", (q, p) => Loss(Softmax(q, 1), Softmax(p, 1)));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void TokenSoftTarget_MaskedPositions_EqualsLoops(double temperature) =>
        Sequences("token_soft_target", $"{{\"temperature\": {temperature}}}", (q, p) => temperature * temperature * Divergence(Softmax(p, temperature), Softmax(q, temperature)));

    [Theory]
    [InlineData(2, 25, 50)]
    [InlineData(3, 1, 0)]
    [InlineData(4, 0, 2)]
    [InlineData(5, 0.5, 1.5)]
    public void Rkd_AnyWeightsAndBatch_EqualsLoops(long samples, double distanceWeight, double angleWeight) =>
        Embeddings("rkd", $"{{\"distance_weight\": {distanceWeight}, \"angle_weight\": {angleWeight}}}", samples, 3, 4, (student, teacher) =>
        {
            double[][] Distances(Grid rows)
            {
                double[][] all = [.. Enumerable.Range(0, rows.Size(0)).Select(i => Enumerable.Range(0, rows.Size(0)).Select(j => Length(Difference(rows, i, j))).ToArray())];
                var mean = all.SelectMany(row => row).Where(distance => distance > 0).Average();
                return [.. all.Select(row => row.Select(distance => distance / mean).ToArray())];
            }

            IEnumerable<double> Angles(Grid rows) =>
                from i in Enumerable.Range(0, rows.Size(0))
                from j in Enumerable.Range(0, rows.Size(0))
                from k in Enumerable.Range(0, rows.Size(0))
                select Cosine(Difference(rows, j, i), Difference(rows, k, i));

            double SmoothL1(double x) => Math.Abs(x) < 1 ? x * x / 2 : Math.Abs(x) - 0.5;
            var distances = Distances(student).SelectMany(row => row).Zip(Distances(teacher).SelectMany(row => row), (a, b) => SmoothL1(a - b)).Average();
            return (distanceWeight * distances) + (angleWeight * Angles(student).Zip(Angles(teacher), (a, b) => SmoothL1(a - b)).Average());
        });

    [Theory]
    [InlineData(1, 3, 4)]
    [InlineData(2, 3, 3)]
    [InlineData(5, 2, 6)]
    public void Pkt_AnyBatch_EqualsLoops(long samples, long width, long teacherWidth) =>
        Embeddings("pkt", "{}", samples, width, teacherWidth, (student, teacher) =>
        {
            double[][] Similarities(Grid rows) => [.. Enumerable.Range(0, rows.Size(0)).Select(i =>
            {
                double[] row = [.. Enumerable.Range(0, rows.Size(0)).Select(j => (Cosine(rows.Row(i), rows.Row(j), 1e-7) + 1) / 2)];
                return row.Select(value => value / row.Sum()).ToArray();
            })];
            return Similarities(teacher).Zip(Similarities(student)).SelectMany(row => row.First.Zip(row.Second, (p, q) => p * Math.Log((p + 1e-7) / (q + 1e-7)))).Average();
        });

    [Theory]
    [InlineData(2)]
    [InlineData(6)]
    public void CorrelationCongruence_AnyBatch_EqualsLoops(long samples) =>
        Embeddings("correlation_congruence", "{\"projector\": \"none\"}", samples, 3, 3, (student, teacher) =>
        {
            double Delta(int row, int d) => Math.Abs(student.At(row, d) - teacher.At(row, d));
            return Enumerable.Range(0, student.Size(0) - 1).Average(row => Enumerable.Range(0, student.Size(1)).Sum(d => Delta(row, d) * Delta(row + 1, d)));
        });

    private static void Logits(string method, string options, long samples, long classes, Func<Grid, Grid, int[], double> loss)
    {
        var labelled = method is "dkd";
        int[] labels = [.. Enumerable.Range(0, (int)samples).Select(i => (int)((i * 2) + 1) % (int)classes)];
        (string, long[])[] inputs = [("student.logits", [samples, classes]), ("teacher.logits", [samples, classes]), .. labelled ? [("labels", new[] { samples })] : Array.Empty<(string, long[])>()];
        Vector.AssertProved(
            method, options, inputs, grids => loss(grids["student.logits"], grids["teacher.logits"], labels),
            (name, values) => name == "labels" ? [.. labels.Select(label => (double)label)] : values);
    }

    private static void Sequences(string method, string options, Func<double[], double[], double> loss)
    {
        double[] mask = [1, 1, 0, 1, 0, 0];
        Vector.AssertProved(
            method, options, [("student.logits", [2, 3, 4]), ("teacher.logits", [2, 3, 4]), ("mask", [2, 3])],
            grids => Enumerable.Range(0, 6).Where(position => mask[position] == 1).Average(position => loss(
                grids["student.logits"].Data[(position * 4)..((position + 1) * 4)], grids["teacher.logits"].Data[(position * 4)..((position + 1) * 4)])),
            (name, values) => name == "mask" ? mask : values);
    }

    private static void Embeddings(string method, string options, long samples, long width, long teacherWidth, Func<Grid, Grid, double> loss) => Vector.AssertProved(
        method, options, [("student.embedding", [samples, width]), ("teacher.embedding", [samples, teacherWidth])],
        grids => loss(grids["student.embedding"], grids["teacher.embedding"]));

    private static double Mean(Grid rows, Func<int, double> loss) => Enumerable.Range(0, rows.Size(0)).Average(loss);

    private static double[] Softmax(double[] logits, double temperature) =>
        [.. logits.Select(value => Math.Exp(value / temperature) / logits.Sum(other => Math.Exp(other / temperature)))];

    private static double Divergence(double[] p, double[] q) => p.Zip(q, (a, b) => a * Math.Log(a / b)).Sum();

    private static double Pearson(double[] left, double[] right) =>
        Cosine([.. left.Select(value => value - left.Average())], [.. right.Select(value => value - right.Average())]);

    private static double[] Difference(Grid rows, int first, int second) => [.. rows.Row(first).Zip(rows.Row(second), (a, b) => a - b)];

    private static double Length(double[] vector) => Math.Sqrt(vector.Sum(value => value * value));

    private static double Cosine(double[] left, double[] right, double epsilon = 0)
    {
        var product = (Length(left) + epsilon) * (Length(right) + epsilon);
        return product == 0 ? 0 : left.Zip(right, (a, b) => a * b).Sum() / product;
    }
}
