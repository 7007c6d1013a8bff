using DistillSharp.Config;
using DistillSharp.Data;
using TorchSharp;

namespace DistillSharp.Teachers;

/// <summary>What a teacher from elsewhere wants its samples to be: keys of every such teacher.</summary>
public abstract record PreprocessingOptions : ICheckedOptions
{
    /// <summary>Height and width.</summary>
    [Option("height and width that images are resized to (bilinear) for the teacher; one number for both; as they are by default", Min = 1, Max = 16384)]
    public IReadOnlyList<int> Size { get; init; } = [];

    /// <summary>Smooth while shrinking.</summary>
    [Option("average over what falls together when images are made smaller, as Pillow and torchvision do and OpenCV does not")]
    public bool Antialias { get; init; } = true;

    /// <summary>Colours.</summary>
    [Option("what the teacher looks at: grey, rgb, or bgr (the channels in that order); the data's own by default")]
    public Colour? Colour { get; init; }

    /// <summary>Axes.</summary>
    [Option("order of the axes of the teacher's input; flat makes one row of values of a sample")]
    public Layout Layout { get; init; } = Layout.Nchw;

    /// <summary>Mean that its inputs are normalised with.</summary>
    [Option("mean a channel, in the teacher's order, that it wants subtracted, in the data's own scale (0 to 1 for pixels); what the file says, else as the student, by default")]
    public IReadOnlyList<double> Mean { get; init; } = [];

    /// <summary>Deviation that its inputs are divided by.</summary>
    [Option("deviation a channel that the teacher wants divided by; 1/255 gives it pixels from 0 to 255", Min = 0, AboveMin = true)]
    public IReadOnlyList<double> Deviation { get; init; } = [];

    /// <inheritdoc/>
    public virtual void Check(ConfigNode node, ConfigErrors errors)
    {
        if (Mean.Count != Deviation.Count)
        {
            errors.Add(node, $"{Mean.Count} values of `mean` and {Deviation.Count} of `deviation`; give both, one a channel");
        }

        if (Size.Count > 2)
        {
            errors.Add(node.Get("size")!, "must be one number, or height and width");
        }
    }
}

/// <summary>
/// A teacher from elsewhere, a file or an endpoint: the keys that every kind has, and what a kind must tell.
/// A kind is one record of these, and one line of <see cref="TeacherKinds"/>.
/// </summary>
public abstract record TeacherSourceOptions : PreprocessingOptions
{
    /// <summary>Names of its outputs.</summary>
    [Option("names of the teacher's outputs in their order, where they are not the data's classes in the data's order; what the file says by default")]
    public IReadOnlyList<string> Classes { get; init; } = [];

    /// <summary>The data's name of its outputs.</summary>
    [Option("the data's class by the teacher's name of it, where the two differ; several of the teacher's may be one of the data's")]
    public IReadOnlyDictionary<string, string> ClassMap { get; init; } = new Dictionary<string, string>();

    /// <summary>What becomes of other classes.</summary>
    [Option("what becomes of classes that the teacher has no output for: refuse, or leave_out (terms compare the others)")]
    public MissingClasses MissingClasses { get; init; } = MissingClasses.Refuse;

    /// <summary>What it is, for people: <c>an ONNX file</c>.</summary>
    public abstract string Noun { get; }

    /// <summary>Where it is: a full path or an address.</summary>
    public abstract string Location { get; }

    /// <summary>The file; null for an endpoint.</summary>
    public virtual string? File => Location;

    /// <summary>What it says of itself, by the names of <see cref="Export.Provenance"/>; known without running it.</summary>
    public virtual IReadOnlyDictionary<string, string> Metadata => new Dictionary<string, string>();

    /// <summary>The same with paths that start at a folder made complete.</summary>
    public abstract TeacherSourceOptions In(string folder);

    /// <summary>Checks what can be checked without running it and without libtorch.</summary>
    /// <exception cref="InvalidDataException">The file is not sound, or holds something else.</exception>
    /// <exception cref="ArgumentException">A key does not fit what the file holds.</exception>
    public abstract void CheckSource();

    /// <summary>What is wrong with a feature's name; null where nothing is known to be.</summary>
    public abstract string? FeatureFault(string name);

