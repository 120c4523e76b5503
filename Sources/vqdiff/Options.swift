import ArgumentParser
import Foundation
import Logging
import VQDiffusion

/// On how many threads.
struct ThreadOptions: ParsableArguments {
  @Option(
    help: "Threads, 1…\(Threads.allowed.upperBound) (all processors if absent). They change the speed, never the result.")
  var threads: Int?

  func validate() throws {
    if let threads, !Threads.allowed.contains(threads) {
      let allowed = "\(Threads.allowed.lowerBound)…\(Threads.allowed.upperBound)"
      throw ValidationError("--threads must be \(allowed), found \(threads)")
    }
  }

  func apply() throws {
    if let threads { try Threads.use(threads) }
  }
}

/// Which model, and how it computes.
struct ModelOptions: ParsableArguments {
  @OptionGroup var files: ModelFileOptions

  @OptionGroup var threads: ThreadOptions

  @Option(
    help: """
      What multiplies by weights: packed (the project's own kernel) or openblas. The last bits differ, and so may a pixel.
      """)
  var products = ComputeOptions().products

  @Option(help: "Force 3×3 convolutions to one algorithm: im2col, winograd2, winograd4 (by the layer's shape if absent).")
  var convolution: ConvolutionAlgorithm?

  @Option(
    help: """
      fast re-lays weights for speed; low leaves them where and as the file holds them, with OpenBLAS and plain convolutions.
      """)
  var memory = ComputeOptions().memory

  @Option(
    help: """
      What layers hold weights in: float32; float16, rounded to half the memory, whatever --products says; or int8, linear layers in \
      8-bit integers, faster. Rounding may give other images.
      """)
  var weights = ComputeOptions().weights

  @Flag(help: "Log what is done, and how long it takes, to standard error.")
  var verbose = false

  /// Sets the threads and the log; called before any work.
  func apply() throws {
    Self.log(verbose ? .debug : .warning)
    try threads.apply()
  }

  /// Sends the log to standard error.
  static func log(_ level: Logger.Level) {
    LoggingSystem.bootstrap { label in
      var handler = StreamLogHandler.standardError(label: label)
      handler.logLevel = level
      return handler
    }
  }

  var location: ModelLocation { files.location }

  func codec() throws -> ImageCodec {
    try ImageCodec(location, options: computeOptions)
  }

  func network() throws -> any DenoisingNetwork {
    try VQDiffusionPipeline.network(location, options: computeOptions)
  }

  func pipeline() throws -> VQDiffusionPipeline {
    try VQDiffusionPipeline(location, options: computeOptions)
  }

  private var computeOptions: ComputeOptions {
    ComputeOptions(products: products, convolution: convolution, weights: weights, memory: memory)
  }
}

extension ComputeOptions.Products: ExpressibleByArgument {}
extension ComputeOptions.Memory: ExpressibleByArgument {}
extension ComputeOptions.WeightFormat: ExpressibleByArgument {}
extension ConvolutionAlgorithm: ExpressibleByArgument {}

/// Where images go.
struct ImageOutputOptions: ParsableArguments {
  @Flag(help: "Put all images on one sheet.")
  var grid = false

  @Option(help: ArgumentHelp("Enlarge each pixel to a square of N×N.", valueName: "N"))
  var scale = 1

  @Flag(help: "No progress, no names of files.")
  var quiet = false

  func validate() throws {
    guard (1...256).contains(scale) else { throw ValidationError("--scale must be 1…256, found \(scale)") }
  }
}

extension OutputError {
  /// Runs `body`, whose errors of this type are the arguments' fault.
  static func asUsage<R>(_ body: () throws(OutputError) -> R) throws -> R {
    do {
      return try body()
    } catch {
      throw ValidationError(error.description)
    }
  }
}
