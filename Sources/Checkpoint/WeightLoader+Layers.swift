import Tensor

// Layers by their scoped name, with the shapes that the architecture asks for.
extension WeightLoader {
  /// `NAME.weight` [outputs, inputs] and `NAME.bias` [outputs].
  package func linear(_ name: String, inputs: Int, outputs: Int) throws(CheckpointError) -> Linear {
    let layer = scope(name)
    return Linear(
      weights: try layer.layerWeights("weight", [outputs, inputs]), bias: try layer.tensor("bias", [outputs]), options: options)
  }

  /// Several layers [width, inputs] as one, outputs side by side; 1×1 convolutions as the linear layers over channels that they are.
  ///
  /// - Parameter inputs: `width` if nil.
  package func stackedLinear(
    _ names: [String], width: Int, inputs: Int? = nil, arePointwise: Bool = false
  ) throws(CheckpointError) -> Linear {
    let shape = [width, inputs ?? width]
    var parts: [(weights: LayerWeights, bias: FloatTensor)] = []
    for name in names {
      let weight = try scope(name).layerWeights("weight", arePointwise ? shape + [1, 1] : shape)
      parts.append((weight.reshaped(shape), try scope(name).tensor("bias", [width])))
    }
    let stacked = Linear(stacking: parts, options: options)
    // The copy is what is used from here on; with the pages that it was read from, these layers would be in memory twice.
    for name in names { scope(name).release("weight") }
    return stacked
  }

  /// `NAME.weight` [outputs, inputs, window, window] and `NAME.bias` [outputs].
  package func convolution(
    _ name: String, inputs: Int, outputs: Int, kind: Convolution.Kind
  ) throws(CheckpointError) -> Convolution {
    let layer = scope(name)
    let weights = try layer.layerWeights("weight", [outputs, inputs, kind.window, kind.window])
    return Convolution(weights: weights, bias: try layer.tensor("bias", [outputs]), kind: kind, options: options)
  }
}
