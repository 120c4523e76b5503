import Diffusion
import Foundation
import Tensor
import TestSupport
import Testing

@Suite struct QuotaTests {
  @Test(arguments: [1, 3, 64, 256, 1024]) func quotasSumToTheLength(length: Int) throws {
    let schedules = [try MaskAndReplaceCorruption(timesteps: 100, codes: 7), try strongSchedule(timesteps: 9, codes: 7)]
    for steps in length <= 256 ? Array(1...length) : [1, 2, 3, 10, 25, 50, 99, 100, 101, 511, 777, 1023, 1024] {
      let even = Quotas.even(length: length, steps: steps)
      #expect(even.count == steps && even.reduce(0, +) == length)
      #expect(even.min()! >= 1 && even.max()! - even.min()! <= 1)
      for schedule in schedules {
        let quotas = Quotas.following(try SamplingPlan(schedule, length: length, steps: steps))
        #expect(quotas.count == steps && quotas.reduce(0, +) == length && quotas.min()! >= 0)
      }
    }
  }

  @Test func purityQuotasFollowTheSchedule() throws {
    // Masks fall from γ̄ = 0.6 at t = 5 by 0.1375 a step to 0.05 at t = 1.
    let schedule = try strongSchedule(timesteps: 5, codes: 3)
    #expect(Quotas.following(try SamplingPlan(schedule, length: 48, steps: 5)) == [11, 11, 11, 11, 4])
    #expect(Quotas.following(try SamplingPlan(schedule, length: 48, steps: 3)) == [18, 19, 11])
  }
}

@Suite struct SamplerTests {
  static let methods: [SamplingMethod] = [
    .ancestral, .fewerTokens, .purity(weight: 0), .purity(weight: 1.5), .purityReference(weight: 0),
    .purityReference(weight: 1), .maskGIT(temperature: 4.5), .halton, .remasking(.cap(0.3)), .remasking(.rescale(0.5)),
    .remasking(.confidence),
  ]

  private func run(
    _ method: SamplingMethod, _ denoiser: ToyDenoiser, steps: Int, length: Int = 12, images: [Int] = [0, 1, 2],
    guided: Bool = true, reuses: Bool = false, onStep: (SamplingProgress) throws -> Void = { _ in }
  ) throws -> [[Int32]] {
    let schedule = try MaskAndReplaceCorruption(timesteps: 10, codes: denoiser.codes)
    let loop = try SamplingLoop(
      denoiser: denoiser, sampler: method.sampler(SamplingPlan(schedule, layout: .row(length), steps: steps)),
      guidance: guided ? Guidance(scale: 2, unconditional: -1) : nil,
      truncation: .nucleus(0.9), options: SamplingOptions(reusesEvaluations: reuses),
      noise: PhiloxNoise(seed: 11))
    return try loop.run(conditions: images.map { $0 * 10 }, images: images, onStep: onStep)
  }

  @Test(arguments: methods, [1, 2, 3, 7, 10]) func allTokensAreCodesAtTheEnd(method: SamplingMethod, steps: Int) throws {
    let denoiser = ToyDenoiser(codes: 5)
    var progress: [SamplingProgress] = []
    let tokens = try run(method, denoiser, steps: steps) { progress.append($0) }
    #expect(tokens.count == 3 && tokens.allSatisfy { $0.count == 12 && $0.allSatisfy { (0..<5).contains($0) } })
    let calls = denoiser.calls.withLock { $0 }
    let sampler = try method.sampler(
      SamplingPlan(MaskAndReplaceCorruption(timesteps: 10, codes: 5), layout: .row(12), steps: steps))
    #expect(calls.count == sampler.evaluations && calls.count == progress.count)
    #expect(sampler.evaluations <= steps && (method != .ancestral || sampler.evaluations == steps))
    #expect(method != .fewerTokens || sampler.evaluations == steps)
    #expect(progress.map(\.step) == Array(1...calls.count) && progress.allSatisfy { $0.totalSteps == calls.count })
    #expect(progress.last?.evaluations == 6 * calls.count && progress.last?.tokens == tokens)
    #expect(calls.allSatisfy { $0.conditions == [0, 10, 20, -1, -1, -1] && $0.tokens.prefix(36) == $0.tokens.suffix(36) })
    #expect(calls[0].timesteps == Array(repeating: 9, count: 6) && calls[0].tokens.allSatisfy { $0 == 5 })
  }

