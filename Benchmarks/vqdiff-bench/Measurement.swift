import Foundation
import VQDiffusion

/// One row of the report. Field names follow llama-bench where they fit.
struct Measurement: Encodable {
  enum Test: String, CaseIterable, Encodable {
    case denoise, sample, encode, decode
  }

  let model: String
  let test: Test
  let batch: Int
  let threads: Int
  let backend: String
  /// Seconds of each repetition, in nanoseconds.
  let samplesNs: [Double]
  /// Tokens per second of each repetition.
  let samplesTs: [Double]
  let avgNs: Double
  let stddevNs: Double
  let avgTs: Double
  let stddevTs: Double

  init(of test: Test, pipeline: VQDiffusionPipeline, batch: Int, repetitions: Int) async throws {
    let work = try Workload(test, pipeline: pipeline, batch: batch)
    var seconds: [Double] = []
    for repetition in 0...repetitions {
      let clock = ContinuousClock()
      let start = clock.now
      try await work.run(repetition)
      let elapsed = start.duration(to: clock.now).components
      seconds.append(Double(elapsed.seconds) + Double(elapsed.attoseconds) * 1e-18)
    }
    let counted = seconds.dropFirst()
    model = pipeline.name
    self.test = test
    self.batch = batch
    threads = Threads.count
    backend = Backend.name
    samplesNs = counted.map { $0 * 1e9 }
    samplesTs = counted.map { Double(batch * pipeline.tokensPerImage) / $0 }
    (avgNs, stddevNs) = Self.meanAndDeviation(samplesNs)
    (avgTs, stddevTs) = Self.meanAndDeviation(samplesTs)
  }

  private static func meanAndDeviation(_ values: [Double]) -> (mean: Double, deviation: Double) {
    let mean = values.reduce(0, +) / Double(values.count)
    let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    return (mean, values.count > 1 ? (squares / Double(values.count - 1)).squareRoot() : 0)
  }

  static func markdown(_ rows: [Measurement]) -> String {
    let header = "| model | backend | threads | test | batch | s | tokens/s |\n|---|---|---:|---|---:|---:|---:|"
    return rows.reduce(header) { text, row in
      let seconds = String(format: "%.4f", row.avgNs * 1e-9)
      let rate = String(format: "%.1f ± %.1f", row.avgTs, row.stddevTs)
      return text
        + "\n| \(row.model) | \(row.backend) | \(row.threads) | \(row.test.rawValue) | \(row.batch) | \(seconds) | \(rate) |"
    }
  }

  static func json(_ rows: [Measurement]) throws -> String {
    let encoder = JSONEncoder()
    encoder.keyEncodingStrategy = .convertToSnakeCase
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
    return String(decoding: try encoder.encode(rows), as: UTF8.self)
  }
}
