import ArgumentParser
import BenchmarkKit
import VQDiffusion

/// Measures the kernels at the models' shapes.
struct KernelCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "kernels",
    abstract: "Measure products, convolutions, attention, softmax and norms at the models' shapes.",
    discussion: """
      GFLOP/s are effective: twice the plain algorithm's multiply-adds over the time, so that Winograd's algorithm can exceed the peak. \
      GB/s count input and output once; small ones that stay in a cache can exceed memory's peak. The peaks are measured first, with \
      the same threads: the best large product by the packed kernel or OpenBLAS, and a copy of 256 MiB.
      """)

  @Option(help: "Numbers of threads, separated by commas; all cores if absent.")
  var threads: String?

  @Option(help: "Counted repetitions of each kernel.")
  var repetitions = 5

  @Option(help: "What multiplies by weights: packed or openblas (both if absent).")
  var products: ComputeOptions.Products?

  @Option(name: .customLong("kernel"), help: "Only kernels whose name begins so, for example product, convolution or softmax.")
  var prefix = ""

  @Option(help: "md, csv, json (an array), or jsonl (an object a line).")
  var output = OutputFormat.md

  func validate() throws {
    try asUsage("--threads") { () throws(ListError) in _ = try threadCounts(threads) }
    try checkRepetitions(repetitions)
    guard !kernels.isEmpty else { throw ValidationError("--kernel must be the start of a kernel's name, found \"\(prefix)\"") }
  }

  func run() throws {
    var table = TableWriter<KernelRow>(output) { writeLine($0) }
    for count in try threadCounts(threads) {
      try Threads.use(count)
      let peak = MachinePeak(repetitions: repetitions)
      if output == .md {
        table.note(
          "\(count) threads, peaks: \(rounded(peak.flopsPerSecond * 1e-9)) GFLOP/s (best large product), "
            + "\(rounded(peak.bytesPerSecond * 1e-9)) GB/s (copy); \(Machine.processor), \(Backend.name)")
      }
      for kernel in kernels { try table.add(KernelRow(kernel, peak: peak, repetitions: repetitions)) }
    }
    try table.finish()
  }

  private var kernels: [Kernel] {
    Kernel.ofModels(products: products.map { [$0] } ?? ComputeOptions.Products.allCases).filter { $0.name.hasPrefix(prefix) }
  }
}
