import Diffusion
import Foundation
import Synchronization
import Tensor
import Testing

@Suite struct ReuseTests {
  private struct Run {
    var tokens: [[Int32]]
    var progress: [SamplingProgress]
    var calls: [ToyDenoiser.Call]
  }

  private func run(
    _ method: SamplingMethod, steps: Int, conditions: [Int], reuses: Bool, scale: Double? = nil, timesteps: Int = 8,
    length: Int = 6, readsTimestep: Bool = true
  ) throws -> Run {
    let denoiser = ToyDenoiser(codes: 4, readsTimestep: readsTimestep)
    let corruption = try AbsorbingCorruption(timesteps: timesteps, codes: 4)
    let loop = try SamplingLoop(
      denoiser: denoiser, sampler: method.sampler(SamplingPlan(corruption, layout: .row(length), steps: steps)),
      guidance: scale.map { try Guidance(scale: $0, unconditional: -1) }, options: SamplingOptions(reusesEvaluations: reuses),
      noise: PhiloxNoise(seed: 21))
    var progress: [SamplingProgress] = []
    let tokens = try loop.run(conditions: conditions, images: Array(conditions.indices)) { progress.append($0) }
    return Run(tokens: tokens, progress: progress, calls: denoiser.calls.withLock { $0 })
  }

  private struct Request: Hashable {
    var tokens: [Int32]
    var timestep: Int
    var condition: Int
  }

  /// What was asked in each call, one request per image and half of guidance.
  private func requests(_ calls: [ToyDenoiser.Call], length: Int = 6) -> [[Request]] {
    calls.map { call in
      call.timesteps.indices.map {
        Request(
          tokens: Array(call.tokens[$0 * length..<($0 + 1) * length]), timestep: call.timesteps[$0],
          condition: call.conditions[$0])
      }
    }
  }

  @Test(arguments: SamplerTests.methods, [nil, 2.5])
  func resultsAreTheSameWithAndWithoutReuse(method: SamplingMethod, scale: Double?) throws {
    let conditions = [1, 1, 2, 1, 2]
    let without = try run(method, steps: 4, conditions: conditions, reuses: false, scale: scale)
    let with = try run(method, steps: 4, conditions: conditions, reuses: true, scale: scale)
    #expect(with.tokens == without.tokens)
    #expect(with.progress.map(\.tokens) == without.progress.map(\.tokens))
    #expect(without.progress.allSatisfy { $0.reused == 0 })
    // The first step: three or two distinct requests, all masks.
    #expect(with.calls[0].conditions == (scale == nil ? [1, 2] : [1, 2, -1]))
    #expect(with.progress[0].evaluations == (scale == nil ? 2 : 3))
    #expect(with.progress[0].reused == (scale == nil ? 3 : 7))
    // Every further one: what differs from all others of the step, and from all of the step before.
    var last: Set<Request> = []
    var (evaluations, hits) = (0, 0)
    for (asked, progress) in zip(requests(without.calls), with.progress) {
      let distinct = Set(asked)
      let fresh = distinct.subtracting(last).count
      evaluations += fresh
      hits += asked.count - fresh
      last = distinct
      #expect(progress.evaluations == evaluations && progress.reused == hits)
    }
    #expect(with.calls.reduce(0) { $0 + $1.timesteps.count } == evaluations)
  }

  /// With more steps than timesteps, an image that no step changes asks the same again.
  @Test func unchangedImagesAreNotEvaluatedAgain() throws {
    let method = SamplingMethod.remasking(.cap(0.1))
    let with = try run(method, steps: 60, conditions: [1], reuses: true, timesteps: 4, length: 3)
    let without = try run(method, steps: 60, conditions: [1], reuses: false, timesteps: 4, length: 3)
    let asked = requests(without.calls, length: 3).map { $0[0] }
    let repeats = zip(asked, asked.dropFirst()).count { $0 == $1 }
    #expect(asked.count == 60 && repeats > 10)
    #expect(with.tokens == without.tokens && with.progress.count == 60)
    #expect(with.progress.last?.reused == repeats && with.progress.last?.evaluations == 60 - repeats)
    #expect(with.calls.count == 60 - repeats)
  }

  // MARK: Denoisers that don't read the timestep

  /// An image that no step changes needs one evaluation, whatever its timesteps.
  @Test func timestepsThatAreNotReadMakeNoDifference() throws {
    let method = SamplingMethod.remasking(.cap(0.1))
    func run(reuses: Bool, readsTimestep: Bool) throws -> Run {
      try self.run(method, steps: 60, conditions: [1], reuses: reuses, timesteps: 60, length: 3, readsTimestep: readsTimestep)
    }
    let (with, without) = (try run(reuses: true, readsTimestep: false), try run(reuses: false, readsTimestep: false))
    #expect(with.calls.allSatisfy { $0.timesteps == [0] } && without.calls.allSatisfy { $0.timesteps == [0] })
    let asked = without.calls.map(\.tokens)
    let repeats = zip(asked, asked.dropFirst()).count { $0 == $1 }
    #expect(asked.count == 60 && repeats > 10)
    #expect(with.tokens == without.tokens && with.calls.count == 60 - repeats)
    #expect(with.progress.last?.reused == repeats && with.progress.last?.evaluations == 60 - repeats)
    // Each step has a timestep of its own, which makes every request of a denoiser that reads it a new one.
    let reading = try run(reuses: true, readsTimestep: true)
    #expect(reading.calls.map(\.timesteps) == (0..<60).reversed().map { [$0] } && reading.progress.last?.reused == 0)
  }

