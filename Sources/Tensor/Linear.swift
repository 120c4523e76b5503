/// A fully connected layer, y = x Wᵀ + b.
///
/// The first dimension of the input counts images: an image's result has the same bits whatever else is in the batch.
public struct Linear: Sendable {
  private let weights: MatrixWeights
  /// [out]
  public let bias: FloatTensor?

  /// - Parameters:
  ///   - weight: [out, in], as checkpoints hold it.
  ///   - options: what the weights are laid out for.
  public init(weight: FloatTensor, bias: FloatTensor?, options: ComputeOptions = ComputeOptions()) {
    self.init(weights: .floats(weight), bias: bias, options: options)
  }

  /// The same for weights [out, in] as a file holds them.
  package init(weights: LayerWeights, bias: FloatTensor?, options: ComputeOptions) {
    let shape = weights.shape
    precondition(shape.count == 2 && shape[1] > 0, "a linear layer's weight is [out, in], not \(shape)")
    precondition(bias.map { $0.shape == [shape[0]] } ?? true, "bias \(bias?.shape ?? []) for weight \(shape)")
    self.weights = MatrixWeights(weights, for: options)
    self.bias = bias
  }

  /// Several layers over the same input as one: outputs side by side, in order.
  ///
  /// - Parameter parts: weights [out, in] and bias [out] of each. 16-bit weights stay so where all are of one format, and are
  ///   widened where they aren't.
  package init(stacking parts: [(weights: LayerWeights, bias: FloatTensor)], options: ComputeOptions) {
    precondition(!parts.isEmpty, "nothing to stack")
    let bias = parts.flatMap(\.bias.values)
    self.init(
      weights: LayerWeights(stacking: parts.map(\.weights)), bias: FloatTensor(bias, shape: [bias.count]), options: options)
  }

  /// Whether a row's last bits may depend on its place in the input (see `PanelGEMM`).
  package var dependsOnPlace: Bool { weights.dependOnPlace }

  public var inputs: Int { weights.inner }
  public var outputs: Int { weights.columns }

  /// activation(x Wᵀ + b) for x [..., in]; the result is [..., out].
  public func callAsFunction(_ x: FloatTensor, activation: Activation = .identity) -> FloatTensor {
    precondition(x.shape.count >= 2 && x.shape.last == inputs, "input \(x.shape) for a layer of \(inputs) inputs")
    defer { keepAlive(x) }
    return FloatTensor(uninitialized: x.shape.dropLast() + [outputs]) { y in
      multiply(.memory(x), shape: x.shape, into: y, activation: activation)
    }
  }

  /// y += x Wᵀ + b for x [..., in], y [..., out].
  public func add(_ x: FloatTensor, to y: inout FloatTensor) {
    precondition(
      x.shape.count >= 2 && x.shape.last == inputs && y.shape == x.shape.dropLast() + [outputs],
      "input \(x.shape) and sum \(y.shape) for a layer \(inputs) -> \(outputs)")
    defer { keepAlive(x) }
    multiply(.memory(x), shape: x.shape, into: y.mutableBase(), accumulates: true)
  }

  /// - Parameter shape: of the rows as [images, ..., in].
  func multiply(
    _ rows: PanelGEMM.Rows, shape: [Int], into y: UnsafeMutablePointer<Float>, activation: Activation = .identity,
    accumulates: Bool = false
  ) {
    PanelGEMM(weights: weights, bias: bias, activation: activation, accumulates: accumulates)
      .multiply(rows, images: shape[0], rowsPerImage: shape.dropFirst().dropLast().reduce(1, *), into: y)
  }
}
