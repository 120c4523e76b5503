import Checkpoint
import Tensor

/// A block's second half: widen, activate, narrow, either by fully connected layers or by 3×3 convolutions over the token grid.
enum FeedForward: Sendable {
  case fullyConnected(Linear, Linear, Activation)
  case convolutional(Convolution, Convolution, Activation, rows: Int, columns: Int)

  /// Linear layers `0` [hidden, width] and `2` [width, hidden].
  init(fullyConnected weights: WeightLoader, width: Int, hidden: Int, activation: Activation) throws(CheckpointError) {
    self = .fullyConnected(
      try weights.linear("0", inputs: width, outputs: hidden), try weights.linear("2", inputs: hidden, outputs: width), activation
    )
  }

  /// Convolutions `conv1` and `conv2` over a grid of tokens.
  init(
    convolutional weights: WeightLoader, width: Int, hidden: Int, activation: Activation, rows: Int, columns: Int
  ) throws(CheckpointError) {
    self = .convolutional(
      try weights.convolution("conv1", inputs: width, outputs: hidden, kind: .same),
      try weights.convolution("conv2", inputs: hidden, outputs: width, kind: .same), activation, rows: rows, columns: columns)
  }

  /// sum += mlp(x), both [B, L, D].
  func add(_ x: FloatTensor, to sum: inout FloatTensor) {
    switch self {
    case .fullyConnected(let widen, let narrow, let activation):
      narrow.add(widen(x, activation: activation), to: &sum)
    case .convolutional(let widen, let narrow, let activation, let rows, let columns):
      let image = x.reshaped([x.shape[0], rows, columns, x.shape[2]])
      sum.withShape(image.shape) { narrow.add(widen(image, activation: activation), to: &$0) }
    }
  }
}
