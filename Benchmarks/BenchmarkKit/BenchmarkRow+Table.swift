import Foundation

extension BenchmarkRow: TableRow {
  package static let header: [(name: String, isNumber: Bool)] = [
    ("model", false), ("parameters", true), ("size", true), ("backend", false), ("threads", true), ("test", false),
    ("batch", true), ("s", true), ("tokens/s", true), ("evaluations/s", true), ("images/s", true),
    ("effective GFLOP/s", true), ("peak memory", true),
  ]

  package var cells: [String] {
    func rate(_ value: Double?) -> String { value.map { rounded($0) } ?? "" }
    let tokens = avgTs.map { rounded($0, spread: stddevTs ?? 0) } ?? ""
    let name = steps.map { "\(test.rawValue), \($0) steps" } ?? test.rawValue
    let way = convolution.isEmpty ? backend : "\(backend), \(convolution)"
    return [
      model, String(format: "%.2f M", Double(nParams) / 1e6), Self.mebibytes(modelSize), way, "\(threads)", name,
      test.isLoad ? "" : "\(batch)", rounded(avgNs * 1e-9, spread: stddevNs * 1e-9), tokens, rate(avgEvaluationsS),
      rate(avgImagesS), rate(avgEffectiveGflops), Self.mebibytes(peakMemory),
    ]
  }

  private static func mebibytes(_ bytes: Int) -> String { String(format: "%.1f MiB", Double(bytes) / Double(1 << 20)) }
}
