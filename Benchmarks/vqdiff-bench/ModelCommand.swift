import ArgumentParser
import BenchmarkKit
import Foundation
import VQDiffusion

/// Measures a model.
struct ModelCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "model",
    abstract: "Measure a model's parts (what is done without a subcommand).",
    discussion: """
      denoise  One evaluation of the network, all logits, on fresh random tokens, timesteps and classes or texts in each repetition; \
      tokens/s are evaluated tokens over wall time.
      sample   Sampling of whole images, the sampler included, the decoder not; tokens/s are finished image tokens over wall time. \
      Guidance evaluates two sequences per image and step, which evaluations/s counts.
      encode   Images of random noise to tokens; tokens/s are produced tokens.
      decode   Random tokens to images; tokens/s are decoded tokens.
      train    One training step of the denoiser from its initial parameters, on random tokens: forward pass, cross-entropy over all \
      positions, backward pass, AdamW. Not of text-conditional models.
      train-vqvae  The same of the autoencoder, on images of random noise: absolute error and the quantiser's loss.
      load     Seconds until the denoiser (load-denoiser) and the codec (load-codec) are ready, from files or, with random weights, \
      from nothing.

      Figures are means over the repetitions ± the sample's standard deviation, after one that isn't counted. Effective GFLOP/s count \
      the plain algorithm's multiply-adds twice, as computed from the configuration, whatever algorithm ran. Peak memory is the \
      largest resident size while the test ran, the model included.
      """)

  @Option(
    help: ArgumentHelp(
      "A model folder, builtin, or an architecture with random weights: imagenet-random, cifar-random, ithq-random.",
      valueName: "model"))
  var model = BenchmarkModel.builtInName

  @Option(name: .customLong("test"), help: "Tests, separated by commas: \(BenchmarkTest.names.joined(separator: ", ")).")
  var tests = "denoise,sample,encode,decode"

  @Option(help: "Batch sizes, separated by commas: sequences for denoise, images otherwise.")
  var batch = "1,2,16"

  @Option(help: "Numbers of threads, separated by commas; all cores if absent.")
  var threads: String?

  @Option(help: "Steps of sample; the model's own if absent.")
  var steps: Int?

  @Option(help: "Counted repetitions of each test.")
  var repetitions = 5

  @Option(help: "What multiplies by weights: packed or openblas.")
  var products = ComputeOptions().products

  @Option(help: "Force 3×3 convolutions to one algorithm: im2col, winograd2, winograd4 (by the layer's shape if absent).")
  var convolution: ConvolutionAlgorithm?

  @Option(help: "What layers hold weights in: float32, or the approximations float16 and int8.")
  var weights = ComputeOptions().weights

  @Option(help: "fast re-lays weights for speed; low leaves them as the file holds them.")
  var memory = ComputeOptions().memory

  @Option(help: "md, csv, json (an array), or jsonl (an object a line).")
  var output = OutputFormat.md

  @Flag(
    help: """
      For other programs: load, run one test of one batch size once, print "ready", then for each line of standard input, a number N, \
      run N repetitions and print their nanoseconds on a line, until the input ends.
      """)
  var interactive = false

  func validate() throws {
    try asUsage("--test") { () throws(ListError) in _ = try parseTests(tests) }
    try asUsage("--batch") { () throws(ListError) in _ = try batches() }
    try asUsage("--threads") { () throws(ListError) in _ = try threadCounts(threads) }
    try checkRepetitions(repetitions)
    if let steps, !(1...100_000).contains(steps) { throw ValidationError("--steps must be 1…100000, found \(steps)") }
    if interactive {
      guard try parseTests(tests).count == 1, try batches().count == 1, try threadCounts(threads).count <= 1 else {
        throw ValidationError("--interactive takes one --test, one --batch and one number of --threads")
      }
    }
  }

  func run() throws {
    let session = BenchmarkSession(
      try BenchmarkModel(model),
      options: ComputeOptions(products: products, convolution: convolution, weights: weights, memory: memory), steps: steps)
    do {
      for test in try parseTests(tests) { try session.requireMeasurable(test) }
    } catch let error as BenchmarkError {
      throw ValidationError("\(error)")
    }
    if interactive { return try serve(session) }
    var table = TableWriter<BenchmarkRow>(output) { writeLine($0) }
    for test in try parseTests(tests) {
      for count in try threadCounts(threads) {
        try Threads.use(count)
        for size in test.isLoad ? [1] : try batches() {
          try table.add(BenchmarkRow(test, session, batch: size, repetitions: repetitions))
        }
      }
    }
    try table.finish()
  }

  private func serve(_ session: BenchmarkSession) throws {
    try Threads.use(try threadCounts(threads)[0])
    let make = try session.workload(try parseTests(tests)[0], batch: try batches()[0])
    var repetition = 0
    func next() throws -> Double {
      defer { repetition += 1 }
      let run = try make(repetition)
      return try timed(run).nanoseconds
    }
    _ = try next()
    writeLine("ready")
    while let line = readLine() {
      guard let count = Int(line.trimmingCharacters(in: .whitespaces)), (1...1_000_000).contains(count) else {
        throw ValidationError("a line of input must be a number of repetitions in 1…1000000, found \"\(line)\"")
      }
      writeLine(try (0..<count).map { _ in String(format: "%.0f", try next()) }.joined(separator: " "))
    }
  }

  private func batches() throws(ListError) -> [Int] { try parseNumbers(batch, in: 1...65536) }
}
