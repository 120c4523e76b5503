import Foundation
import Tensor
import TestSupport
import Testing
import TrainingCore

@Suite struct TimestepImportanceTests {
  @Test func drawsAreUniformUntilAllCountsExceedTen() throws {
    let history: [Float] = [0, 1, 100, 400]
    let cold = try TimestepImportance(history: history, counts: [11, 10, 12, 90])
    #expect(!cold.isWarm)
    let noise = TrainingNoise(seed: 5)
    #expect(cold.draws(9, noise: noise, iteration: 0).allSatisfy { $0.probability == 0.25 })
    let warm = try TimestepImportance(history: history, counts: [11, 11, 12, 90])
    expectClose(warm.importance, [1.0 / 32, 1.0 / 32, 10.0 / 32, 20.0 / 32], absolute: 1e-5)
    let draws = warm.draws(20_000, noise: noise, iteration: 7)
    #expect(draws.allSatisfy { $0.probability == warm.importance[$0.timestep] })
    let shares = (0..<4).map { timestep in Double(draws.count { $0.timestep == timestep }) / 20_000 }
    expectClose(shares, warm.importance, absolute: 0.015)
  }

  @Test func drawsFollowFromSeedAndIterationAlone() {
    let state = TimestepImportance(timesteps: 100)
    let noise = TrainingNoise(seed: 3)
    let batch = state.draws(12, noise: noise, iteration: 4)
    #expect(batch == state.draws(5, noise: noise, iteration: 4) + state.draws(7, noise: noise, iteration: 4, first: 5))
    #expect(batch != state.draws(12, noise: noise, iteration: 5))
    #expect(batch != state.draws(12, noise: TrainingNoise(seed: 4), iteration: 4))
  }

  @Test func historySurvivesEncodingAndLossesWithoutValue() throws {
    var state = TimestepImportance(timesteps: 3)
    state.record([2, 3, 2, .nan], at: [1, 2, 1, 0])
    expectClose(state.history, [0, 0.76, 0.9] as [Float], absolute: 1e-6)
    #expect(state.counts == [1, 2, 1])
    #expect(try JSONDecoder().decode(TimestepImportance.self, from: JSONEncoder().encode(state)) == state)
    #expect(throws: TrainingError.self) { try TimestepImportance(history: [0, 1], counts: [1]) }
    #expect(throws: TrainingError.self) { try TimestepImportance(history: [-1, 1], counts: [1, 1]) }
    #expect(TimestepImportance(timesteps: 1).importance == [1])
  }

  @Test func inversionSkipsWeightsOfZero() {
    #expect(TrainingNoise.index(for: 1e-300, cumulative: [0, 0, 1, 1, 2, 2]) == 2)
    #expect(TrainingNoise.index(for: 0.5, cumulative: [0, 0, 1, 1, 2, 2]) == 4)
    #expect(TrainingNoise.index(for: 1, cumulative: [0, 0, 1, 1, 2, 2]) == 4)
    #expect(TrainingNoise.index(for: 0.5, cumulative: [0, 0]) == nil)
    #expect(TrainingNoise.index(for: 0.5, cumulative: []) == nil)
  }

  @Test func subsetsHoldNoIndexTwice() {
    let noise = TrainingNoise(seed: 8)
    let subset = noise.subset(40, of: 41, .clusterSample, iteration: 0)
    #expect(Set(subset).count == 40 && subset.allSatisfy { (0..<41).contains($0) })
    #expect(subset != subset.sorted())
    #expect(noise.subset(3, of: 3, .clusterSample, iteration: 1).sorted() == [0, 1, 2])
  }
}