    /// <summary>The teacher as it is, without preprocessing and class map.</summary>
    /// <param name="own">Shape of the samples that it is given, and its own classes.</param>
    /// <param name="threads">Threads within one operation.</param>
    /// <param name="device">Where its batches are.</param>
    protected abstract Teacher OpenBare(DatasetInfo own, int threads, torch.Device device);

    /// <summary>The teacher, given the data's batches and answering in the data's classes.</summary>
    /// <param name="data">Shape and classes of the data.</param>
    /// <param name="normalisation">How its batches are normalised; null where they are not.</param>
    /// <param name="threads">Threads within one operation.</param>
    /// <param name="device">Where its batches are; the CPU by default.</param>
    public Teacher Open(DatasetInfo data, Normalisation? normalisation, int threads = 1, torch.Device? device = null)
    {
        var preprocessing = new Preprocessing(this, data, normalisation, Metadata);
        var map = MapTo(data.Classes);
        var own = new DatasetInfo(data.Name, preprocessing.OutputShape, map is null ? data.Classes : OwnClasses());
        return new AdaptedTeacher(OpenBare(own, threads, device ?? torch.CPU), Location, preprocessing, map, data.Classes.Count);
    }

    /// <summary>The map to the data's classes; null where the teacher's have no names.</summary>
    /// <exception cref="ArgumentException">A class is missing, or a name does not exist, or names are mapped that nothing says.</exception>
    public ClassMap? MapTo(IReadOnlyList<string> ours)
    {
        var theirs = OwnClasses();
        if (theirs.Count == 0 && ClassMap.Count > 0)
        {
            throw new ArgumentException("class_map goes by the names of the teacher's outputs, and nothing says them; give them in their order as `classes`");
        }

        return theirs.Count > 0 && ours.Count > 0 ? Teachers.ClassMap.Create(theirs, Renamed(theirs, ours), ours, MissingClasses) : null;
    }

    /// <summary>The data's name of outputs that are called otherwise.</summary>
    protected virtual IReadOnlyDictionary<string, string> Renamed(IReadOnlyList<string> theirs, IReadOnlyList<string> ours) => ClassMap;

    /// <summary>Names of its outputs; empty where nothing says them.</summary>
    protected virtual IReadOnlyList<string> OwnClasses() =>
        Classes.Count > 0 ? Classes : Export.Provenance.List<string>(Metadata, Export.Provenance.Classes) ?? [];

    /// <inheritdoc/>
    public override void Check(ConfigNode node, ConfigErrors errors)
    {
        base.Check(node, errors);
        foreach (var (theirs, _) in ClassMap.Where(entry => Classes.Count > 0 && !Classes.Contains(entry.Key)))
        {
            errors.Add(node.Get("class_map")!.Get(theirs)!, $"the teacher has no class `{theirs}`; {NearestName.Hint(theirs, Classes)}");
        }
    }
}

/// <summary>One kind of teacher that is a file or an endpoint.</summary>
/// <param name="Key">The recipe key that names it, and whose value says where it is.</param>
/// <param name="Title">Heading of its keys in the documentation.</param>
/// <param name="OptionsType">Record of its keys, a <see cref="TeacherSourceOptions"/>.</param>
public sealed record TeacherKind(string Key, string Title, Type OptionsType);

/// <summary>The list of those kinds. One more is one record and one line.</summary>
public static class TeacherKinds
{
    /// <summary>Every kind; no two share a key.</summary>
    public static IReadOnlyList<TeacherKind> All { get; } =
    [
        new("onnx", "an ONNX file", typeof(OnnxTeacherOptions)),
        new("onnx_stream", "an ONNX file that reads a stream", typeof(StreamingOnnxTeacherOptions)),
        new("torchscript", "a TorchScript file", typeof(TorchScriptTeacherOptions)),
        new("endpoint", "an HTTP endpoint", typeof(EndpointTeacherOptions)),
    ];

    /// <summary>A network of the catalog with weights from elsewhere, where its samples or classes are not the data's. It has the keys of its model beside these.</summary>
    public static TeacherKind Network { get; } = new("weights", "a network with classes or samples of its own", typeof(NetworkTeacherOptions));
}
