import Foundation
import ModelFiles
import Tensor
import VQDiffusion

/// One row of the report. Field names follow llama-bench's where they fit; in JSON they are written in snake case.
package struct BenchmarkRow: Encodable, Sendable {
  package var model: String
  package var test: BenchmarkTest
  package var batch: Int
  package var threads: Int
  /// What multiplies by weights, and the BLAS library's kernels (see `Backend.name`); the latter alone for training.
  package var backend: String
  /// Empty for training, whose products are chosen by their shapes.
  package var products: String
  package var weights: String
  /// Empty where each layer's shape chooses.
  package var convolution: String
  package var cpuInfo: String
  package var testTime: String
  /// Of the part that the test runs.
  package var nParams: Int
  /// Bytes of its files; of random weights, and in training, four a parameter.
  package var modelSize: Int
  /// Evaluations that an image may take; for `sample` only.
  package var steps: Int?
  /// Which tokens `avgTs` counts.
  package var countedTokens: String
  /// Nanoseconds of each repetition.
  package var samplesNs: [Double]
  /// Tokens per second of each repetition; empty for the load tests, as are the other rates.
  package var samplesTs: [Double] = []
  package var avgNs: Double
  package var stddevNs: Double
  package var avgTs: Double?
  package var stddevTs: Double?
  /// Sequences that the denoiser evaluated, per second.
  package var avgEvaluationsS: Double?
  package var avgImagesS: Double?
  /// 2 · multiply-adds of the plain algorithm (see `WorkCount`; three times the forward pass's for training) / time / 10⁹.
  package var avgEffectiveGflops: Double?
  /// The largest resident memory while the test ran, the loaded model included.
  package var peakMemory: Int
  /// The same since the process began, loading and earlier tests included.
  package var processPeakMemory: Int

  /// Measures: one repetition that isn't counted, then `repetitions`.
  package init(_ test: BenchmarkTest, _ session: BenchmarkSession, batch: Int, repetitions: Int) throws {
    let make = try session.workload(test, batch: batch)
    let (before, work) = (Machine.peakMemory, try session.work(test))
    Machine.resetPeakMemory()
    var samples: [(nanoseconds: Double, result: Int)] = []
    for repetition in 0...repetitions {
      let run = try make(repetition)
      samples.append(try timed(run))
    }
    samples.removeFirst()
    peakMemory = Machine.peakMemory
    processPeakMemory = max(before, peakMemory)
    model = session.model.name
    (self.test, self.batch) = (test, batch)
    threads = Threads.count
    backend = test.isTraining ? Backend.name : Backend.name(session.options)
    products = test.isTraining ? "" : session.options.products.rawValue
    weights = session.options.weights.rawValue
    convolution = session.options.convolution?.rawValue ?? ""
    cpuInfo = Machine.processor
    testTime = Date().ISO8601Format()
    nParams = work.parameters
    let stored = test.isTraining ? nil : try session.model.storedBytes(of: test.usesDenoiser ? .transformer : .vqvae)
    modelSize = stored ?? 4 * work.parameters
    steps = test == .sample ? try session.sampleSteps() : nil
    countedTokens = test.countedTokens
    samplesNs = samples.map(\.nanoseconds)
    let time = Statistics(samplesNs)
    (avgNs, stddevNs) = (time.mean, time.deviation)
    guard !test.isLoad else { return }
    func rates(_ count: (Int) -> Int) -> [Double] { samples.map { Double(count($0.result)) / $0.nanoseconds * 1e9 } }
    samplesTs = rates { _ in batch * session.model.facts.length }
    let tokens = Statistics(samplesTs)
    (avgTs, stddevTs) = (tokens.mean, tokens.deviation)
    if test.countsEvaluations { avgEvaluationsS = Statistics(rates { $0 }).mean }
    if test != .denoise { avgImagesS = Statistics(rates { _ in batch }).mean }
    let units = rates { test.countsEvaluations ? $0 : batch }
    avgEffectiveGflops = work.multiplyAddsPerUnit.map { count in
      Statistics(units.map { $0 * 2 * Double(count) * 1e-9 }).mean
    }
  }
}
