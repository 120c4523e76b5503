import Checkpoint
import Tensor

/// Cross-attention on text vectors:
///
///     attention(W_q x, W_k c, W_v c) projected,        x [B, L, D], c [T, text width]
///
/// Keys and values follow from the text alone; they are kept with it (see `TextVectors`), which is why a layer is an object with an
/// identity. Sequences under one text share them.
final class TextAttention: Sendable {
  /// A tensor that checkpoints carry beside the layers and nothing reads: the triangle [1, 1, L, L] of a causal mask.
  static let unusedMask = "mask"

  private let query: Linear
  /// Key and value projections as one layer.
  private let keyValue: Linear
  private let projection: Linear
  private let heads: Int
  private let products: ComputeOptions.Products

  init(_ weights: WeightLoader, width: Int, textWidth: Int, heads: Int) throws(CheckpointError) {
    query = try weights.linear("query", inputs: width, outputs: width)
    keyValue = try weights.stackedLinear(["key", "value"], width: width, inputs: textWidth)
    projection = try weights.linear("proj", inputs: width, outputs: width)
    (self.heads, products) = (heads, weights.options.products)
  }

  /// sum += attention of x [B, L, D] on one text for each of the B sequences.
  func add(_ x: FloatTensor, texts: [TextVectors], to sum: inout FloatTensor) {
    let attended = query(x).crossAttention(texts.map(keysAndValues), heads: heads, products: products)
    projection.add(attended, to: &sum)
  }

  /// [T, 2D]
  private func keysAndValues(of text: TextVectors) -> FloatTensor {
    text.keysAndValues(for: self) {
      let shape = text.values.shape
      // One image, so that the bits are those of this text alone whatever it stands beside.
      return keyValue(text.values.reshaped([1] + shape)).reshaped([shape[0], keyValue.outputs])
    }
  }
}
