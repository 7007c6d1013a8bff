using DistillSharp.Config;
using DistillSharp.Data;
using DistillSharp.Models;
using DistillSharp.Runs;
using DistillSharp.Training;

namespace DistillSharp.Recipes;

/// <summary>A recipe that was read, with remarks that are no faults.</summary>
public sealed record RecipeReading(Recipe Recipe, IReadOnlyList<string> Warnings);

/// <summary>Reads recipes. Every fault is reported at once; libtorch is not loaded.</summary>
public static class RecipeReader
{
    /// <summary>Keys at the top of a recipe.</summary>
    public static IReadOnlyList<string> TopKeys { get; } =
    [
        "name", "data", "teacher", "teachers", "student", "objective", "objectives", "training", "baselines", "tuning", "sweep", "evaluation", "export",
        "seeds", "threads", "device", "plugins",
    ];

    /// <summary>Reads a recipe file.</summary>
    /// <param name="path">The file; its folder is where relative paths start, those of data where something is there.</param>
    /// <param name="overrides">Assignments such as <c>training.epochs=5</c>.</param>
    /// <exception cref="ConfigException">There are faults; it holds every one.</exception>
    public static RecipeReading ReadFile(string path, IReadOnlyList<string>? overrides = null)
    {
        if (!File.Exists(path))
        {
            throw new ConfigException([new ConfigError(path, null, "there is no such file", 0)]);
        }

        return Read(File.ReadAllText(path), Path.GetFileNameWithoutExtension(path), Path.GetDirectoryName(Path.GetFullPath(path))!, overrides);
    }

    /// <summary>Reads a recipe's text.</summary>
    /// <param name="text">YAML.</param>
    /// <param name="name">Name of the run where the recipe has none, as far as a run can be called so.</param>
    /// <param name="folder">Folder that relative paths start from.</param>
    /// <param name="overrides">Assignments such as <c>training.epochs=5</c>.</param>
    /// <param name="catalogs">What can be named; everything in this library by default.</param>
    /// <exception cref="ConfigException">There are faults; it holds every one.</exception>
    public static RecipeReading Read(string text, string name, string folder, IReadOnlyList<string>? overrides = null, Catalogs? catalogs = null)
    {
        var errors = new ConfigErrors();
        return Read(YamlConfig.Parse(text, errors), name, folder, errors, overrides, catalogs);
    }

    /// <summary>Reads a recipe that has been parsed.</summary>
    /// <exception cref="ConfigException">There are faults; it holds every one.</exception>
    internal static RecipeReading Read(ConfigNode root, string name, string folder) => Read(root, name, folder, new ConfigErrors(), null, null);

    private static RecipeReading Read(ConfigNode? root, string name, string folder, ConfigErrors errors, IReadOnlyList<string>? overrides, Catalogs? catalogs)
    {
        foreach (var assignment in overrides ?? [])
        {
            root = root is null ? null : YamlConfig.Override(root, assignment, errors);
        }

        if (root is null)
        {
            throw new ConfigException(errors.All);
        }

        catalogs ??= Catalogs.Default();
        PluginLoader.Load(root, folder, catalogs, errors);
        var datasets = catalogs.Datasets;
        var twice = new List<string>();
        var located = RelativePaths.Located(root, folder, dataset => datasets.Find(dataset)?.OptionsType, twice);
        var reading = new Pass(located, root, name, folder, catalogs, errors).Read();
        errors.ThrowIfAny();
        return reading! with
        {
            Warnings = [.. twice.Distinct().Select(path => $"`{path}` is beside the recipe and in the current folder; the recipe's is taken (for the other give {Path.GetFullPath(path)})"), .. reading.Warnings],
        };
    }

    /// <summary>One reading of one recipe.</summary>
    /// <param name="root">The recipe with the full paths of its data.</param>
    /// <param name="source">The recipe as it was written.</param>
    /// <param name="name">Name of the run where the recipe has none.</param>
    /// <param name="folder">Folder that relative paths start from.</param>
    /// <param name="catalogs">What can be named.</param>
    /// <param name="errors">Where faults go.</param>
    private sealed class Pass(ConfigNode root, ConfigNode source, string name, string folder, Catalogs catalogs, ConfigErrors errors)
    {
        private readonly ConfigBinder _binder = new(errors);
        private readonly List<string> _warnings = [];

