import Diffusion
import Tensor
import Transformer

/// The transformer behind the samplers' `Denoiser` protocol; stops between layers when asked to.
struct TransformerDenoiser: Denoiser {
  let transformer: DenoisingTransformer
  let cancellation: Cancellation

  var codes: Int { transformer.configuration.codebookSize }

  func logits(tokens: [Int32], length: Int, timesteps: [Int], conditions: [DenoiserCondition]) throws -> FloatTensor {
    try transformer.logits(
      tokens: tokens, timesteps: timesteps, conditions: conditions, checkCancellation: cancellation.check)
  }

  func logits(
    tokens: [Int32], length: Int, timesteps: [Int], conditions: [DenoiserCondition], positions: [[Int]]
  ) throws -> FloatTensor {
    try transformer.logits(
      tokens: tokens, timesteps: timesteps, conditions: conditions, positions: positions,
      checkCancellation: cancellation.check)
  }
}
