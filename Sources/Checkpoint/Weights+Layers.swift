import Tensor

// Layers by their scoped name, with the shapes that the architecture asks for.
extension Weights {
  /// `NAME.weight` [outputs, inputs] and `NAME.bias` [outputs].
  package func linear(_ name: String, inputs: Int, outputs: Int) throws(CheckpointError) -> Linear {
    let layer = scope(name)
    return Linear(weight: try layer.tensor("weight", [outputs, inputs]), bias: try layer.tensor("bias", [outputs]))
  }

  /// A 1×1 convolution (`NAME.weight` [outputs, inputs, 1, 1]) as the linear layer over channels that it is.
  package func pointwiseLinear(_ name: String, inputs: Int, outputs: Int) throws(CheckpointError) -> Linear {
    let layer = scope(name)
    let weight = try layer.tensor("weight", [outputs, inputs, 1, 1])
    return Linear(weight: weight.reshaped([outputs, inputs]), bias: try layer.tensor("bias", [outputs]))
  }

  /// `NAME.weight` [outputs, inputs, window, window] and `NAME.bias` [outputs].
  package func convolution(
    _ name: String, inputs: Int, outputs: Int, kind: Convolution.Kind
  ) throws(CheckpointError) -> Convolution {
    let layer = scope(name)
    let weight = try layer.tensor("weight", [outputs, inputs, kind.window, kind.window])
    return Convolution(weight: weight, bias: try layer.tensor("bias", [outputs]), kind: kind)
  }
}