        public RecipeReading? Read()
        {
            foreach (var (key, node) in root.Entries!)
            {
                if (!TopKeys.Contains(key))
                {
                    errors.Add(node.Path, $"unknown key; {NearestName.Hint(key, TopKeys)}", node.Line);
                }
            }

            var top = Top();
            var dataReader = new DataReader(root, catalogs, _binder, _warnings);
            var (dataset, data) = dataReader.Read();
            var unlabelled = dataReader.Unlabelled(data);
            var training = Training();
            var teacherReader = new TeacherReader(root, folder, catalogs, _binder, dataset?.Entry.Describe(dataset.Options));
            var (teacher, teachers) = (teacherReader.One(), teacherReader.Several());
            var (student, studentWeights) = ReadStudent(teacherReader);
            _binder.Use(node => catalogs.Models.Read(node, _binder));
            var baselines = Section<BaselineSection>("baselines");
            var baselineTraining = BaselineTraining(baselines);
            var objectiveReader = new ObjectiveReader(root, catalogs, _binder, _warnings, student, teacher, teachers, baselineTraining.GetValueOrDefault(ArmNames.Plain) ?? training);
            var objectives = objectiveReader.Read();
            new LabelChecks(_warnings).Check(unlabelled, objectives);
            new StoreChecks(root, errors, _warnings).Check(data, teacher, teachers, objectives);
            new SequenceChecks(root, errors, _warnings).Check(dataset, data, teacher, student, objectives);
            new NetworkChecks(root, errors, _warnings).Check(dataset, teacher, teachers, student, objectives);
            new DataPathChecks(root, _warnings).Check(dataset);
            new MixingChecks(root, errors).Check(data, teachers, objectives);
            var quantises = QuantisesStudent(dataset);
            var tuning = root.Get("tuning") is null ? null : Section<TuningSection>("tuning");
            var sweep = root.Get("sweep") is null ? null : Section<SweepSection>("sweep");
            var tuningChecks = new TuningChecks(root, errors, _warnings);
            tuningChecks.Check(tuning, objectiveReader.Tuning, top.Seeds);
            if (sweep is not null && top.Seeds.Contains(sweep.Seed))
            {
                _warnings.Add($"sweep.seed {sweep.Seed} is one of the table's seeds, so that settings of a sweep were chosen with that seed");
            }

            CheckBaselines(baselines, objectives);
            var export = Section<ExportSection>("export");
            CheckExport(export, objectives, baselines, teacher?.Model is not null);
            if (errors.Any || dataset is null || student is null)
            {
                return null;
            }

            var recipe = new Recipe
            {
                Name = top.Name ?? RunDirectory.NameOf(name),
                Source = source,
                Folder = folder,
                Dataset = dataset,
                Data = data,
                Unlabelled = unlabelled,
                Teacher = teacher,
                Teachers = teachers,
                Student = student,
                StudentWeights = studentWeights,
                QuantisesStudent = quantises,
                Objectives = objectives,
                Training = training,
                Baselines = baselines,
                BaselineTraining = baselineTraining,
                Tuning = tuning,
                Sweep = sweep,
                ObjectiveTuning = objectiveReader.Tuning,
                Evaluation = Section<EvaluationSection>("evaluation"),
                Export = export,
                Seeds = top.Seeds,
                Threads = top.Threads,
                Device = top.Device,
                Metrics = catalogs.Metrics,
            };
            tuningChecks.CheckWarmUps(recipe);
            return new RecipeReading(recipe, _warnings);
        }

        private TopSection Top()
        {
            var entries = root.Entries!.Where(entry => entry.Key is "name" or "seeds" or "threads" or "device").ToDictionary();
            var top = _binder.Bind<TopSection>(ConfigNode.Map("", new OrderedDictionary<string, ConfigNode>(entries), root.Line));
            if (top.Name is { } given && !Names.IsFileName(given))
            {
                errors.Add(root.Get("name")!, $"is part of the run directory's name: {Names.Rule}");
            }

            if (top.Seeds.Count == 1)
            {
                _warnings.Add("one seed: verdicts are over test samples alone, and nothing is known of the spread over seeds");
            }

            if (root.Get("seeds") is { } seeds)
            {
                if (seeds.Items is { Count: 0 })
                {
                    errors.Add(seeds, "must have at least one seed");
                }

                if (top.Seeds.GroupBy(seed => seed).FirstOrDefault(group => group.Count() > 1) is { } twice)
                {
                    errors.Add(seeds, $"seed {twice.Key} occurs twice");
                }
            }

            return top;
        }

        private T Section<T>(string key)
            where T : new() => root.Get(key) is { } node ? _binder.Bind<T>(node) : new T();

