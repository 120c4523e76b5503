import Foundation
import Tensor

/// Invalid settings of a sampling run, or invalid output of a denoiser.
public enum DiffusionError: Error, Equatable {
  /// A schedule of fewer than two timesteps.
  case timesteps(found: Int)
  /// A codebook size that isn't positive.
  case codes(found: Int)
  /// A schedule parameter outside its range.
  case scheduleParameter(name: String, allowed: String, found: Double)
  /// Tokens would have to become cleaner over time: α_T (1 − γ_1) > α_1 (1 − γ_T).
  case risingSchedule(alpha1: Double, alphaT: Double, gamma1: Double, gammaT: Double)
  /// A number of sampling steps outside the sampler's range.
  case steps(sampler: String, allowed: ClosedRange<Int>, of: String, found: Int)
  /// A timestep to start from outside 1…T.
  case startTimestep(allowed: ClosedRange<Int>, found: Int)
  /// A number of masks to start from outside 1…L.
  case startMasks(allowed: ClosedRange<Int>, found: Int)
  /// An image to start from, for a sampler that only starts from pure noise.
  case needsFullStart(sampler: String)
  /// A sampler that counts masks, with a corruption that makes none.
  case needsMasks(sampler: String, corruption: String)
  /// A sampler that orders positions by rows and columns, with tokens that have none.
  case needsGrid(sampler: String, found: TokenLayout)
  /// Custom times that don't fall or leave 1…T.
  case timestepGrid(timesteps: Int, found: [Int])
  /// Custom times that start below T, with noise that only T has.
  case gridStart(expected: Int, found: Int)
  /// A timestep grid for a sampler that has its own steps.
  case gridUnused(sampler: String)
  /// A number of steps that differs from the number of custom times.
  case gridSteps(expected: Int, found: Int)
  /// A number of steps that no stride of the public code's fast sampling gives.
  case strides(possible: [Int], found: Int)
  /// An image to complete whose tokens are all known.
  case nothingToRepaint(tokens: Int)
  /// A prediction temperature that isn't positive.
  case temperature(found: Double)
  /// A negative temperature of the choice of positions.
  case choiceTemperature(found: Double)
  /// A remasking strength outside 0…1.
  case remaskingStrength(found: Double)
  /// An empty guidance interval, or one that leaves 0…1.
  case guidanceInterval(found: ClosedRange<Double>)
  /// An image to start from with the wrong number of tokens.
  case startLength(expected: Int, found: Int)
  /// An image to start from with a token that isn't a code.
  case startToken(codes: Int, position: Int, found: Int32)
  /// A token layout without tokens.
  case length(found: Int)
  /// A purity weight that is negative or too large.
  case purityWeight(largest: Double, found: Double)
  /// Numbers of positions to reveal that don't fit the timesteps or the tokens.
  case revealTargets(timesteps: Int, length: Int, found: [Int])
  /// A limit of positions per evaluation that isn't positive.
  case revealLimit(found: Int)
  /// A guidance scale that is negative or too large.
  case guidanceScale(largest: Double, found: Double)
  /// A nucleus outside (0, 1].
  case nucleus(found: Double)
  /// A number of codes to keep that isn't positive.
  case topCodes(found: Int)
  /// A setting whose text can't be read.
  case invalidOption(name: String, expected: String, found: String)
  /// A denoiser with another codebook size than the schedule.
  case denoiserCodes(schedule: Int, found: Int)
  /// Logits of the wrong shape.
  case logitsShape(expected: [Int], found: [Int])
  /// Infinite or NaN logits.
  case logitsNotFinite(image: Int, timestep: Int)
}

