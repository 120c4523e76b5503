import Diffusion
import Foundation
import Tensor
import TestSupport
import Testing
import TrainingCore

@Suite struct LossCorruptionTests {
  @Test(arguments: LossKernels.allCases) func frequenciesFollowTheLaw(kind: LossKernels) throws {
    let (codes, length, draws) = (3, 1000, 20)
    let corruption = try kind.corruption(codes: codes)
    let clean = [Int32](repeating: 1, count: length)
    for t in [0, 3, 6] {
      var counts = [Double](repeating: 0, count: codes + 1)
      for step in 0..<draws {
        let corrupted = try ForwardCorruption(corruption: corruption).corrupt(
          clean, timesteps: [t], step: step, noise: PhiloxNoise(seed: 11))
        for token in corrupted { counts[Int(token)] += 1 }
      }
      let law = corruption.cumulative(at: t + 1)
      let expected = [law.replace, law.keep + law.replace, law.replace, law.mask]
      // Five standard deviations of a share of 20 000 draws are 0.018 at most.
      expectClose(counts.map { $0 / Double(length * draws) }, expected, absolute: 0.018)
    }
  }

  @Test func drawsAreNamedByStepSampleAndPosition() throws {
    let corruption = try LossKernels.strong.corruption(codes: 9)
    let forward = ForwardCorruption(corruption: corruption)
    let clean = [Int32](repeating: 4, count: 3 * 40)
    let noise = PhiloxNoise(seed: 2)
    let together = try forward.corrupt(clean, timesteps: [5, 5, 5], step: 7, noise: noise)
    let alone = try forward.corrupt(Array(clean[40..<80]), timesteps: [5], step: 7, firstSample: 1, noise: noise)
    #expect(alone == Array(together[40..<80]))
    #expect(Array(together[0..<40]) != alone)
    #expect(try forward.corrupt(clean, timesteps: [5, 5, 5], step: 8, noise: noise) != together)
  }

  @Test func whatDoesNotFitIsRefused() throws {
    let forward = ForwardCorruption(corruption: try LossKernels.strong.corruption(codes: 3))
    let noise = PhiloxNoise(seed: 2)
    #expect(throws: TrainingError.code(codes: 3, index: 1, found: 3)) {
      try forward.corrupt([0, 3], timesteps: [0], step: 0, noise: noise)
    }
    #expect(throws: TrainingError.timestep(timesteps: 7, sample: 1, found: -1)) {
      try forward.corrupt([0, 1], timesteps: [0, -1], step: 0, noise: noise)
    }
    #expect(throws: TrainingError.shape(of: "the images", expected: [2, 1], found: [3])) {
      try forward.corrupt([0, 1, 2], timesteps: [0, 1], step: 0, noise: noise)
    }
  }
}