  /// Two images of all masks, the second two steps ahead of the first.
  @Test(arguments: [true, false]) func imagesAtDifferentTimestepsShareAnEvaluation(readsTimestep: Bool) throws {
    let sampler = try AncestralSampler(SamplingPlan(AbsorbingCorruption(timesteps: 10, codes: 4), length: 3, steps: 5))
    let (denoiser, noise) = (ToyDenoiser(codes: 4, readsTimestep: readsTimestep), PhiloxNoise(seed: 1))
    let loop = try SamplingLoop(denoiser: denoiser, sampler: sampler, guidance: nil, noise: noise)
    var states = try (0...1).map { try sampler.initialState(image: $0, noise: noise) }
    states[1].evaluations = 2
    _ = try loop.run(states, conditions: [7, 7])
    #expect(denoiser.calls.withLock { $0[0].timesteps } == (readsTimestep ? [9, 5] : [0]))
  }

  /// The error of a bad answer names the image's own timestep.
  @Test func errorsNameTheTimestepOfTheImage() throws {
    struct Infinite: Denoiser {
      var codes: Int { 2 }
      var readsTimestep: Bool { false }
      func logits(tokens: [Int32], length: Int, timesteps: [Int], conditions: [Int]) -> FloatTensor {
        FloatTensor(Array(repeating: .infinity, count: timesteps.count * length * 2), shape: [timesteps.count, length, 2])
      }
    }
    let sampler = try AncestralSampler(SamplingPlan(AbsorbingCorruption(timesteps: 10, codes: 2), length: 3, steps: 5))
    let loop = try SamplingLoop(denoiser: Infinite(), sampler: sampler, guidance: nil, noise: PhiloxNoise(seed: 1))
    #expect(throws: DiffusionError.logitsNotFinite(image: 4, timestep: 9)) { try loop.run(conditions: [0], images: [4]) }
  }

  // MARK: Masked positions only

  /// Answers for some positions only, and notes which.
  private final class PositionDenoiser: Denoiser {
    let base = ToyDenoiser(codes: 4)
    let asked = Mutex<[[[Int]]]>([])
    var codes: Int { 4 }

    func logits(tokens: [Int32], length: Int, timesteps: [Int], conditions: [Int]) throws -> FloatTensor {
      throw CancellationError()
    }

    func logits(
      tokens: [Int32], length: Int, timesteps: [Int], conditions: [Int], positions: [[Int]]
    ) throws -> FloatTensor {
      asked.withLock { $0.append(positions) }
      let all = try base.logits(tokens: tokens, length: length, timesteps: timesteps, conditions: conditions)
      let rows = positions.enumerated().flatMap { image, positions in
        positions.flatMap { position in (0..<4).map { all[image, position, $0] } }
      }
      return FloatTensor(rows, shape: [rows.count / 4, 4])
    }
  }

  /// A sampler that asks for all positions, whatever it reads.
  private struct AllPositions: Sampler {
    let base: any Sampler
    var plan: SamplingPlan { base.plan }
    var evaluations: Int { base.evaluations }
    var countsMasks: Bool { base.countsMasks }
    var readsMaskedOnly: Bool { false }
    func timestep(of state: SamplingState) -> Int? { base.timestep(of: state) }
    func advance(_ state: inout SamplingState, prediction: Prediction, noise: some NoiseSource) {
      base.advance(&state, prediction: prediction, noise: noise)
    }
  }

  @Test(arguments: SamplerLawTests.countingMethods, [true, false])
  func onlyMaskedPositionsAreAskedFor(method: SamplingMethod, reuses: Bool) throws {
    let sampler = try method.sampler(SamplingPlan(AbsorbingCorruption(timesteps: 8, codes: 4), layout: .row(7), steps: 3))
    #expect(sampler.readsMaskedOnly)
    let (masked, all) = (PositionDenoiser(), ToyDenoiser(codes: 4))
    func tokens<D: Denoiser>(_ denoiser: D, _ sampler: any Sampler) throws -> [[Int32]] where D.Condition == Int {
      let loop = try SamplingLoop(
        denoiser: denoiser, sampler: sampler, guidance: Guidance(scale: 1.7, unconditional: -1),
        options: SamplingOptions(reusesEvaluations: reuses),
        noise: PhiloxNoise(seed: 5))
      return try loop.run(conditions: [1, 2, 2], images: [0, 1, 2])
    }
    #expect(try tokens(masked, sampler) == tokens(all, AllPositions(base: sampler)))
    let expected = all.calls.withLock { $0 }.map { call in
      call.timesteps.indices.map { image in (0..<7).filter { call.tokens[image * 7 + $0] == 4 } }
    }
    #expect(masked.asked.withLock { $0 } == expected)
    #expect(expected.joined().contains { (1..<7).contains($0.count) })
  }

  @Test func samplersThatRedrawAskForAll() throws {
    let plan = try SamplingPlan(AbsorbingCorruption(timesteps: 8, codes: 4), length: 7, steps: 3)
    for method in [SamplingMethod.ancestral, .purityReference(weight: 1), .remasking(.confidence)] {
      #expect(try !method.sampler(plan).readsMaskedOnly)
    }
  }
}
