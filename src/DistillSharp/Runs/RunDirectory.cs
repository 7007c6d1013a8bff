using System.Globalization;

namespace DistillSharp.Runs;

/// <summary>The files of a run and where they are.</summary>
/// <param name="path">The run directory.</param>
public sealed class RunDirectory(string path)
{
    private const int LongestName = 100;

    /// <summary>Full path of the directory, without a separator at its end.</summary>
    public string Path { get; } = System.IO.Path.TrimEndingDirectorySeparator(System.IO.Path.GetFullPath(path));

    /// <summary>The recipe as it runs, overrides applied.</summary>
    public string RecipeFile => File("recipe.yaml");

    /// <summary>Says where the recipe's relative paths start.</summary>
    public string RecipeFolderFile => File("recipe_folder.txt");

    /// <summary>Where the recipe's relative paths start.</summary>
    public string RecipeFolder => System.IO.File.Exists(RecipeFolderFile) ? System.IO.File.ReadAllText(RecipeFolderFile) : Path;

    /// <summary>The command that began the run, which repeats it.</summary>
    public string CommandFile => File("command.txt");

    /// <summary>Everything that happened.</summary>
    public string EventsFile => File("events.jsonl");

    /// <summary>Machine and versions.</summary>
    public string EnvironmentFile => File("environment.json");

    /// <summary>Sizes and hashes of the data splits.</summary>
    public string DataFile => File("data.json");

    /// <summary>What the doctor found, and which of its visits are over.</summary>
    public string DoctorFile => File("doctor.json");

    /// <summary>The comparison; of the jobs there are where some have not finished.</summary>
    public string ResultsFile => File("results.json");

    /// <summary>Makes the directory one of a sweep; it exists from its beginning on.</summary>
    public string SweepMarkerFile => File("sweep.started");

    /// <summary>The trials of a sweep.</summary>
    public string SweepFile => File("sweep.json");

    /// <summary>The trials of a sweep as tables.</summary>
    public string SweepTableFile => File("sweep.md");

    /// <summary>The recipe with the settings that a sweep chose.</summary>
    public string TunedRecipeFile => File("tuned.yaml");

    /// <summary>Says where a sweep that has not ended is to write that recipe beside; it is there only until then.</summary>
    public string SweepCopyFile => File("sweep_write.txt");

    /// <summary>The comparison as a page.</summary>
    public string ReportFile => File("report.html");

    /// <summary>Weights of the exported student.</summary>
    public string StudentFile => File("student.safetensors");

    /// <summary>The exported student.</summary>
    public string OnnxFile => File("student.onnx");

    /// <summary>The encoder of an exported student that is two graphs.</summary>
    public string EncoderFile => File("student.encoder.onnx");

    /// <summary>One step of the decoder of such a student.</summary>
    public string DecoderFile => File("student.decoder.onnx");

    /// <summary>The exported student of eight-bit integers.</summary>
    public string Int8File => File("student.int8.onnx");

    /// <summary>When processes worked on the run and its jobs.</summary>
    public string SessionsFolder => File("sessions");

    /// <summary>TensorBoard's files.</summary>
    public string TensorBoardFolder => File("tensorboard");

    /// <summary>A text as the name of a run may be: what is no letter, digit, <c>_</c>, <c>-</c> or <c>.</c> becomes <c>-</c>.</summary>
    public static string NameOf(string text)
    {
        var name = string.Concat(text.Select(letter => char.IsAsciiLetterOrDigit(letter) || letter is '_' or '-' or '.' ? letter : '-')).TrimStart('_', '-', '.');
        return name.Length == 0 ? "recipe" : name[..Math.Min(name.Length, LongestName)];
    }

    /// <summary>Folder of one arm.</summary>
    public string ArmFolder(string arm) => System.IO.Path.Combine(Path, "arms", arm);

    /// <summary>Which engine runs an arm as a teacher, and what was measured to choose it.</summary>
    public string EngineFile(string arm) => System.IO.Path.Combine(ArmFolder(arm), "engine.json");

    /// <summary>Folder of one job.</summary>
    public string JobFolder(string arm, int seed) =>
        System.IO.Path.Combine(ArmFolder(arm), string.Create(CultureInfo.InvariantCulture, $"seed-{seed}"));

    /// <summary>Result of one job; it exists when the job is done.</summary>
    public string JobResultFile(string arm, int seed) => System.IO.Path.Combine(JobFolder(arm, seed), "metrics.json");

    /// <summary>Result of one trial of a sweep; it exists when the trial is done.</summary>
    public string TrialFile(string trial, int seed) => System.IO.Path.Combine(JobFolder(trial, seed), "trial.json");

