import Foundation
import VQDiffusion

/// A network in training: what a run (`TrainingRun`) drives, saves and goes on with.
///
/// Every step is a function of the settings, the data and the state, so that a restored trainer makes the same steps, bit for bit.
protocol Trainer: AnyObject {
  /// What checkpoints call it; one is restored only by its own kind.
  static var kind: String { get }

  /// Steps done.
  var step: Int { get }

  /// Makes one step.
  ///
  /// - Returns: what the log says of it.
  func advance() throws -> [(name: String, value: Double)]

  /// The whole state.
  func state() throws -> RunState

  /// Goes on from a state; if that throws, nothing has changed.
  func restore(from state: RunState.Saved) throws

  /// What held-out images say; empty where there are none.
  func validate() throws -> [(name: String, value: Double)]

  /// A picture that shows how far it is.
  ///
  /// - Parameters:
  ///   - model: a folder that `writeModel` wrote just now.
  ///   - cancellation: ends the work by `CancellationError`.
  func writeSamples(to file: URL, model: URL, cancellation: Cancellation) throws

  /// Writes what has been trained, for whoever uses it, in the place of the folder that may be there.
  func writeModel(to folder: URL) throws

  /// The panels of the run's plot.
  static var plot: [PlotPanel] { get }
}

/// A panel of a run's plot: values of the log under one axis.
struct PlotPanel {
  let title: String
  let isLogarithmic: Bool
  /// Whether a moving average is drawn over values that jump.
  var isSmoothed = true
  let values: [String]
}