        private TrainingOptions Training() => _binder.Bind<TrainingOptions>(NodeMerge.Merge("training", [root.Get("training")]));

        private Dictionary<string, TrainingOptions> BaselineTraining(BaselineSection baselines)
        {
            var own = new Dictionary<string, TrainingOptions>();
            if (baselines.Training is { Entries: null } wrong)
            {
                errors.Add(wrong, "must be a map of baselines, such as {label_smoothing: {learning_rate: 0.05}}");
            }

            foreach (var (arm, node) in baselines.Training?.Entries ?? new Dictionary<string, ConfigNode>())
            {
                if (arm is not (ArmNames.Plain or ArmNames.LabelSmoothing))
                {
                    errors.Add(node.Path, $"no such baseline; {NearestName.Hint(arm, [ArmNames.Plain, ArmNames.LabelSmoothing])}", node.Line);
                    continue;
                }

                if (arm == ArmNames.LabelSmoothing && baselines.LabelSmoothing == 0)
                {
                    errors.Add(node.Path, "there is no such arm without `baselines.label_smoothing`; give that, such as 0.1, or leave this out", node.Line);
                }

                own[arm] = _binder.Bind<TrainingOptions>(NodeMerge.Merge(node.Path, [root.Get("training"), node]));
            }

            return own;
        }

        private (ModelSpec? Model, string? Weights) ReadStudent(TeacherReader reader)
        {
            if (root.Get("student") is not { } node)
            {
                errors.Add("student", "missing; say `student: {model: mlp, widths: [32]}`", root.Line);
                return (null, null);
            }

            return (catalogs.Models.Read(node, _binder, "weights", "quantise"), reader.Weights(node, node.Get("weights")?.Scalar));
        }

        private bool QuantisesStudent(DatasetSpec? dataset)
        {
            IEnumerable<ConfigNode?> students = [root.Get("student"), root.Get("objective")?.Get("student"), .. root.Get("objectives")?.Entries?.Values.Select(objective => objective.Get("student")) ?? []];
            foreach (var node in students.Select(student => student?.Get("quantise")).OfType<ConfigNode>())
            {
                if (node.Scalar != "int8")
                {
                    errors.Add(node, "must be int8, or be left out for a student of floats");
                }

                if (dataset?.Entry.LoadDomain is not null)
                {
                    errors.Add(node, "is for classifiers");
                }

                if (root.Get("export")?.Get("onnx")?.Scalar is "false")
                {
                    errors.Add(node, "is measured as an ONNX file, so export.onnx must be true");
                }
            }

            return root.Get("student")?.Get("quantise") is not null;
        }

        private void CheckBaselines(BaselineSection baselines, IReadOnlyDictionary<string, ObjectivePlan> objectives)
        {
            if (baselines.ComputeMatched && (!baselines.Plain || objectives.Count == 0))
            {
                errors.Add(root.Get("baselines")!.Get("compute_matched")!, "compares the cost of `plain` with that of the first objective, so both must be there");
            }
        }

        private void CheckExport(ExportSection export, IReadOnlyDictionary<string, ObjectivePlan> objectives, BaselineSection baselines, bool hasTeacher)
        {
            var arms = objectives.Keys.Concat(baselines.Plain ? [ArmNames.Plain] : []).Concat(baselines.LabelSmoothing > 0 ? [ArmNames.LabelSmoothing] : [])
                .Concat(hasTeacher ? [ArmNames.Teacher] : []).ToList();
            if (export.Arm is { } arm && !arms.Contains(arm))
            {
                errors.Add(root.Get("export")!.Get("arm")!, $"no such arm; {NearestName.Hint(arm, arms)}");
            }
        }
    }
}

/// <summary>Scalar keys at the top of a recipe.</summary>
public sealed record TopSection
{
    /// <summary>Name of the run.</summary>
    [Option("name of the run; the file's name by default")]
    public string? Name { get; init; }

    /// <summary>Seeds.</summary>
    [Option("seeds of the table; every arm is trained once with each", Min = 0)]
    public IReadOnlyList<int> Seeds { get; init; } = [0, 1, 2];

    /// <summary>Threads.</summary>
    [Option("threads of one operation", Min = 1, Max = 1024)]
    public int Threads { get; init; } = 1;

    /// <summary>Device.</summary>
    [Option("cpu or cuda", OneOf = ["cpu", "cuda"])]
    public string Device { get; init; } = "cpu";
}
