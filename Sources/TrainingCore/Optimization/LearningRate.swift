import Foundation

/// A learning rate that changes from step to step. Its state is all of its fields, so that a decoded one goes on as the encoded.
public enum LearningRate: Sendable, Codable, Equatable {
  case constant(Double)
  case plateau(PlateauSchedule)
  case cosine(CosineSchedule)
  case warmUpThenCosine(WarmUpThenCosine)

  /// The rate of the step to come.
  public var rate: Double {
    switch self {
    case .constant(let rate): rate
    case .plateau(let schedule): schedule.rate
    case .cosine(let schedule): schedule.rate
    case .warmUpThenCosine(let schedule): schedule.rate
    }
  }

  /// Goes on by one step of the schedule.
  ///
  /// - Parameter loss: what training made of the last ones; only `plateau` looks at it.
  public mutating func advance(loss: Double) {
    switch self {
    case .constant: break
    case .plateau(var schedule):
      schedule.advance(loss: loss)
      self = .plateau(schedule)
    case .cosine(var schedule):
      schedule.advance()
      self = .cosine(schedule)
    case .warmUpThenCosine(var schedule):
      schedule.advance()
      self = .warmUpThenCosine(schedule)
    }
  }
}

/// Linear warm-up, then a rate that falls whenever the loss has stopped to (the public VQ-Diffusion configurations' schedule).
///
/// Warm-up adds (peak − base)/warmUp in each of its steps and ignores the loss. From then on a loss is better than the best so far
/// where loss < best · (1 − threshold); more than `patience` steps without a better one multiply the rate by `factor`.
public struct PlateauSchedule: Sendable, Codable, Equatable {
  public let base: Double
  public let peak: Double
  public let minimum: Double
  public let warmUp: Int
  public let patience: Int
  public let factor: Double
  public let threshold: Double

  public private(set) var rate: Double
  private var steps = 0
  /// nil until the warm-up is over.
  private var best: Double?
  private var stepsWithoutProgress = 0

  /// - Throws: `TrainingError.setting`.
  public init(
    base: Double, peak: Double, minimum: Double = 0, warmUp: Int, patience: Int, factor: Double = 0.5, threshold: Double = 0.1
  ) throws(TrainingError) {
    try requireRates([("base", base), ("peak", peak), ("minimum", minimum)])
    try TrainingError.require("the learning rate's warm-up", Double(warmUp), "0 or more steps") { $0 >= 0 }
    try TrainingError.require("the learning rate's patience", Double(patience), "0 or more steps") { $0 >= 0 }
    try TrainingError.require("the learning rate's factor", factor, "above 0 and below 1") { $0 > 0 && $0 < 1 }
    try TrainingError.require("the learning rate's threshold", threshold, "in 0..<1") { $0 >= 0 && $0 < 1 }
    (self.base, self.peak, self.minimum, self.warmUp) = (base, peak, minimum, warmUp)
    (self.patience, self.factor, self.threshold) = (patience, factor, threshold)
    rate = warmUp == 0 ? peak : base
  }

  public mutating func advance(loss: Double) {
    steps += 1
    if steps <= warmUp {
      rate += (peak - base) / Double(warmUp)
      return
    }
    // A loss that isn't a number is no progress.
    if best.map({ loss < $0 * (1 - threshold) }) ?? !loss.isNaN {
      (best, stepsWithoutProgress) = (loss, 0)
      return
    }
    stepsWithoutProgress += 1
    if stepsWithoutProgress > patience {
      rate = max(rate * factor, min(minimum, rate))
      stepsWithoutProgress = 0
    }
  }
}

/// Linear warm-up and a cosine, as the public VQ-Diffusion code computes them.
///
/// The code counts steps from −1, so the warm-up makes one addition more than it has steps, and the cosine starts that much above
/// `peak`: rate = max(minimum, ½ top (1 + cos(π (c − warmUp)/(period − warmUp)))), c being the steps done less one. After `period` the
/// rate rises again. `WarmUpThenCosine` has neither oddity.
public struct CosineSchedule: Sendable, Codable, Equatable {
  public let base: Double
  public let peak: Double
  public let minimum: Double
  public let warmUp: Int
  public let period: Int

  public private(set) var rate: Double
  private var counter = -1

  /// - Throws: `TrainingError.setting`.
  public init(base: Double, peak: Double, minimum: Double = 0, warmUp: Int, period: Int) throws(TrainingError) {
    try requireRates([("base", base), ("peak", peak), ("minimum", minimum)])
    try TrainingError.require("the learning rate's warm-up", Double(warmUp), "1 or more steps") { $0 >= 1 }
    try TrainingError.require("the learning rate's period", Double(period), "above the warm-up") { $0 > Double(warmUp) }
    (self.base, self.peak, self.minimum, self.warmUp, self.period) = (base, peak, minimum, warmUp, period)
    rate = base
  }

  public mutating func advance() {
    counter += 1
    let increment = (peak - base) / Double(warmUp)
    if counter <= warmUp {
      rate += increment
      return
    }
    let top = base + increment * Double(warmUp + 1)
    rate = max(minimum, halfCosine(Double(counter - warmUp) / Double(period - warmUp)) * top)
  }
}

/// peak · (i + 1)/warmUp in the steps i < warmUp, then ½ peak (1 + cos(π (i − warmUp)/(steps − warmUp))), and 0 from step `steps` on
/// (after Loshchilov & Hutter 2017, Eq. 5, without restarts).
public struct WarmUpThenCosine: Sendable, Codable, Equatable {
  public let peak: Double
  public let warmUp: Int
  public let steps: Int
  /// i
  public private(set) var step = 0

  /// - Throws: `TrainingError.setting`.
  public init(peak: Double, warmUp: Int, steps: Int) throws(TrainingError) {
    try requireRates([("peak", peak)])
    try TrainingError.require("the learning rate's warm-up", Double(warmUp), "0 or more steps") { $0 >= 0 }
    try TrainingError.require("the learning rate's steps", Double(steps), "above the warm-up") { $0 > Double(warmUp) }
    (self.peak, self.warmUp, self.steps) = (peak, warmUp, steps)
  }

  public var rate: Double {
    if step < warmUp { return peak * Double(step + 1) / Double(warmUp) }
    return step >= steps ? 0 : peak * halfCosine(Double(step - warmUp) / Double(steps - warmUp))
  }

  public mutating func advance() { step += 1 }
}

/// ½ (1 + cos π x)
private func halfCosine(_ x: Double) -> Double { 0.5 * (1 + cos(.pi * x)) }

private func requireRates(_ rates: [(name: String, rate: Double)]) throws(TrainingError) {
  for (name, rate) in rates {
    try TrainingError.require("the learning rate's \(name)", rate, "0 or more") { $0 >= 0 && $0.isFinite }
  }
}
