import Tensor
import Training

/// A row of every class table that training must not change: the networks' gradients and the weights' decay reach it as they
/// reach all rows, so it is put back after each step.
struct FrozenRow: Sendable {
  private let row: Int
  private let values: [(name: String, row: FloatTensor)]

  /// - Parameter parameters: of a class-conditional denoiser.
  init(_ row: Int, of parameters: ParameterSet) {
    self.row = row
    values = ClassTables.names(in: parameters).compactMap { name in
      parameters[name].map { (name, $0.rows([row])) }
    }
  }

  func restore(in optimization: inout Optimization) throws(TrainingError) {
    for (name, kept) in values { try optimization.replaceRow(row, of: name, with: kept) }
  }
}

/// The tables that a denoiser looks classes up in, one in each block.
enum ClassTables {
  static func names(in parameters: ParameterSet) -> [String] { parameters.names.filter { $0.hasSuffix(".ln2.emb.weight") } }
}
