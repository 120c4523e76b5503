import Diffusion
import Tensor
import Transformer

/// A denoising network behind the samplers' `Denoiser` protocol; stops between layers when asked to.
package struct NetworkDenoiser: Denoiser {
  private let network: any DenoisingNetwork
  private let facts: NetworkFacts
  private let cancellation: Cancellation

  package init(_ network: any DenoisingNetwork, cancellation: Cancellation) {
    (self.network, facts, self.cancellation) = (network, network.facts, cancellation)
  }

  package var codes: Int { facts.codes }
  package var readsTimestep: Bool { facts.timesteps != nil }

  package func logits(
    tokens: [Int32], length: Int, timesteps: [Int], conditions: [NetworkCondition]
  ) throws -> FloatTensor {
    let input = NetworkInput(tokens: tokens, timesteps: timesteps, conditions: conditions)
    return try network.codeLogits(input, checkCancellation: cancellation.check)
  }

  package func logits(
    tokens: [Int32], length: Int, timesteps: [Int], conditions: [NetworkCondition], positions: [[Int]]
  ) throws -> FloatTensor {
    let input = NetworkInput(tokens: tokens, timesteps: timesteps, conditions: conditions)
    return try network.codeLogits(input, at: positions, checkCancellation: cancellation.check)
  }
}
