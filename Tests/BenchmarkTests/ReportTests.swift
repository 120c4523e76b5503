import BenchmarkKit
import Foundation
import Tensor
import Testing
import VQDiffusion

@Suite struct ReportTests {
  @Test func statisticsOfSamples() {
    let four = Statistics([2, 4, 4, 6])
    #expect(four.mean == 4)
    #expect(abs(four.deviation - (8.0 / 3).squareRoot()) < 1e-12)
    #expect(Statistics([3]) == Statistics([3, 3]))
  }

  @Test func lists() throws {
    #expect(try parseNumbers("1,2,16", in: 1...16) == [1, 2, 16])
    for text in ["", "1,", "0", "17", "1;2", "x"] {
      #expect(throws: ListError.self) { try parseNumbers(text, in: 1...16) }
    }
    #expect(try parseTests("decode,load") == [.decode, .loadDenoiser, .loadCodec])
    #expect(try parseTests("train,train-vqvae") == [.train, .trainVQVAE])
    for text in ["", "denoise,", "training"] { #expect(throws: ListError.self) { try parseTests(text) } }
  }

  private func rows() throws -> [BenchmarkRow] {
    let session = BenchmarkSession(try BenchmarkModel("cifar-random"), options: ComputeOptions(), steps: 3)
    return try [
      (BenchmarkTest.denoise, 2), (.sample, 2), (.encode, 1), (.decode, 1), (.train, 2), (.trainVQVAE, 1), (.loadCodec, 1),
    ].map { test, batch in
      try BenchmarkRow(test, session, batch: batch, repetitions: 2)
    }
  }

  @Test func ratesFollowFromTheTimes() throws {
    for row in try rows() {
      #expect(row.samplesNs.count == 2 && row.avgNs == Statistics(row.samplesNs).mean && row.stddevNs >= 0)
      #expect(row.peakMemory > 0 && row.processPeakMemory >= row.peakMemory)
      #expect(row.nParams == (row.test.usesDenoiser ? 3_882_560 : 820_099) && row.modelSize == 4 * row.nParams)
      guard !row.test.isLoad else {
        #expect(row.avgTs == nil && row.samplesTs.isEmpty)
        continue
      }
      #expect(row.samplesTs == row.samplesNs.map { Double(64 * row.batch) / $0 * 1e9 })
      let tokens = try #require(row.avgTs)
      switch row.test {
      case .denoise:
        #expect(close(row.avgEvaluationsS, tokens / 64) && row.avgImagesS == nil)
        #expect(close(row.avgEffectiveGflops, tokens / 64 * 2 * 186_482_688 * 1e-9))
      case .sample:
        // Three steps, two sequences each for guidance.
        #expect(row.steps == 3 && close(row.avgImagesS, tokens / 64) && close(row.avgEvaluationsS, tokens / 64 * 6))
      case .train:
        #expect(row.avgEvaluationsS == nil && close(row.avgImagesS, tokens / 64))
        #expect(close(row.avgEffectiveGflops, tokens / 64 * 2 * 3 * 186_482_688 * 1e-9))
      case .trainVQVAE:
        #expect(row.avgEvaluationsS == nil && close(row.avgImagesS, tokens / 64))
        #expect(close(row.avgEffectiveGflops, tokens / 64 * 2 * 3 * (45_645_824 + 92_766_208) * 1e-9))
      default: #expect(row.avgEvaluationsS == nil && close(row.avgImagesS, tokens / 64))
      }
    }
  }

  private func close(_ found: Double?, _ expected: Double) -> Bool {
    found.map { abs($0 - expected) <= 1e-9 * abs(expected) } ?? false
  }

  @Test(arguments: OutputFormat.allCases) func formatsParse(format: OutputFormat) throws {
    let rows = try rows()
    var lines: [String] = []
    var table = TableWriter<BenchmarkRow>(format) { lines.append($0) }
    for row in rows { try table.add(row) }
    try table.finish()
    switch format {
    case .md:
      #expect(lines.count == rows.count + 2)
      #expect(Set(lines.map { $0.split(separator: "|", omittingEmptySubsequences: false).count }).count == 1)
    case .csv:
      #expect(lines.count == rows.count + 1)
      let names = lines[0].split(separator: ",")
      #expect(names.contains("avg_ts") && names.contains("steps") && !names.contains("samples_ns"))
      for (line, row) in zip(lines.dropFirst(), rows) {
        // The backend's name is the one value with a comma, and so the one in quotes; training's has none.
        let parts = line.split(separator: "\"", omittingEmptySubsequences: false)
        try #require(parts.count == (row.test.isTraining ? 1 : 3))
        let unquoted = parts.enumerated().map { $0.offset == 1 ? "quoted" : $0.element }.joined()
        #expect(unquoted.split(separator: ",", omittingEmptySubsequences: false).count == names.count)
      }
    case .json:
      let array = try object(lines.joined())
      let objects = try #require(array as? [[String: Any]])
      #expect(objects.compactMap { $0["test"] as? String } == rows.map(\.test.rawValue))
      for (object, row) in zip(objects, rows) { #expect(close(object["avg_ns"] as? Double, row.avgNs)) }
    case .jsonl:
      let objects = try lines.map { try object($0) as? [String: Any] }
      #expect(objects.count == rows.count)
      for (object, row) in zip(objects, rows) {
        let samples = try #require(object?["samples_ts"] as? [Double])
        #expect(samples.count == row.samplesTs.count && zip(samples, row.samplesTs).allSatisfy { close($0, $1) })
      }
    }
  }

  private func object(_ text: String) throws -> Any { try JSONSerialization.jsonObject(with: Data(text.utf8)) }

  @Test func kernelRatesAgainstThePeak() {
    let peak = MachinePeak(flopsPerSecond: 100e9, bytesPerSecond: 10e9)
    // 2 · 10 · 20 · 30 FLOP in 0.24 and 0.12 µs: 50 and 100 GFLOP/s.
    let product = KernelRow(.product(10, 20, 30, products: .packed), peak: peak, nanoseconds: [240, 120])
    #expect(product.avgGflops == 75 && product.avgGbS == nil && abs(product.peakFraction - 0.75) < 1e-12)
    // 4 bytes in and 4 out for each of 5 · 10 elements in 0.1 µs: 4 GB/s.
    let softmax = KernelRow(.softmax(rows: 5, columns: 10), peak: peak, nanoseconds: [100])
    #expect(softmax.avgGbS == 4 && softmax.avgGflops == nil && abs(softmax.peakFraction - 0.4) < 1e-12)
    let convolution = Kernel.convolution(images: 2, size: 3, inputs: 5, outputs: 7, options: ComputeOptions())
    guard case .multiplyAdds(2 * 9 * 9 * 5 * 7) = convolution.amount else {
      Issue.record("\(convolution.amount)")
      return
    }
  }

  @Test func roundedNumbers() {
    let values = [0.0123456, 1.23456, 12.3456, 123.456, 12345.6]
    #expect(values.map { rounded($0) } == ["0.01235", "1.235", "12.35", "123.5", "12346"])
    #expect(rounded(12.3456, spread: 0.123) == "12.35 ± 0.12")
  }
}
