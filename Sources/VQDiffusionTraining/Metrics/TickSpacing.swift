import Foundation

/// A distance between ticks of 1, 2 or 5 times a power of ten.
struct TickSpacing {
  let mantissa: Double
  let exponent: Int

  var step: Double { Self.decimal(mantissa, exponent) }

  /// Digits after the point that multiples of the distance need.
  var decimals: Int { max(0, -exponent) }

  /// The least distance with at most `count` of them in `span`; at least 1 where it has to be whole.
  init(span: Double, count: Int, isWhole: Bool = false) {
    let least = max(span / Double(count), isWhole ? 1 : 0)
    let power = Int(log10(least).rounded(.down))
    let candidates: [(Double, Int)] = [(1, power), (2, power), (5, power), (1, power + 1), (2, power + 1)]
    (mantissa, exponent) = candidates.first { Self.decimal($0, $1) >= least * (1 - 1e-9) } ?? (1, power + 1)
  }

  /// The spacing `step`, which is 1, 2 or 5 times a power of ten.
  init(exactly step: Double) { self.init(span: step, count: 1) }

  /// The multiples of the distance in a range, or from the last before it to the first behind it.
  func multiples(from lower: Double, to upper: Double, isEnclosing: Bool) -> [Double] {
    // What rounding puts beside a multiple counts as the multiple.
    let slack = 1e-6
    let first = isEnclosing ? (lower / step + slack).rounded(.down) : (lower / step - slack).rounded(.up)
    let last = isEnclosing ? (upper / step - slack).rounded(.up) : (upper / step + slack).rounded(.down)
    guard last >= first else { return [] }
    return stride(from: first, through: last, by: 1).map {
      // Division by a whole power is rounded once; a product with 0.1 would be off by the power's own rounding.
      exponent < 0 ? $0 * mantissa / pow(10, Double(-exponent)) : $0 * step
    }
  }

  /// mantissa·10^exponent.
  static func decimal(_ mantissa: Double, _ exponent: Int) -> Double {
    exponent < 0 ? mantissa / pow(10, Double(-exponent)) : mantissa * pow(10, Double(exponent))
  }
}
