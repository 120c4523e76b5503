/// A value computed from inputs, and the way back: from the gradient of a loss with respect to the value to those with respect
/// to the inputs.
///
/// The pullback keeps the inputs that it needs alive; it may be called any number of times.
package struct Differentiated<Gradients>: Sendable {
  package let value: FloatTensor
  /// From a tensor of the value's shape.
  package let pullback: @Sendable (FloatTensor) -> Gradients

  init(_ value: FloatTensor, pullback: @escaping @Sendable (FloatTensor) -> Gradients) {
    let shape = value.shape
    self.value = value
    self.pullback = { gradient in
      precondition(gradient.shape == shape, "gradient \(gradient.shape) of a value \(shape)")
      return pullback(gradient)
    }
  }
}

/// The layers as training needs them: each with its value and its pullback.
///
/// Values equal those of the inference kernels within rounding. Weights are plain tensors as checkpoints hold them, because
/// they change at every step. Work is cut by shape alone and partial sums are added in a fixed order: no result depends on the
/// number of threads.
///
/// Legend: `B` batch, `L` tokens, `D` width, `N` rows, `K` classes, `H`, `W` height and width of images, `C` channels.
package enum Gradient {}
