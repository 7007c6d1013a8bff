using TorchSharp.Modules;

namespace DistillSharp.Models;

/// <summary>A module that multiplies its input by a weight which no linear layer holds, so that what looks at linear layers finds it too.</summary>
internal interface IInputProjection
{
    /// <summary>The weight [outputs, inputs].</summary>
    Parameter InputWeight { get; }
}
