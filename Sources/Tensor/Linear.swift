/// A fully connected layer, y = x Wᵀ + b.
///
/// The first dimension of the input counts images: an image's result has the same bits whatever else is in the batch.
public struct Linear: Sendable {
  private let weights: MatrixWeights
  /// [out]
  public let bias: FloatTensor?

  /// - Parameter weight: [out, in], as checkpoints hold it; laid out as `ComputeOptions.current` asks for.
  public init(weight: FloatTensor, bias: FloatTensor?) {
    precondition(
      weight.shape.count == 2 && weight.shape[1] > 0, "a linear layer's weight is [out, in], not \(weight.shape)")
    precondition(bias.map { $0.shape == [weight.shape[0]] } ?? true, "bias \(bias?.shape ?? []) for weight \(weight.shape)")
    weights = MatrixWeights(weight, for: ComputeOptions.current)
    self.bias = bias
  }

  /// Several layers over the same input as one: outputs side by side, in order.
  ///
  /// - Parameter parts: weight [out, in] and bias [out] of each.
  public init(stacking parts: [(weight: FloatTensor, bias: FloatTensor)]) {
    precondition(!parts.isEmpty, "nothing to stack")
    let outputs = parts.reduce(0) { $0 + $1.weight.shape[0] }
    self.init(
      weight: FloatTensor(parts.flatMap(\.weight.values), shape: [outputs, parts[0].weight.shape[1]]),
      bias: FloatTensor(parts.flatMap(\.bias.values), shape: [outputs]))
  }

  public var inputs: Int { weights.inner }
  public var outputs: Int { weights.columns }

  /// activation(x Wᵀ + b) for x [..., in]; the result is [..., out].
  public func callAsFunction(_ x: FloatTensor, activation: Activation = .identity) -> FloatTensor {
    precondition(x.shape.count >= 2 && x.shape.last == inputs, "input \(x.shape) for a layer of \(inputs) inputs")
    defer { keepAlive(x) }
    return FloatTensor(uninitialized: x.shape.dropLast() + [outputs]) { y in
      multiply(.memory(x.base), shape: x.shape, into: y, activation: activation)
    }
  }

  /// y += x Wᵀ + b for x [..., in], y [..., out].
  public func add(_ x: FloatTensor, to y: inout FloatTensor) {
    precondition(
      x.shape.count >= 2 && x.shape.last == inputs && y.shape == x.shape.dropLast() + [outputs],
      "input \(x.shape) and sum \(y.shape) for a layer \(inputs) -> \(outputs)")
    defer { keepAlive(x) }
    multiply(.memory(x.base), shape: x.shape, into: y.mutableBase(), accumulates: true)
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
