import Foundation
import VQDiffusion

/// A training run: what is trained, on which images, and how. Its folder holds all that comes of it (see `RunFolder`), and all that it
/// needs to go on after an interruption: a resumed run ends with the same bits as one that was never interrupted.
///
///     let run = TrainingRun(.autoencoder(TrainingPreset.cifar10.autoencoder), images: photographs)
///     try await run.begin(in: folder) { event in … }
public struct TrainingRun: Codable, Sendable, Equatable {
  public let task: Task
  /// The data set's path: a folder of images, or of folders of images a class each, or CIFAR-10's binary files.
  public let images: String
  /// That of held-out images, which are looked at, but not trained on.
  public let validation: String?

  public init(_ task: Task, images: URL, validation: URL? = nil) {
    self.task = task
    self.images = images.standardizedFileURL.path
    self.validation = validation?.standardizedFileURL.path
  }

  /// Begins the run in a folder that is new or empty, and waits for its end.
  ///
  /// The work is done on a thread of its own, which tells what it does there. When the task is cancelled, the run saves its state, and
  /// the call throws once that is done.
  ///
  /// - Throws: `TrainingRunError`, `TrainingError`, `DatasetError`, `MetricsError`, `CheckpointError`, or what loading a model throws;
  ///   `CancellationError`.
  public func begin(
    in folder: URL, report: @escaping @Sendable (TrainingEvent) -> Void = { _ in }
  ) async throws -> TrainingSummary {
    try await perform(in: RunFolder(folder), isNew: true, report)
  }

  /// Goes on with the run that was begun in a folder; see `begin(in:report:)`.
  ///
  /// - Throws: besides, `TrainingRunError.nothingToResume`, and `.differentRun` where the images aren't those it began with.
  public static func resume(
    in folder: URL, report: @escaping @Sendable (TrainingEvent) -> Void = { _ in }
  ) async throws -> TrainingSummary {
    let folder = RunFolder(folder)
    return try await folder.begunRun().perform(in: folder, isNew: false, report)
  }

  /// The run that was begun in a folder.
  ///
  /// - Throws: `TrainingRunError.nothingToResume`, `.invalidSettings`.
  public init(begunIn folder: URL) throws(TrainingRunError) { self = try RunFolder(folder).begunRun() }

  /// Checks the settings, without a look at the data.
  ///
  /// - Throws: `TrainingError.setting`, `VQVAEError.invalidConfiguration`.
  public func validate() throws {
    try task.settings.validate()
  }

  private func perform(
    in folder: RunFolder, isNew: Bool, _ report: @escaping @Sendable (TrainingEvent) -> Void
  ) async throws -> TrainingSummary {
    let cancellation = Cancellation()
    return try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        onThreadOfItsOwn("vqdiffusion.training") {
          continuation.resume(
            with: Result {
              try self.validate()
              let preparation = RunPreparation(run: self, folder: folder, cancellation: cancellation, report: report)
              return try self.task.settings.perform(preparation, model: self.task.model, isNew: isNew)
            })
        }
      }
    } onCancel: {
      cancellation.cancel()
    }
  }
}

/// The value of asynchronous work, for a thread that may wait.
///
/// - Throws: what the work throws: when cancelled, most likely `CancellationError`.
func waitFor<T: Sendable>(_ cancellation: Cancellation, _ work: @escaping @Sendable () async throws -> T) throws -> T {
  let result = Outcome<T>()
  let done = DispatchSemaphore(value: 0)
  let task = Task.detached {
    do { result.value = .success(try await work()) } catch { result.value = .failure(error) }
    done.signal()
  }
  while done.wait(timeout: .now() + .milliseconds(100)) == .timedOut {
    do { try cancellation.check() } catch { task.cancel() }
  }
  guard let value = result.value else { throw CancellationError() }
  return try value.get()
}

/// Written before the semaphore is signalled and read after.
private final class Outcome<T>: @unchecked Sendable {
  var value: Result<T, any Error>?
}
