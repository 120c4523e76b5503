import Foundation

/// Curves of a run's metrics over its steps, as a picture in SVG: panels one over the other with one range of steps.
///
/// The text is a function of the values alone, stands by itself and runs no scripts.
package struct LossPlot: Sendable {
  /// How a panel's values are laid out.
  package enum Axis: Sendable {
    case linear
    /// By their logarithms; values that have none are gaps.
    case logarithmic
  }

  /// The moving average that is drawn over a series' own values.
  package enum Smoothing: Sendable, Equatable {
    /// Over a hundredth of the series' values; none for series of fewer than 200.
    case automatic
    case none
    /// With the decay β of `movingAverage(of:decay:)`, from 0 below 1.
    case decay(Double)
  }

  /// One curve.
  package struct Series: Sendable {
    package let name: String
    package let points: [(step: Int, value: Double)]
    package let smoothing: Smoothing

    /// - Parameter points: In the order of their steps. What isn't finite is a gap.
    package init(_ name: String, _ points: [(step: Int, value: Double)], smoothing: Smoothing = .automatic) {
      self.name = name
      self.points = points
      self.smoothing = smoothing
    }

    /// The values that `records` have under the name `metric`.
    package init(_ name: String, metric: String, in records: [MetricsRecord], smoothing: Smoothing = .automatic) {
      self.init(name, records.compactMap { record in record[metric].map { (record.step, $0) } }, smoothing: smoothing)
    }
  }

  /// Curves that share an axis of values.
  package struct Panel: Sendable {
    package let title: String
    package let label: String
    package let axis: Axis
    package let series: [Series]

    /// - Parameter label: What stands beside the axis of values: a quantity and its unit.
    package init(title: String, label: String = "", axis: Axis = .linear, series: [Series]) {
      self.title = title
      self.label = label
      self.axis = axis
      self.series = series
    }
  }

  package let panels: [Panel]

  package init(panels: [Panel]) { self.panels = panels }

  /// Writes the picture, in place of one that is already there; nobody sees half of it.
  ///
  /// - Throws: `MetricsError.unwritable`.
  package func write(to url: URL) throws(MetricsError) { try replaceFile(at: url, with: svg.utf8) }
}
