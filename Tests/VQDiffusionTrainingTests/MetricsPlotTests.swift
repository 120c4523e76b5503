import Foundation
import TestSupport
import Testing
import VQDiffusionTraining

#if canImport(FoundationXML)
  import FoundationXML
#endif

@Suite struct MetricsPlotTests {
  private typealias Points = [(step: Int, value: Double)]

  /// What a picture consists of; fails where it is no XML.
  private func elements(_ plot: LossPlot, sourceLocation: SourceLocation = #_sourceLocation) throws -> PictureElements {
    let elements = PictureElements()
    let parser = XMLParser(data: Data(plot.svg.utf8))
    parser.delegate = elements
    try #require(parser.parse(), "\(String(describing: parser.parserError))", sourceLocation: sourceLocation)
    // Everything lies within the picture.
    for (x, y) in elements.polylines.joined() + elements.dots {
      #expect(x >= 76 && x <= 780 && y >= 0 && y <= elements.height, "\(x), \(y)", sourceLocation: sourceLocation)
    }
    return elements
  }

  private func plot(
    _ series: [LossPlot.Series], axis: LossPlot.Axis = .linear, title: String = "Loss"
  ) -> LossPlot { LossPlot(panels: [.init(title: title, axis: axis, series: series)]) }

  @Test func linearAxisHasRoundTicksAndPointsLieAmongThem() throws {
    let drawn = try elements(plot([.init("loss", [(0, 0), (50, 7.5), (100, 10)])]))
    #expect(drawn.texts == ["Loss", "loss", "0", "2", "4", "6", "8", "10", "0", "20", "40", "60", "80", "100", "step"])
    let line = try #require(drawn.polylines.first)
    #expect(drawn.polylines.count == 1 && line.map(\.x) == [76, 428, 780])
    // The panel is 180 high.
    #expect(abs(line[0].y - line[2].y - 180) < 0.11 && abs(line[0].y - line[1].y - 135) < 0.11)
  }

