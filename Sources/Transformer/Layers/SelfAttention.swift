import Checkpoint
import Tensor

/// Multi-head self-attention with its projections:
///
///     attention(W_q x, W_k x, W_v x) projected,        x [B, L, D]
struct SelfAttention: Sendable {
  /// Query, key and value projections as one layer.
  private let queryKeyValue: Linear
  private let projection: Linear
  private let heads: Int
  private let products: ComputeOptions.Products

  /// - Throws: `CheckpointError.missingTensor`, `.wrongShape`, `.wrongElementType`.
  init(_ weights: WeightLoader, width: Int, heads: Int) throws(CheckpointError) {
    queryKeyValue = try weights.stackedLinear(["query", "key", "value"], width: width)
    projection = try weights.linear("proj", inputs: width, outputs: width)
    (self.heads, products) = (heads, weights.options.products)
  }

  /// sum += attention of x [B, L, D].
  func add(_ x: FloatTensor, to sum: inout FloatTensor) {
    projection.add(queryKeyValue(x).selfAttention(heads: heads, products: products), to: &sum)
  }
}
