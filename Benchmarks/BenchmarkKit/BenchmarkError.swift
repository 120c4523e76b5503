/// A test that a model can't be put to.
package enum BenchmarkError: Error, Equatable, CustomStringConvertible {
  /// A text-conditional denoiser, which this project doesn't train.
  case textConditional(model: String, test: BenchmarkTest)
  /// Options of the arithmetic for a training test: training's kernels have none.
  case arithmetic(test: BenchmarkTest)

  package var description: String {
    switch self {
    case .textConditional(let model, let test):
      "--test \(test.rawValue) needs a class-conditional or unconditional denoiser, found a text-conditional one: \(model)"
    case .arithmetic(let test):
      "--test \(test.rawValue) takes --products, --convolution, --weights and --memory as they are if absent, found others"
    }
  }
}
