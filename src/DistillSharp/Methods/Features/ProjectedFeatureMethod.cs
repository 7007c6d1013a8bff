using DistillSharp.Losses.Features;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DistillSharp.Methods.Features;

/// <summary>A feature method with one projector per pair, which it owns and which is trained with the student.</summary>
public abstract class ProjectedFeatureMethod : FeatureMethod
{
    // The name is the key under which the weights are saved.
    private readonly ModuleList<nn.Module<Tensor, Tensor>> projectors;

    /// <summary>Builds the projectors from the probed shapes.</summary>
    /// <param name="name">Recipe name, for messages.</param>
    /// <param name="context">Shapes and feature names.</param>
    /// <param name="projector">Kind of projector, see <see cref="Projectors"/>.</param>
    /// <param name="minimumStages">Fewest pairs that the formula makes sense for.</param>
    /// <param name="form">The form that features are brought to.</param>
    /// <param name="bias">Whether linear layers have a bias.</param>
    /// <exception cref="ArgumentException">The pairs do not fit.</exception>
    protected ProjectedFeatureMethod(string name, MethodContext context, string projector, int minimumStages = 1, FeatureForm form = FeatureForm.AsIs, bool bias = true)
        : base(name, context, minimumStages, form)
    {
        projectors = new ModuleList<nn.Module<Tensor, Tensor>>();
        for (var i = 0; i < Stages; i++)
        {
            AtPair(i, () => projectors.Add(Projectors.Create(projector, name, StudentShapes[i], TeacherShapes[i], bias)));
        }
    }

    /// <summary>Both are maps; without a projector their channels are equal.</summary>
    protected void CheckChannels(string projector, IReadOnlyList<long> student, IReadOnlyList<long> teacher)
    {
        if (projector == Projectors.None)
        {
            FeatureShapes.RequireChannels(GetName(), student, teacher);
        }
        else
        {
            FeatureShapes.RequireMaps(GetName(), student, teacher);
        }
    }

    /// <summary>Both are vectors [N, D]; without a projector they are of one width.</summary>
    protected void CheckEmbeddings(string projector, IReadOnlyList<long> student, IReadOnlyList<long> teacher)
    {
        FeatureShapes.Require(student.Count == 2 && teacher.Count == 2, GetName(), student, teacher, "both must be vectors [batch, features], or maps, which are averaged");
        if (projector == Projectors.None)
        {
            FeatureShapes.RequireEqual(GetName(), student, teacher);
        }
    }

    /// <summary>The student's feature of a pair in the teacher's channels.</summary>
    protected Tensor Project(int pair, Tensor student) => projectors[pair].call(student);

    /// <summary>The student's features, each through its projector.</summary>
    protected IReadOnlyList<Tensor> Project(IReadOnlyList<Tensor> student) => [.. student.Select((feature, i) => Project(i, feature))];

    /// <summary>Registers child modules and moves them; the last statement of a constructor.</summary>
    protected void Complete(MethodContext context)
    {
        RegisterComponents();
        this.to(context.Device);
    }
}