  @Test func logarithmicAxisHasEqualDecadesAndNoPlaceForZero() throws {
    let drawn = try elements(plot([.init("loss", [(1, 1000), (2, 1), (3, 0), (4, -2), (5, 0.01), (6, 10)])], axis: .logarithmic))
    for tick in ["0.01", "0.1", "1", "10", "100", "1000"] { #expect(drawn.texts.contains(tick), "\(tick)") }
    try #require(drawn.polylines.map(\.count) == [2, 2])
    #expect(abs(drawn.polylines[0][1].y - drawn.polylines[0][0].y - 108) < 0.11)
    #expect(abs(drawn.polylines[1][0].y - drawn.polylines[1][1].y - 108) < 0.11)
  }

  private struct Range: Sendable {
    let axis: LossPlot.Axis
    let values: [Double]
    let ticks: [String]
  }

  private static let oddRanges = [
    Range(axis: .logarithmic, values: [3.175, 3.224], ticks: ["3.17", "3.23"]),
    Range(axis: .logarithmic, values: [1e-80, 1e80], ticks: ["1e−96", "1e96"]),
    Range(axis: .logarithmic, values: [1, 1 + 1e-15], ticks: ["0.90", "1.10"]),
    Range(axis: .linear, values: [1.2e6, 1.77e6], ticks: ["1.2e6", "1.8e6"]),
    Range(axis: .linear, values: [-1e-5, 9e-6], ticks: ["−5e−6", "0", "5e−6"]),
    Range(axis: .linear, values: [2.5, 2.5], ticks: ["2.2", "2.8"]),
    Range(axis: .linear, values: [0, 0], ticks: ["−1.0", "1.0"]),
    Range(axis: .linear, values: [1e-300, 1e-290], ticks: ["−1.0", "1.0"]),
    Range(axis: .linear, values: [-1e90, 1e90], ticks: ["−1.0e90", "1.0e90"]),
  ]

  @Test(arguments: oddRanges) private func oddRangesHaveTicks(range: Range) throws {
    let points: Points = range.values.enumerated().map { ($0.offset, $0.element) }
    let drawn = try elements(plot([.init("x", points)], axis: range.axis))
    for tick in range.ticks { #expect(drawn.texts.contains(tick), "\(tick) in \(drawn.texts)") }
    #expect(drawn.texts.count < 25)
    #expect(drawn.polylines.map(\.count) == [2])
  }

  private static let steps: [([Int], [String])] = [
    ([0, 50_000], ["0", "10k", "50k"]), ([10, 3_000_000], ["0.5M", "3.0M"]), ([7, 8], ["7", "8"]), ([5, 5], ["4", "5", "6"]),
    ([0, 25_000], ["5k", "25k"]),
  ]

  @Test(arguments: steps) func stepsAreWhole(steps: [Int], ticks: [String]) throws {
    let points: Points = steps.map { ($0, 1.0) }
    let drawn = try elements(plot([.init("x", points, smoothing: .none)]))
    for tick in ticks { #expect(drawn.texts.contains(tick), "\(tick) in \(drawn.texts)") }
  }

  @Test func gapsPartTheCurveAndSinglePointsAreDots() throws {
    let values: [Double] = [1, 2, .nan, 3, .infinity, .nan, 4, 5, 6, -.infinity]
    let points: Points = values.enumerated().map { ($0.offset, $0.element) }
    let drawn = try elements(plot([.init("loss", points)]))
    #expect(drawn.polylines.map(\.count) == [2, 3])
    #expect(drawn.dots.count == 1)
  }

  @Test func withoutValuesThereIsAnEmptyPanel() throws {
    for series in [[], [LossPlot.Series("e", [])], [.init("n", [(1, .nan), (2, .nan)])]] {
      for axis in [LossPlot.Axis.linear, .logarithmic] {
        let drawn = try elements(plot(series, axis: axis))
        #expect(drawn.texts.contains("no data") && drawn.polylines.isEmpty && drawn.dots.isEmpty)
      }
    }
    #expect(try elements(LossPlot(panels: [])).texts == [])
  }

  @Test func longSeriesKeepTheirSpikes() throws {
    var values = (0..<12_345).map { 1 + Double($0 % 7) / 10 }
    values[6789] = 100
    let points: Points = values.enumerated().map { ($0.offset + 1, $0.element) }
    let drawn = try elements(plot([.init("loss", points)]))
    // The values, pale, under their average.
    try #require(drawn.polylines.count == 2)
    for line in drawn.polylines { #expect(line.count <= 1000 && line.count > 500) }
    let (raw, average) = (drawn.polylines[0], drawn.polylines[1])
    let highest = try #require(raw.min { $0.y < $1.y })
    let expected = 76.0 + 704.0 * 6789.0 / 12_344.0
    #expect(abs(highest.x - expected) < 0.1)
    #expect(highest.y < (average.map(\.y).min() ?? 0) - 100)
    #expect(raw.map(\.x) == raw.map(\.x).sorted())
  }

  @Test func longGapsOfLongSeriesStay() throws {
    let points: Points = (0..<10_000).map { step in
      let isGap = step % 3 == 0 || (4000..<5000).contains(step)
      return (step, isGap ? Double.nan : 1.0)
    }
    #expect(try elements(plot([.init("loss", points, smoothing: .none)])).polylines.count == 2)
  }

  @Test func movingAverageHasNoPullTowardsZero() {
    let average = movingAverage(of: [4, 4, .nan, 4], decay: 0.9)
    #expect(average.enumerated().allSatisfy { $0 == 2 ? $1.isNaN : abs($1 - 4) < 1e-12 })
    // (x1·β + x2)·(1−β) / (1−β²) = (x1·β + x2) / (1+β).
    #expect(abs(movingAverage(of: [1, 3], decay: 0.5)[1] - 3.5 / 1.5) < 1e-12)
    #expect(movingAverage(of: [1, 3, -2], decay: 0) == [1, 3, -2])
  }

  @Test func namesAreEscapedAndLongOnesCut() throws {
    let name = "a<b> & \"c\" \u{1}é"
    let long = String(repeating: "x", count: 500)
    let drawn = try elements(plot([.init(name, [(1, 1), (2, 2)]), .init(long, [(1, 2), (2, 1)])], title: "<t>"))
    #expect(drawn.texts.contains("a<b> & \"c\" \u{FFFD}é") && drawn.texts.contains("<t>"))
    #expect(drawn.texts.contains(String(repeating: "x", count: 59) + "…"))
  }

  @Test func seriesOfRecordsSkipThoseWithoutTheMetric() throws {
    let records = [
      MetricsRecord(step: 1, values: [("loss", 1), ("rate", 0.5)]), MetricsRecord(step: 2, values: [("rate", 0.25)]),
      MetricsRecord(step: 4, values: [("loss", 3)]),
    ]
    let series = LossPlot.Series("loss", metric: "loss", in: records)
    #expect(series.points.map(\.step) == [1, 4] && series.points.map(\.value) == [1, 3])
  }

  @Test func writtenWholeOrNotAtAll() throws {
    try withTemporaryFolder { folder in
      let file = folder.appendingPathComponent("loss.svg")
      let drawing = plot([.init("loss", [(1, 1), (2, 2)])])
      try drawing.write(to: file)
      try drawing.write(to: file)
      #expect(try String(contentsOf: file, encoding: .utf8) == drawing.svg)
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["loss.svg"])
      let missing = folder.appendingPathComponent("no/loss.svg")
      #expect(throws: MetricsError.unwritable(file: missing.path, reason: String(cString: strerror(ENOENT)))) {
        try drawing.write(to: missing)
      }
    }
  }
}

/// The texts and curves of a picture in SVG.
private final class PictureElements: NSObject, XMLParserDelegate {
  private(set) var texts: [String] = []
  private(set) var polylines: [[(x: Double, y: Double)]] = []
  private(set) var dots: [(x: Double, y: Double)] = []
  private(set) var height = 0.0
  private var isText = false

  func parser(
    _ parser: XMLParser, didStartElement name: String, namespaceURI: String?, qualifiedName: String?,
    attributes: [String: String]
  ) {
    func number(_ key: String) -> Double { attributes[key].flatMap(Double.init) ?? .nan }
    isText = name == "text"
    switch name {
    case "svg": height = number("height")
    case "text": texts.append("")
    case "circle": dots.append((number("cx"), number("cy")))
    case "polyline":
      polylines.append(
        (attributes["points"] ?? "").split(separator: " ").map { pair in
          let numbers = pair.split(separator: ",").compactMap { Double($0) }
          return numbers.count == 2 ? (numbers[0], numbers[1]) : (.nan, .nan)
        })
    default: break
    }
  }

  func parser(_ parser: XMLParser, foundCharacters text: String) {
    if isText { texts[texts.count - 1] += text }
  }

  func parser(_ parser: XMLParser, didEndElement name: String, namespaceURI: String?, qualifiedName: String?) { isText = false }
}