  @Test(arguments: methods) func anImageDoesNotDependOnItsBatch(method: SamplingMethod) throws {
    for guided in [false, true] {
      let together = try run(
        method, ToyDenoiser(codes: 6), steps: 4, images: [0, 1, 2, 3, 4, 5, 6], guided: guided, reuses: true)
      let alone = try run(method, ToyDenoiser(codes: 6), steps: 4, images: [4], guided: guided)
      let reordered = try run(method, ToyDenoiser(codes: 6), steps: 4, images: [6, 4, 0], guided: guided)
      #expect(alone == [together[4]] && reordered == [together[6], together[4], together[0]])
      #expect(Set(together).count > 1)
    }
  }

  @Test(arguments: [SamplingMethod.fewerTokens, .purity(weight: 1)], [1, 5, 12])
  func revealedTokensStayAndMasksFollowTheQuotas(method: SamplingMethod, steps: Int) throws {
    let schedule = try MaskAndReplaceCorruption(timesteps: 10, codes: 4)
    let quotas =
      method == .fewerTokens
      ? Quotas.even(length: 12, steps: steps)
      : Quotas.following(try SamplingPlan(schedule, length: 12, steps: steps)).filter { $0 > 0 }
    let denoiser = ToyDenoiser(codes: 4)
    var before = Array(repeating: Array(repeating: Int32(4), count: 12), count: 3)
    _ = try run(method, denoiser, steps: steps) { progress in
      for (old, new) in zip(before, progress.tokens) {
        #expect(zip(old, new).filter { $0 == 4 && $1 != 4 }.count == quotas[progress.step - 1])
        #expect(zip(old, new).allSatisfy { $0 == 4 || $0 == $1 })
      }
      before = progress.tokens
    }
    for call in denoiser.calls.withLock({ $0 }) {
      let masks = call.tokens[..<12].filter { $0 == 4 }.count
      #expect(call.timesteps[0] == schedule.nearestTime(maskFraction: Double(masks) / 12) - 1)
    }
  }

  @Test func finishedImagesLeaveTheBatch() throws {
    let schedule = try MaskAndReplaceCorruption(timesteps: 10, codes: 4)
    let sampler = try AncestralSampler(SamplingPlan(schedule, length: 3, steps: 5))
    let denoiser = ToyDenoiser(codes: 4)
    let loop = try SamplingLoop(
      denoiser: denoiser, sampler: sampler, guidance: nil, noise: PhiloxNoise(seed: 1))
    var late = try sampler.initialState(image: 1, noise: PhiloxNoise(seed: 1))
    late.evaluations = 3
    let tokens = try loop.run(
      [sampler.initialState(image: 0, noise: PhiloxNoise(seed: 1)), late], conditions: [7, 8])
    #expect(denoiser.calls.withLock { $0.map(\.conditions) } == [[7, 8], [7, 8], [7], [7], [7]])
    #expect(denoiser.calls.withLock { $0.map(\.timesteps) } == [[9, 3], [7, 1], [5], [3], [1]])
    #expect(tokens.joined().allSatisfy { $0 < 4 })
  }

