import Diffusion
import Foundation
import Synchronization
import Tensor

/// The random numbers of a recorded run, and the public code's way to use them.
///
/// It also notes how far the laws that it draws from are from the recorded ones.
final class RecordedNoise: NoiseSource {
  /// [calls, B, K + 1, L].
  private let gumbel: FloatTensor
  /// [calls, B, L].
  private let race: FloatTensor?
  /// [B, K + 1, L].
  private let corruption: FloatTensor?
  /// log p of each draw, [calls, B, K + 1, L].
  private let expectedLogs: FloatTensor
  /// The largest |log p − recorded log p|, both normalised, over all entries above e^−40: below that the public code's floors
  /// of 1e-30 show.
  let largestDeviation = Mutex(0.0)

  init(gumbel: FloatTensor, race: FloatTensor?, corruption: FloatTensor?, expectedLogs: FloatTensor) {
    (self.gumbel, self.race, self.corruption, self.expectedLogs) = (gumbel, race, corruption, expectedLogs)
  }

  /// argmax of log p + noise with noise = −log(−log(u + 1e-30) + 1e-30), in single precision as recorded.
  func categorical(_ law: UnsafeBufferPointer<Float>, key: DrawKey) -> Int {
    if key.purpose == .token { compare(law, key) }
    var (best, bestScore) = (0, -Float.infinity)
    for k in 0..<law.count {
      let noise = -log(-log(uniform(key, row: k) + 1e-30) + 1e-30)
      let score = noise + max(log(law[k]), -70)
      if score > bestScore { (best, bestScore) = (k, score) }
    }
    return best
  }

  func uniform(_ key: DrawKey) -> Double {
    guard key.purpose == .order, let race else { return .nan }
    return Double(race[key.step, key.image, key.position])
  }

  private func uniform(_ key: DrawKey, row: Int) -> Float {
    if key.purpose == .corruption { return corruption.map { $0[key.image, row, key.position] } ?? .nan }
    return gumbel[key.step, key.image, row, key.position]
  }

  private func compare(_ law: UnsafeBufferPointer<Float>, _ key: DrawKey) {
    let expected = law.indices.map { Double(expectedLogs[key.step, key.image, $0, key.position]) }
    let expectedTotal = log(expected.reduce(0) { $0 + exp($1) })
    let total = log(law.reduce(0.0) { $0 + Double($1) })
    let deviations = law.indices.filter { expected[$0] > -40 }.map {
      abs((log(Double(law[$0])) - total) - (expected[$0] - expectedTotal))
    }
    let worst = deviations.contains { $0.isNaN } ? .infinity : deviations.max() ?? .infinity
    largestDeviation.withLock { $0 = max($0, worst) }
  }
}
