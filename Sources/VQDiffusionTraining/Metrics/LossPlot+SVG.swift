import Foundation

extension LossPlot {
  /// The picture. Lengths are pixels; a series of more than 1000 points is drawn by the least and greatest values of 500 pieces.
  package var svg: String {
    let steps = panels.flatMap { $0.series.flatMap { $0.points.map(\.step) } }
    let stepScale = PlotScale(steps: (steps.min() ?? 0)...(steps.max() ?? 1))
    var y = Layout.edge
    var body: [String] = []
    for (index, panel) in panels.enumerated() {
      let drawing = PanelDrawing(panel, stepScale: stepScale, top: y, isLast: index == panels.count - 1)
      body += drawing.elements
      y = drawing.bottom
    }
    return """
      <svg xmlns="http://www.w3.org/2000/svg" width="\(pixels(Layout.width))" height="\(pixels(y))" \
      viewBox="0 0 \(pixels(Layout.width)) \(pixels(y))" font-family="Helvetica, Arial, sans-serif" font-size="11" fill="#333333">
      <rect width="100%" height="100%" fill="#ffffff"/>
      \(body.joined(separator: "\n"))
      </svg>

      """
  }
}

/// Sizes in pixels.
private enum Layout {
  static let width = 800.0
  static let edge = 12.0
  static let left = 76.0
  static let right = 780.0
  static let plotHeight = 180.0
  static let lineHeight = 18.0
  /// Points a curve has at most.
  static let pointLimit = 1000
  /// Letters a name has at most.
  static let nameLimit = 60
  /// Colours that stay apart for the colour-blind (Okabe, Ito 2008), the yellow left out, which is too pale on white.
  static let colors = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000"]
  /// Strokes of the series that have to use a colour again.
  static let dashes = ["", " stroke-dasharray=\"6 3\"", " stroke-dasharray=\"2 2\""]
}

/// One panel: a line of title and legend, the axes, the curves.
private struct PanelDrawing {
  private(set) var elements: [String] = []
  /// Where the next panel begins.
  private(set) var bottom: Double

  private let top: Double
  private let stepScale: PlotScale
  private let valueScale: PlotScale

