/// A tensor that an architecture asks for.
package struct TensorShape: Sendable, Hashable {
  package let name: String
  package let shape: [Int]

  package init(_ name: String, _ shape: [Int]) { (self.name, self.shape) = (name, shape) }

  /// The number of elements; `Int.max` beyond.
  package var count: Int {
    shape.reduce(1) { product, size in
      let (next, isOverflow) = product.multipliedReportingOverflow(by: size)
      return isOverflow ? .max : next
    }
  }
}

/// Collects the tensors of an architecture, layer by layer.
package struct TensorShapes {
  package private(set) var tensors: [TensorShape] = []

  package init() {}

  package mutating func add(_ name: String, _ shape: [Int]) { tensors.append(TensorShape(name, shape)) }

  /// `NAME.weight` [outputs, inputs] and `NAME.bias` [outputs].
  package mutating func linear(_ name: String, inputs: Int, outputs: Int) {
    add("\(name).weight", [outputs, inputs])
    add("\(name).bias", [outputs])
  }

  /// `NAME.weight` [outputs, inputs, window, window] and `NAME.bias` [outputs].
  package mutating func convolution(_ name: String, inputs: Int, outputs: Int, window: Int) {
    add("\(name).weight", [outputs, inputs, window, window])
    add("\(name).bias", [outputs])
  }

  /// `NAME.weight` and `NAME.bias` [channels].
  package mutating func norm(_ name: String, channels: Int) {
    add("\(name).weight", [channels])
    add("\(name).bias", [channels])
  }
}
