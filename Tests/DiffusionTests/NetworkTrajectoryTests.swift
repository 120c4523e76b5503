import Diffusion
import Foundation
import Tensor
import TestSupport
import Testing
import Transformer

/// The recorded sampling runs from the recorded random numbers alone, through the network itself.
@Suite struct NetworkTrajectoryTests {
  private struct Network: Denoiser {
    let transformer: VQDiffusionTransformer
    var codes: Int { transformer.configuration.codebookSize }

    func logits(tokens: [Int32], length: Int, timesteps: [Int], conditions: [NetworkCondition]) throws -> FloatTensor {
      try transformer.logits(NetworkInput(tokens: tokens, timesteps: timesteps, conditions: conditions))
    }
  }

  @Test(arguments: [
    "sampling-ancestral", "sampling-guided", "sampling-guided-mean-class", "sampling-partial", "sampling-rule1",
    "sampling-rule1-limited", "sampling-rule2", "sampling-rule2-weighted", "sampling-fast-skip1", "sampling-fast-skip2",
  ])
  func replays(name: String) throws {
    let trajectory = try GoldenTrajectory(name)
    let configuration: VQDiffusionConfiguration = try trajectory.golden.params["model"].decoded()
    let network = Network(
      transformer: try VQDiffusionTransformer(configuration, weights: trajectory.golden.weights()))
    let sampling = trajectory.golden.params["sampling"]
    let isGuided = trajectory.guidanceScale != 1
    let unconditional: NetworkCondition? =
      isGuided ? sampling["unconditional_class"].intValue.map { .index($0) } ?? .meanOfClasses : nil
    try trajectory.replay(
      through: network, conditions: trajectory.classes.map { .index($0) }, unconditional: unconditional)
  }
}
