import Checkpoint
import Tensor

/// Layer normalisation with an affine output: (x − mean) / √(variance + ε) · weight + bias over the last axis.
struct LayerNorm: Sendable {
  private let weight: FloatTensor
  private let bias: FloatTensor

  /// - Throws: `CheckpointError.missingTensor`, `.wrongShape`, `.wrongElementType`.
  init(_ weights: WeightLoader, width: Int) throws(CheckpointError) {
    (weight, bias) = (try weights.tensor("weight", [width]), try weights.tensor("bias", [width]))
  }

  func callAsFunction(_ x: FloatTensor) -> FloatTensor { x.layerNorm(weight: weight, bias: bias) }
}
