import Checkpoint
import Tensor
import TestSupport
import Testing
import Transformer

/// The scales and shifts that adaptive norms keep.
@Suite struct AdaptiveNormCacheTests {
  private static let configuration = VQDiffusionConfiguration(
    kind: .classConditional, classRows: 90, classNorm: .instanceNorm, timestepNorm: .layerNorm, layers: 2, width: 1024, heads: 1,
    mlp: .fullyConnected, mlpHiddenMultiplier: 1, activation: .gelu, grid: [1, 2], positionTable: [1, 2],
    positionKind: .embedding,
    codebookSize: 3, timesteps: 90)

  /// Scale and shift of one index take 8 · 1024 bytes, and each norm may keep 512 KiB.
  private static let bound = 64

  private func network() throws -> VQDiffusionTransformer {
    try VQDiffusionTransformer(Self.configuration, weights: WeightLoader(randomSeed: 5))
  }

  private func logits(_ network: VQDiffusionTransformer, _ timesteps: [Int], _ conditions: [NetworkCondition]) throws -> [UInt32]
  {
    let tokens = timesteps.flatMap { [Int32($0 % 4), Int32($0 % 3)] }
    let input = NetworkInput(tokens: tokens, timesteps: timesteps, conditions: conditions)
    return try network.logits(input).values.map(\.bitPattern)
  }

  /// Where sequence `index` is at its timestep; the last one has the mean of all classes.
  private func condition(_ index: Int) -> NetworkCondition { index == 89 ? .meanOfClasses : .index((index * 7) % 90) }

  @Test func visitedTimestepsStayUnderTheBoundAndGiveTheSameBits() throws {
    let network = try network()
    #expect(network.cachedModulations == [0, 0, 0, 0])
    let first = try (0..<90).map { index in
      let bits = try logits(network, [index], [condition(index)])
      #expect(network.cachedModulations == Array(repeating: min(index + 1, Self.bound), count: 4))
      return bits
    }
    // Again in another order: some are kept, and those that went are computed anew.
    for index in (0..<90).map({ ($0 * 37) % 90 }) {
      #expect(try logits(network, [index], [condition(index)]) == first[index], "timestep \(index)")
    }
    #expect(network.cachedModulations == Array(repeating: Self.bound, count: 4))
    let fresh = try self.network()
    for index in [0, 63, 64, 89] { #expect(try logits(fresh, [index], [condition(index)]) == first[index], "timestep \(index)") }
    #expect(fresh.cachedModulations == [4, 4, 4, 4])
  }

  /// More timesteps in one batch than are kept.
  @Test func aBatchBeyondTheBound() throws {
    let network = try network()
    let together = try logits(network, Array(0..<90), (0..<90).map(condition))
    #expect(network.cachedModulations == Array(repeating: Self.bound, count: 4))
    #expect(try logits(network, Array(0..<90), (0..<90).map(condition)) == together)
    let alone = try (0..<90).flatMap { try logits(network, [$0], [condition($0)]) }
    #expect(alone == together)
  }
}