extension DiffusionError: LocalizedError, CustomStringConvertible {
  public var description: String {
    switch self {
    case .timesteps(let found): "a schedule needs at least 2 timesteps, found \(found)"
    case .codes(let found): "the number of codes must be positive, found \(found)"
    case .scheduleParameter(let name, let allowed, let found): "\(name) must lie in \(allowed), found \(found)"
    case .risingSchedule(let alpha1, let alphaT, let gamma1, let gammaT):
      "alpha_T (1 - gamma_1) must not exceed alpha_1 (1 - gamma_T), found alpha_1 = \(alpha1), alpha_T = \(alphaT), "
        + "gamma_1 = \(gamma1), gamma_T = \(gammaT)"
    case .steps(let sampler, let allowed, let of, let found):
      "steps must lie in \(Self.text(allowed)) for \(sampler) sampling with \(of), found \(found)"
    case .startTimestep(let allowed, let found):
      "the timestep to start from must lie in \(Self.text(allowed)), found \(found)"
    case .startMasks(let allowed, let found):
      "the masks to start from must number \(Self.text(allowed)), found \(found)"
    case .needsFullStart(let sampler): "\(sampler) sampling starts from pure noise; use another sampler for a given image"
    case .needsMasks(let sampler, let corruption):
      "\(sampler) sampling reveals masked tokens, but the model's \(corruption) corruption masks none; use ancestral sampling"
    case .needsGrid(let sampler, let found):
      "\(sampler) sampling needs tokens in rows and columns, but the model has \(found); use another sampler"
    case .timestepGrid(let timesteps, let found):
      "timesteps must fall from one to the next within \(timesteps)…1, found \(found)"
    case .gridStart(let expected, let found):
      "the timesteps must start at \(expected), where this model's corruption is pure noise; found \(found)"
    case .gridUnused(let sampler): "\(sampler) sampling has its own steps; a timestep grid is for ancestral and remdm"
    case .gridSteps(let expected, let found): "the list has \(expected) timesteps, but \(found) steps are asked for"
    case .strides(let possible, let found):
      "strided-reference sampling takes every n-th timestep, which makes \(possible.map(String.init).joined(separator: ", ")) "
        + "steps; found \(found)"
    case .nothingToRepaint(let tokens): "all \(tokens) tokens are known; nothing is left to be made"
    case .temperature(let found): "the temperature must be positive, found \(found)"
    case .choiceTemperature(let found): "the choice temperature must not be negative, found \(found)"
    case .remaskingStrength(let found): "the remasking strength must lie in 0…1, found \(found)"
    case .guidanceInterval(let found):
      "the guidance interval must lie within 0…1 and not be empty, found \(found.lowerBound)…\(found.upperBound)"
    case .startLength(let expected, let found): "the image to start from must have \(expected) tokens, found \(found)"
    case .startToken(let codes, let position, let found):
      "the image to start from must hold codes in 0…\(codes - 1), found \(found) at position \(position)"
    case .length(let found): "the number of tokens must be positive, found \(found)"
    case .purityWeight(let largest, let found): "the purity weight must lie in 0…\(Int(largest)), found \(found)"
    case .revealTargets(let timesteps, let length, let found):
      "reveal targets must be \(timesteps) numbers, none negative, whose entries after the first sum to at most \(length), "
        + "found \(found)"
    case .revealLimit(let found): "the limit of positions per evaluation must be positive, found \(found)"
    case .guidanceScale(let largest, let found): "the guidance scale must lie in 0…\(Int(largest)), found \(found)"
    case .nucleus(let found): "nucleus truncation needs a probability in (0, 1], found \(found)"
    case .topCodes(let found): "truncation must keep at least 1 code, found \(found)"
    case .invalidOption(let name, let expected, let found): "\(name) must be \(expected), found \(found)"
    case .denoiserCodes(let schedule, let found): "the schedule has \(schedule) codes, the denoiser has \(found)"
    case .logitsShape(let expected, let found): "the denoiser must return logits of shape \(expected), found \(found)"
    case .logitsNotFinite(let image, let timestep):
      "the denoiser returned infinite or undefined logits for image \(image) at timestep \(timestep)"
    }
  }

  public var errorDescription: String? { description }

  private static func text(_ range: ClosedRange<Int>) -> String { "\(range.lowerBound)…\(range.upperBound)" }
}
