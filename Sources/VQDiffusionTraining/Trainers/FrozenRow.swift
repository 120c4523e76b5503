import Tensor
import TrainingCore

/// A row of every class table that training must not change: the networks' gradients and the weights' decay reach it as they
/// reach all rows, so it is put back after each step.
struct FrozenRow: Sendable {
  private let row: Int
  private let values: [(name: String, row: FloatTensor)]

  /// - Parameters:
  ///   - tables: the names of the class tables.
  ///   - parameters: of a class-conditional denoiser.
  init(_ row: Int, of tables: [String], in parameters: ParameterSet) {
    self.row = row
    values = tables.compactMap { name in
      parameters[name].map { (name, $0.rows([row])) }
    }
  }

  func restore(in optimization: inout Optimization) throws(TrainingError) {
    for (name, kept) in values { try optimization.replaceRow(row, of: name, with: kept) }
  }
}