    /// <summary>Kept weights of one job.</summary>
    public string WeightsFile(string arm, int seed) =>
        System.IO.Path.Combine(JobFolder(arm, seed), ArmNames.IsTeacher(arm) ? "teacher.safetensors" : "student.safetensors");

    /// <summary>Checkpoints of one job.</summary>
    public string CheckpointFolder(string arm, int seed) => System.IO.Path.Combine(JobFolder(arm, seed), "checkpoints");

    /// <summary>True where a run has been started here.</summary>
    public bool Exists => System.IO.File.Exists(RecipeFile);

    /// <summary>True where the comparison is there and no job of the plan is missing in it.</summary>
    public bool IsFinished => System.IO.File.Exists(ResultsFile) && RunResults.Load(ResultsFile).Missing.Count == 0;

    /// <summary>True where it holds a sweep.</summary>
    public bool IsSweep => System.IO.File.Exists(SweepMarkerFile);

    /// <summary>True where the run, or the sweep, has read its data, before which no job of it begins.</summary>
    public bool HasReadData => System.IO.File.Exists(DataFile);

    /// <summary>True where there is no directory, or nothing in it but the lock.</summary>
    public bool IsEmpty => !Directory.Exists(Path) || Directory.EnumerateFileSystemEntries(Path).All(entry => entry == LockFile);

    private string LockFile => File("run.lock");

    /// <summary>Keeps other processes from running in this directory until it is disposed; the system lets go when a process dies.</summary>
    /// <exception cref="IOException">Another process is running here.</exception>
    public IDisposable Lock() => OpenLock(FileMode.OpenOrCreate, FileAccess.ReadWrite);

    /// <summary>Makes the directory of a new run where there is none, and locks it before anything else is written into it.</summary>
    /// <exception cref="IOException">Another process is running here, or it cannot be written; the message says which.</exception>
    public IDisposable LockNew()
    {
        try
        {
            Directory.CreateDirectory(Path);
            return Lock();
        }
        catch (Exception error) when (error is UnauthorizedAccessException || (error is IOException && !Directory.Exists(Path)))
        {
            throw CannotBeWritten(error);
        }
    }

    /// <summary>Says where another process is running here. Nothing is written.</summary>
    /// <exception cref="IOException">One is.</exception>
    public void CheckUnlocked()
    {
        if (System.IO.File.Exists(LockFile))
        {
            OpenLock(FileMode.Open, FileAccess.Read).Dispose();
        }
    }

    /// <summary>Takes away what was written for a run that has not read its data yet, but for the lock. What others put here stays.</summary>
    /// <returns>False where something cannot be taken away.</returns>
    public bool TakeBack() => Succeeds(() =>
    {
        foreach (var file in new[] { RecipeFile, RecipeFolderFile, CommandFile, EnvironmentFile, EventsFile, SweepMarkerFile, SweepCopyFile })
        {
            System.IO.File.Delete(file);
        }

        if (Directory.Exists(SessionsFolder))
        {
            Directory.Delete(SessionsFolder, recursive: true);
        }
    });

    /// <summary>Takes away the lock, which nobody holds any more.</summary>
    /// <param name="folder">Takes away the directory as well, where nothing is left in it.</param>
    /// <returns>False where something cannot be taken away.</returns>
    public bool TakeBackLock(bool folder) => Succeeds(() =>
    {
        System.IO.File.Delete(LockFile);
        if (folder && IsEmpty)
        {
            Directory.Delete(Path);
        }
    });

    /// <summary>Makes the directory for a new run.</summary>
    /// <exception cref="IOException">It holds something already, or cannot be written; the message says which.</exception>
    public void Create()
    {
        if (Exists)
        {
            throw new IOException($"{Path} holds a run already; continue it with `distill resume`, or choose another --output");
        }

        if (!IsEmpty)
        {
            throw new IOException($"{Path} is not empty and not a run; choose another --output");
        }

        try
        {
            Directory.CreateDirectory(Path);
            System.IO.File.WriteAllText(File(".writable"), "");
            System.IO.File.Delete(File(".writable"));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw CannotBeWritten(error);
        }
    }

    // Called where there is a fault to tell of already, which must not be hidden.
    private static bool Succeeds(Action work)
    {
        try
        {
            work();
            return true;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    private FileStream OpenLock(FileMode mode, FileAccess access)
    {
        try
        {
            return new FileStream(LockFile, mode, access, FileShare.None);
        }
        catch (IOException error) when (error is not DirectoryNotFoundException)
        {
            throw new IOException($"another process is running in {Path}; wait for it, or stop it first", error);
        }
    }

    private IOException CannotBeWritten(Exception error) => new($"{Path} cannot be written: {error.Message}", error);

    private string File(string name) => System.IO.Path.Combine(Path, name);
}