  @Test func aCallbackStopsTheRun() throws {
    let denoiser = ToyDenoiser(codes: 5)
    #expect(throws: CancellationError.self) {
      try run(.ancestral, denoiser, steps: 10) { if $0.step == 2 { throw CancellationError() } }
    }
    #expect(denoiser.calls.withLock { $0.count } == 2)
  }

  @Test func whatTheDenoiserReturnsIsChecked() throws {
    let sampler = try FewerTokensSampler(
      SamplingPlan(MaskAndReplaceCorruption(timesteps: 4, codes: 3), length: 2, steps: 1))
    func error(_ logits: FloatTensor, codes: Int = 3) -> DiffusionError? {
      do {
        let loop = try SamplingLoop(
          denoiser: ConstantDenoiser(codes: codes, logits: logits), sampler: sampler, guidance: nil,
          noise: PhiloxNoise(seed: 1))
        _ = try loop.run(conditions: [0], images: [5])
        return nil
      } catch { return error as? DiffusionError }
    }
    #expect(error(FloatTensor(zeros: [1, 2, 3])) == nil)
    #expect(error(FloatTensor(zeros: [1, 3, 2])) == .logitsShape(expected: [1, 2, 3], found: [1, 3, 2]))
    #expect(error(FloatTensor(zeros: [1, 2, 4]), codes: 4) == .denoiserCodes(schedule: 3, found: 4))
    for bad in [Float.nan, .infinity, -.infinity] {
      #expect(
        error(FloatTensor([0, 0, 0, 0, bad, 0], shape: [1, 2, 3])) == .logitsNotFinite(image: 5, timestep: 3))
    }
  }

  @Test func settingsAreChecked() throws {
    let schedule = try MaskAndReplaceCorruption(timesteps: 100, codes: 7)
    func message(_ method: SamplingMethod, _ steps: Int, length: Int = 64) -> String? {
      do throws(DiffusionError) {
        _ = try method.sampler(SamplingPlan(schedule, layout: .row(length), steps: steps))
        return nil
      } catch { return error.description }
    }
    #expect(message(.purity(weight: 1), 0) == "steps must lie in 1…64 for purity sampling with 64 tokens, found 0")
    #expect(message(.fewerTokens, 65) == "steps must lie in 1…64 for fewer-tokens sampling with 64 tokens, found 65")
    #expect(message(.ancestral, 101) == "steps must lie in 1…100 for ancestral sampling with 100 timesteps, found 101")
    #expect(
      message(.purityReference(weight: 0), 0)
        == "steps must lie in 1…100 for purity-reference sampling with 100 timesteps, found 0")
    #expect(message(.purity(weight: -1), 5) == "the purity weight must lie in 0…10000, found -1.0")
    #expect(message(.purityReference(weight: .nan), 5) == "the purity weight must lie in 0…10000, found nan")
    #expect(message(.purity(weight: 1e39), 5) == "the purity weight must lie in 0…10000, found 1e+39")
    for method in Self.methods {
      #expect(message(method, 1, length: 0) == "the number of tokens must be positive, found 0")
      let allowed = method.allowedSteps(timesteps: 100, length: 64)
      #expect(message(method, allowed.lowerBound) == nil && message(method, allowed.upperBound) == nil)
    }
    for layout in [TokenLayout.sequence(length: 0), .grid(rows: 0, columns: 4), .grid(rows: 4, columns: 0)] {
      #expect(throws: DiffusionError.length(found: 0)) { try SamplingPlan(schedule, layout: layout, steps: 1) }
    }
    #expect(throws: DiffusionError.length(found: -3)) { try SamplingPlan(schedule, length: -3, steps: 1) }
    #expect(throws: DiffusionError.revealTargets(timesteps: 100, length: 5, found: [1, 2])) {
      try PublicPuritySampler(SamplingPlan(schedule, length: 5, steps: 1), targets: [1, 2], rule: .uniform)
    }
    #expect(throws: DiffusionError.revealLimit(found: 0)) {
      try PublicPuritySampler(SamplingPlan(schedule, length: 5, steps: 3), rule: .uniform, limit: 0)
    }
  }

  @Test func partialStartsAreChecked() throws {
    let schedule = try MaskAndReplaceCorruption(timesteps: 10, codes: 7)
    let sampler = try AncestralSampler(SamplingPlan(schedule, length: 2, steps: 3, start: 5))
    let noise = PhiloxNoise(seed: 2)
    #expect(throws: DiffusionError.startLength(expected: 2, found: 3)) {
      try sampler.initialState(from: .noised([1, 2, 3]), image: 0, noise: noise)
    }
    #expect(throws: DiffusionError.startToken(codes: 7, position: 1, found: 7)) {
      try sampler.initialState(from: .noised([1, 7]), image: 0, noise: noise)
    }
    #expect(throws: DiffusionError.startTimestep(allowed: 1...10, found: 11)) {
      try SamplingPlan(schedule, length: 2, steps: 3, start: 11)
    }
    #expect(throws: DiffusionError.self) { try AncestralSampler(SamplingPlan(schedule, length: 2, steps: 6, start: 5)) }
    #expect(sampler.timestep(of: try sampler.initialState(from: .noised([1, 2]), image: 0, noise: noise)) == 4)
  }
}
