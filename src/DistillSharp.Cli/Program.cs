using static TorchSharp.torch;
var x = randn(3, 4); Console.WriteLine(x.sum().item<float>());
