import Foundation

/// An axis of a plot: which values it reaches, where its ticks are, and what is written at them.
struct PlotScale {
  let axis: LossPlot.Axis
  let lower: Double
  let upper: Double
  let ticks: [(value: Double, label: String)]

  /// The place of `value` on the axis, 0 at its lower end, 1 at its upper.
  func position(_ value: Double) -> Double {
    switch axis {
    case .linear: (value - lower) / (upper - lower)
    case .logarithmic: (log10(value) - log10(lower)) / (log10(upper) - log10(lower))
    }
  }

  /// An axis of values that ends at ticks beyond all of `values`, with about five of them.
  init(_ axis: LossPlot.Axis, over values: some Collection<Double>) {
    let (least, greatest) = Self.range(values, axis)
    self.axis = axis
    var places: [Double]
    var lastDigit: Int?
    if axis == .logarithmic, let decades = Self.logarithmicTicks(least, greatest) {
      places = decades
    } else {
      let spacing = TickSpacing(span: greatest - least, count: 5)
      places = spacing.multiples(from: least, to: greatest, isEnclosing: true)
      // A logarithmic axis can't begin at 0.
      if axis == .logarithmic, places[0] <= 0 { places[0] = least }
      lastDigit = spacing.exponent
    }
    lower = places[0]
    upper = places[places.count - 1]
    ticks = places.map { ($0, Self.label($0, lastDigit: lastDigit)) }
  }

  /// The axis of steps: from the first to the last, ticks between them.
  init(steps: ClosedRange<Int>) {
    axis = .linear
    let isOne = steps.lowerBound == steps.upperBound
    lower = Double(steps.lowerBound) - (isOne ? 1 : 0)
    upper = Double(steps.upperBound) + (isOne ? 1 : 0)
    let spacing = TickSpacing(span: upper - lower, count: 8, isWhole: true)
    let (unit, suffix) = upper >= 2e6 ? (1e6, "M") : upper >= 2e4 ? (1e3, "k") : (1, "")
    let decimals = TickSpacing(exactly: spacing.step / unit).decimals
    ticks = spacing.multiples(from: lower, to: upper, isEnclosing: false).map {
      ($0, $0 == 0 ? "0" : Self.fixed($0 / unit, decimals: decimals) + suffix)
    }
  }

  /// The ends of `values`, moved apart where they are the same but for rounding.
  private static func range(_ values: some Collection<Double>, _ axis: LossPlot.Axis) -> (Double, Double) {
    guard let least = values.min(), let greatest = values.max() else { return axis == .linear ? (0, 1) : (1, 10) }
    let size = max(abs(least), abs(greatest))
    guard greatest - least <= size * 1e-9 else { return (least, greatest) }
    return size < 1e-100 ? (-1, 1) : (least - size / 10, greatest + size / 10)
  }

  /// Powers of ten, or 1, 2 and 5 times those where they are few, that enclose the values; nil where the values lie so near together
  /// that there would be less than four.
  private static func logarithmicTicks(_ least: Double, _ greatest: Double) -> [Double]? {
    let span = log10(greatest) - log10(least)
    let stride = max(1, Int((span / 5).rounded()))
    let mantissas: [Double] = span < 2.5 ? [1, 2, 5] : [1]
    let exponents = Int(log10(least).rounded(.down)) - stride...Int(log10(greatest).rounded(.up)) + stride
    let candidates = exponents.filter { $0 % stride == 0 }.flatMap { exponent in
      mantissas.map { TickSpacing.decimal($0, exponent) }
    }
    guard let first = candidates.lastIndex(where: { $0 <= least }), let last = candidates.firstIndex(where: { $0 >= greatest })
    else { return nil }
    return last - first >= 3 ? Array(candidates[first...last]) : nil
  }

  /// A number at a tick, with a power of ten where it is very large or small; its last digit is that of 10^`lastDigit`, or the
  /// first where there is none to tell it from its neighbours.
  private static func label(_ value: Double, lastDigit: Int?) -> String {
    if value == 0 { return "0" }
    let magnitude = abs(value)
    let exponent = Int(log10(magnitude * (1 + 1e-9)).rounded(.down))
    let lastDigit = lastDigit ?? exponent
    if magnitude < 1e5, lastDigit >= -4 { return fixed(value, decimals: max(0, -lastDigit)) }
    let mantissa = fixed(value / pow(10, Double(exponent)), decimals: max(0, exponent - lastDigit))
    return mantissa + "e" + "\(exponent)".replacing("-", with: "−")
  }

  private static func fixed(_ value: Double, decimals: Int) -> String {
    String(format: "%.\(decimals)f", value).replacing("-", with: "−")
  }
}
