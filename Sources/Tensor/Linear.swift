/// A fully connected layer, y = x Wᵀ + b.
public struct Linear: Sendable {
  private let packed: PackedWeights
  /// [out]
  public let bias: FloatTensor?

  /// - Parameter weight: [out, in], as checkpoints hold it; copied into the layout that the product reads.
  public init(weight: FloatTensor, bias: FloatTensor?) {
    precondition(
      weight.shape.count == 2 && weight.shape[1] > 0, "a linear layer's weight is [out, in], not \(weight.shape)")
    precondition(bias.map { $0.shape == [weight.shape[0]] } ?? true, "bias \(bias?.shape ?? []) for weight \(weight.shape)")
    packed = PackedWeights(weight)
    self.bias = bias
  }

  /// [out, in], copied back from the packed layout.
  public var weight: FloatTensor { packed.unpacked }

  /// Several layers over the same input as one: outputs side by side, in order.
  public init(stacking layers: [Linear]) {
    precondition(layers.allSatisfy { $0.bias != nil && $0.inputs == layers[0].inputs }, "layers that don't stack")
    let outputs = layers.reduce(0) { $0 + $1.outputs }
    self.init(
      weight: FloatTensor(layers.flatMap(\.weight.values), shape: [outputs, layers[0].inputs]),
      bias: FloatTensor(layers.flatMap { $0.bias?.values ?? [] }, shape: [outputs]))
  }

  public var inputs: Int { packed.inner }
  public var outputs: Int { packed.columns }

  /// activation(x Wᵀ + b) for x [..., in]; the result is [..., out].
  public func callAsFunction(_ x: FloatTensor, activation: Activation = .identity) -> FloatTensor {
    precondition(x.shape.last == inputs, "input \(x.shape) for a layer of \(inputs) inputs")
    defer { keepAlive(x) }
    return FloatTensor(uninitialized: x.shape.dropLast() + [outputs]) { y in
      multiply(.memory(x.base), rows: x.count / inputs, into: y, activation: activation)
    }
  }

  /// y += x Wᵀ + b for x [..., in], y [..., out].
  public func add(_ x: FloatTensor, to y: inout FloatTensor) {
    precondition(
      x.shape.last == inputs && y.shape == x.shape.dropLast() + [outputs],
      "input \(x.shape) and sum \(y.shape) for a layer \(inputs) -> \(outputs)")
    defer { keepAlive(x) }
    multiply(.memory(x.base), rows: x.count / inputs, into: y.mutableBase(), accumulates: true)
  }

  func multiply(
    _ rows: PanelGEMM.Rows, rows count: Int, into y: UnsafeMutablePointer<Float>, activation: Activation = .identity,
    accumulates: Bool = false
  ) {
    PanelGEMM(weights: packed, bias: bias, activation: activation, accumulates: accumulates)
      .multiply(rows, rows: count, into: y)
  }
}
