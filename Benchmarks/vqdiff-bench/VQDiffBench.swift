import ArgumentParser
import Foundation
import VQDiffusion

/// Measures tokens per second.
@main
struct VQDiffBench: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "vqdiff-bench",
    abstract: "Measures tokens per second of a model's parts.",
    discussion: """
      denoise  one evaluation of the network on random tokens and timesteps, all logits; tokens/s are evaluated tokens
      sample   whole sampling with the model's default settings; tokens/s are finished image tokens
      decode   tokens to images; tokens/s are decoded tokens
      encode   images to tokens; tokens/s are produced tokens

      Each figure is the mean over the repetitions ± its standard deviation, after one run that isn't counted.
      """)

  @Option(help: ArgumentHelp("Model folder; the built-in model if absent.", valueName: "folder"))
  var model: String?

  @Option(name: .customLong("test"), help: "Tests, separated by commas: denoise, sample, encode, decode.")
  var tests = "denoise,sample,encode,decode"

  @Option(help: "Batch sizes, separated by commas: sequences for denoise, images otherwise.")
  var batch = "1,2,16"

  @Option(help: "Threads; all cores if absent.")
  var threads: Int?

  @Option(help: "Weights of linear layers: float32 or int8.")
  var weights = ComputeOptions().weights

  @Option(help: "Counted repetitions of each test.")
  var repetitions = 5

  @Option(help: "md or json.")
  var output = OutputFormat.md

  enum OutputFormat: String, ExpressibleByArgument { case md, json }

  func validate() throws {
    _ = try parsedTests()
    _ = try parsedBatches()
    guard (1...1000).contains(repetitions) else { throw ValidationError("--repetitions must be 1...1000, found \(repetitions)") }
    if let threads, !Threads.allowed.contains(threads) {
      throw ValidationError("--threads must be in \(Threads.allowed), found \(threads)")
    }
  }

  func run() async throws {
    if let threads { try Threads.use(threads) }
    let pipeline = try ComputeOptions.$current.withValue(ComputeOptions(weights: weights)) {
      try model.map { try VQDiffusionPipeline(contentsOf: URL(fileURLWithPath: $0)) } ?? .builtIn()
    }
    var rows: [Measurement] = []
    for test in try parsedTests() {
      for size in try parsedBatches() {
        rows.append(try await Measurement(of: test, pipeline: pipeline, batch: size, repetitions: repetitions))
      }
    }
    switch output {
    case .md: print(Measurement.markdown(rows))
    case .json: print(try Measurement.json(rows))
    }
  }

  private func parsedTests() throws -> [Measurement.Test] {
    try tests.split(separator: ",").map { name in
      guard let test = Measurement.Test(rawValue: String(name)) else {
        let names = Measurement.Test.allCases.map(\.rawValue).joined(separator: ", ")
        throw ValidationError("--test must be of \(names), found \(name)")
      }
      return test
    }
  }

  private func parsedBatches() throws -> [Int] {
    try batch.split(separator: ",").map { text in
      guard let size = Int(text), (1...65536).contains(size) else {
        throw ValidationError("--batch must be numbers in 1...65536, found \(text)")
      }
      return size
    }
  }
}

extension ComputeOptions.Weights: ExpressibleByArgument {}