  init(_ panel: LossPlot.Panel, stepScale: PlotScale, top: Double, isLast: Bool) {
    let curves = panel.series.map { Curves($0, axis: panel.axis) }
    let legend = Legend(panel, top: top)
    self.stepScale = stepScale
    self.top = legend.bottom + 6
    valueScale = PlotScale(panel.axis, over: curves.flatMap(\.drawnValues))
    bottom = self.top + Layout.plotHeight + (isLast ? 40 : 30)
    elements += legend.elements
    drawAxes(label: panel.label, isLast: isLast)
    if curves.allSatisfy({ $0.drawnValues.isEmpty }) {
      elements.append(
        text(
          "no data", x: (Layout.left + Layout.right) / 2, y: self.top + Layout.plotHeight / 2,
          ##"text-anchor="middle" fill="#888888""##))
    }
    // Averages lie over all series' own values.
    for (index, curve) in curves.enumerated() where curve.average != nil {
      draw(curve.raw, series: index, #"stroke-width="1" stroke-opacity="0.3""#)
    }
    for (index, curve) in curves.enumerated() {
      draw(curve.average ?? curve.raw, series: index, #"stroke-width="1.6""#)
    }
  }

  private func x(_ step: Double) -> Double { Layout.left + stepScale.position(step) * (Layout.right - Layout.left) }

  private func y(_ value: Double) -> Double { top + (1 - valueScale.position(value)) * Layout.plotHeight }

  private mutating func drawAxes(label: String, isLast: Bool) {
    let floor = top + Layout.plotHeight
    elements.append(##"<g stroke="#e4e4e4" stroke-width="1">"##)
    elements += valueScale.ticks.map { line(Layout.left, y($0.value), Layout.right, y($0.value)) }
    elements += stepScale.ticks.map { line(x($0.value), top, x($0.value), floor) }
    elements.append("</g>")
    elements.append(##"<g stroke="#888888" stroke-width="1">"##)
    elements += [line(Layout.left, top, Layout.left, floor), line(Layout.left, floor, Layout.right, floor)]
    elements.append("</g>")
    elements += valueScale.ticks.map { text($0.label, x: Layout.left - 6, y: y($0.value) + 4, #"text-anchor="end""#) }
    elements += stepScale.ticks.map { text($0.label, x: x($0.value), y: floor + 15, #"text-anchor="middle""#) }
    if isLast { elements.append(text("step", x: (Layout.left + Layout.right) / 2, y: floor + 31, #"text-anchor="middle""#)) }
    if !label.isEmpty {
      let middle = top + Layout.plotHeight / 2
      let turn = #"text-anchor="middle" transform="rotate(-90 14 \#(pixels(middle)))""#
      elements.append(text(label, x: 14, y: middle, turn))
    }
  }

  /// A line through each stretch, a dot where a stretch is a single point.
  private mutating func draw(_ curve: PlotCurve, series: Int, _ style: String) {
    let color = Layout.colors[series % Layout.colors.count]
    for stretch in curve.stretches {
      let places = stretch.map { "\(pixels(x(Double($0.step)))),\(pixels(y($0.value)))" }
      if places.count == 1 {
        elements.append(
          #"<circle cx="\#(pixels(x(Double(stretch[0].step))))" cy="\#(pixels(y(stretch[0].value)))" r="3" fill="\#(color)"/>"#)
      } else {
        elements.append(
          #"<polyline points="\#(places.joined(separator: " "))" fill="none" stroke="\#(color)" \#(style)"#
            + #" stroke-linejoin="round"\#(dash(series))/>"#)
      }
    }
  }
}

/// A series' own values and, where it has one, their average, as they are drawn.
private struct Curves {
  let raw: PlotCurve
  let average: PlotCurve?

  init(_ series: LossPlot.Series, axis: LossPlot.Axis) {
    let steps = series.points.map(\.step)
    let values = series.points.map(\.value)
    func curve(_ values: [Double]) -> PlotCurve {
      PlotCurve(steps: steps, values: values, isPositive: axis == .logarithmic).decimated(to: Layout.pointLimit)
    }
    raw = curve(values)
    average = series.decay.map { curve(movingAverage(of: values, decay: $0)) }
  }

  var drawnValues: [Double] { (raw.values + (average?.values ?? [])).compactMap(\.self) }
}

/// A panel's title and the names of its series: beside it at the right end where they fit, else in lines below.
private struct Legend {
  private(set) var elements: [String] = []
  /// The lower end.
  let bottom: Double

  private static let sample = 22.0
  private static let gap = 16.0

  init(_ panel: LossPlot.Panel, top: Double) {
    let names = panel.series.map { shortened($0.name) }
    let widths = names.map { Self.sample + Self.width($0) + Self.gap }
    let available = Layout.right - Layout.left
    let title = shortened(panel.title)
    var baseline = top + 12
    elements.append(text(title, x: Layout.left, y: baseline, #"font-size="13" font-weight="bold""#))
    let total = widths.reduce(-Self.gap, +)
    let isBeside = Self.width(title) * 1.3 + Self.gap + total <= available
    var x = isBeside ? Layout.right - total : Layout.left
    if !isBeside { baseline += Layout.lineHeight }
    // A single series that the title names already.
    guard names != [title] else {
      bottom = top + 14
      return
    }
    for (index, name) in names.enumerated() {
      if x > Layout.left, x + widths[index] - Self.gap > Layout.right + 0.01 {
        x = Layout.left
        baseline += Layout.lineHeight
      }
      elements.append(
        #"<path d="M\#(pixels(x)) \#(pixels(baseline - 4))h16" stroke="\#(Layout.colors[index % Layout.colors.count])""#
          + #" stroke-width="2"\#(dash(index))/>"#)
      elements.append(text(name, x: x + Self.sample, y: baseline, ""))
      x += widths[index]
    }
    bottom = baseline + 2
  }

  /// About the width of a text at size 11, rather more than less: what draws it may have another font.
  private static func width(_ text: String) -> Double { 6.4 * Double(text.count) }
}

private func shortened(_ name: String) -> String {
  name.count <= Layout.nameLimit ? name : name.prefix(Layout.nameLimit - 1) + "…"
}

private func dash(_ series: Int) -> String { Layout.dashes[series / Layout.colors.count % Layout.dashes.count] }

private func line(_ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double) -> String {
  #"<path d="M\#(pixels(x1)) \#(pixels(y1))L\#(pixels(x2)) \#(pixels(y2))"/>"#
}

private func text(_ content: String, x: Double, y: Double, _ style: String) -> String {
  #"<text x="\#(pixels(x))" y="\#(pixels(y))"\#(style.isEmpty ? "" : " " + style)>\#(escaped(content))</text>"#
}

/// A length to a tenth of a pixel.
private func pixels(_ length: Double) -> String {
  let tenths = Int((length * 10).rounded())
  let whole = "\(tenths < 0 ? "-" : "")\(abs(tenths) / 10)"
  return tenths % 10 == 0 ? whole : whole + ".\(abs(tenths) % 10)"
}

/// `text` with XML's own characters as references, and those that XML 1.0 doesn't have replaced.
private func escaped(_ text: String) -> String {
  text.unicodeScalars.reduce(into: "") { escaped, scalar in
    switch scalar {
    case "&": escaped += "&amp;"
    case "<": escaped += "&lt;"
    case ">": escaped += "&gt;"
    case "\"": escaped += "&quot;"
    case "\u{0}"..."\u{8}", "\u{B}", "\u{C}", "\u{E}"..."\u{1F}", "\u{FFFE}", "\u{FFFF}": escaped += "\u{FFFD}"
    default: escaped.unicodeScalars.append(scalar)
    }
  }
}
