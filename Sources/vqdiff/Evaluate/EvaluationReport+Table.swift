import Foundation
import VQDiffusion

extension EvaluationReport {
  /// The report for people to read.
  var table: String {
    var lines = [
      "real:      \(realName)", "generated: \(generatedName)",
      "features:  \(features), dimension \(quality.all.dimension)", "",
    ]
    lines += Self.aligned(comparisonRows)
    if let real = realCodes, let generated = generatedCodes {
      lines += [""] + Self.aligned(Self.codeRows(real: real, generated: generated))
    }
    lines += [""] + notes
    return lines.joined(separator: "\n")
  }

  private var comparisonRows: [[String]] {
    let columns = [quality.all, quality.sameSize, quality.floor]
    func row(_ name: String, _ text: (FeatureComparison) -> String) -> [String] { [name] + columns.map(text) }
    return [
      ["", "generated", "generated, same size", "floor (real, real)"],
      row("images") { "\($0.real), \($0.generated)" },
      row("Fréchet distance") { Self.number($0.frechetDistance) },
      row("kernel distance × 1000") {
        "\(Self.number($0.kernelDistance.mean * 1000)) ± \(Self.number($0.kernelDistance.standardDeviation * 1000))"
      },
      row("precision") { Self.share($0.neighbours.precision) },
      row("recall") { Self.share($0.neighbours.recall) },
    ]
  }

  private static func codeRows(real: CodeUsage, generated: CodeUsage) -> [[String]] {
    func row(_ name: String, _ text: (CodeUsage) -> String) -> [String] { [name, text(generated), text(real)] }
    return [
      ["codebook of \(real.codes) codes", "generated", "real"],
      row("codes used") { "\($0.used) (\(share($0.share)))" },
      row("used 10 times or more") { "\($0.usedTenTimes) (\(share($0.shareTenTimes)))" },
      row("perplexity") { number($0.perplexity) },
    ]
  }

  private var notes: [String] {
    let kernel = quality.all.kernelDistance
    var notes = [
      "The floor is what one part of the real images scores against another. Hold it against the column of the same size: the "
        + "Fréchet distance grows as sets get smaller.",
      "± is the spread of \(kernel.subsets) random subsets, of \(kernel.subsetSize) images where all are compared; "
        + "k = \(quality.all.neighbours.neighbours), seed \(seed).",
    ]
    if quality.floor.isRankDeficient {
      notes.append(
        "A set of \(min(quality.floor.real, quality.floor.generated)) images is no larger than the features' dimension: "
          + "the Fréchet distance is mostly bias there.")
    }
    return notes
  }

  /// Columns two spaces apart, the first to the left, the others to the right.
  private static func aligned(_ rows: [[String]]) -> [String] {
    let widths = rows[0].indices.map { column in rows.reduce(0) { max($0, $1[column].count) } }
    return rows.map { row in
      zip(row.indices, row).map { column, text in
        let padding = String(repeating: " ", count: widths[column] - text.count)
        return column == 0 ? text + padding : padding + text
      }.joined(separator: "  ")
    }
  }

  private static func number(_ value: Double) -> String { String(format: "%.4g", value) }
  private static func share(_ value: Double) -> String { String(format: "%.3f", value) }
}
