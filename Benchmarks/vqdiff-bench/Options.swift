import ArgumentParser
import BenchmarkKit
import Foundation
import VQDiffusion

extension ComputeOptions.Products: ExpressibleByArgument {}
extension ComputeOptions.WeightFormat: ExpressibleByArgument {}
extension ComputeOptions.Memory: ExpressibleByArgument {}
extension ConvolutionAlgorithm: ExpressibleByArgument {}
extension OutputFormat: ExpressibleByArgument {}

/// Runs `body`, whose errors are the arguments' fault.
func asUsage(_ option: String, _ body: () throws(ListError) -> Void) throws {
  do {
    try body()
  } catch {
    throw ValidationError("\(option) \(error)")
  }
}

/// Prints a line at once, whatever standard output is: rows appear as they are measured, and other programs wait for lines.
func writeLine(_ text: String) {
  FileHandle.standardOutput.write(Data((text + "\n").utf8))
}

/// The numbers of threads to measure with; the current one if none is given.
func threadCounts(_ text: String?) throws(ListError) -> [Int] {
  guard let text else { return [Threads.count] }
  return try parseNumbers(text, in: Threads.allowed)
}

func checkRepetitions(_ count: Int) throws {
  guard (1...10_000).contains(count) else { throw ValidationError("--repetitions must be 1…10000, found \(count)") }
}
