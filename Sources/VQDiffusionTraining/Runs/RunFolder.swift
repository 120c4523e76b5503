import Checkpoint
import Files
import Foundation
import ModelFiles

/// The files of a run:
///
///     run.json                what is trained, on what, and how
///     checkpoint.safetensors  the state that `--resume` goes on from
///     metrics.jsonl           a line a step
///     losses.svg              its curves
///     samples/                a picture every so many steps
///     tokens.safetensors      of a denoiser: the images' tokens, encoded once
///     model/                  what has been trained, for use
struct RunFolder: Sendable {
  let url: URL

  init(_ url: URL) { self.url = url.standardizedFileURL }

  var runFile: URL { url.appendingPathComponent("run.json") }
  var checkpoint: URL { url.appendingPathComponent("checkpoint.safetensors") }
  var metrics: URL { url.appendingPathComponent("metrics.jsonl") }
  var plot: URL { url.appendingPathComponent("losses.svg") }
  var tokens: URL { url.appendingPathComponent("tokens.safetensors") }
  var model: URL { url.appendingPathComponent("model") }

  /// Of the picture of samples after a step.
  func samples(_ step: Int) -> URL {
    let digits = String(step)
    let name = "step-" + String(repeating: "0", count: max(0, 6 - digits.count)) + digits + ".png"
    return url.appendingPathComponent("samples").appendingPathComponent(name)
  }

  /// Makes the folder of a new run and puts down what it is to do.
  ///
  /// - Throws: `TrainingRunError.folderInUse`, `.unwritable`.
  func begin(_ run: TrainingRun) throws {
    let manager = FileManager.default
    if manager.fileExists(atPath: url.path) {
      guard let found = try? manager.contentsOfDirectory(atPath: url.path) else {
        throw TrainingRunError.folderInUse(folder: url.path, found: "something that is no folder, or can't be read")
      }
      if let first = found.sorted().first { throw TrainingRunError.folderInUse(folder: url.path, found: first) }
    }
    do {
      try manager.createDirectory(at: url, withIntermediateDirectories: true)
    } catch {
      throw TrainingRunError.unwritable(path: url.path, reason: "the folder can't be made: \(error.localizedDescription)")
    }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    let bytes = try Array(encoder.encode(run) + Data("\n".utf8))
    do throws(FileError) {
      try AtomicFile.replace(runFile, with: bytes)
    } catch {
      throw TrainingRunError.unwritable(path: runFile.path, reason: error.reason)
    }
  }

  /// What a run that was begun here does.
  ///
  /// - Throws: `TrainingRunError.nothingToResume`, `.invalidSettings`.
  func begunRun() throws(TrainingRunError) -> TrainingRun {
    guard let data = FileManager.default.contents(atPath: runFile.path) else {
      throw .nothingToResume(folder: url.path, expected: runFile.lastPathComponent)
    }
    do {
      let format = try JSONDecoder().decode(TrainingRun.Header.self, from: data).format
      guard format == TrainingRun.format else {
        throw TrainingRunError.invalidSettings(
          file: runFile.path, field: "format", expected: "\(TrainingRun.format)", found: "\(format)")
      }
      return try JSONDecoder().decode(TrainingRun.self, from: data)
    } catch let error as TrainingRunError {
      throw error
    } catch let error as DecodingError {
      throw TrainingRunError(ModelFileError(error, file: runFile.path))
    } catch {
      throw .invalidSettings(file: runFile.path, field: "", expected: "a run", found: "\(error)")
    }
  }

  /// Removes what an interrupted process left half-written; nobody else may be at work.
  func sweep() {
    let manager = FileManager.default
    for name in (try? manager.contentsOfDirectory(atPath: url.path)) ?? [] {
      let isLeft = [".partial", ".new", ".old"].contains { name.hasSuffix($0) }
      if name.hasPrefix("."), isLeft { try? manager.removeItem(at: url.appendingPathComponent(name)) }
    }
  }

  /// Whether a state was saved.
  var hasState: Bool { FileManager.default.fileExists(atPath: checkpoint.path) }

  /// The state that was saved last; nil if none was.
  ///
  /// - Parameter identity: what else the state must be of.
  /// - Throws: `CheckpointError` for a file that is none; `TrainingRunError.differentRun` for a state of another run.
  func savedState(kind: String, identity: [(name: String, value: String)]) throws -> RunState.Saved? {
    guard hasState else { return nil }
    let state = RunState.Saved(file: try SafetensorsFile(checkpoint))
    for (name, value) in [("kind", kind)] + identity {
      let saved: String = try state.value(name)
      guard saved == value else {
        throw TrainingRunError.differentRun(folder: url.path, setting: name, expected: saved, found: value)
      }
    }
    return state
  }

  /// Puts a state in the place of the last one, which stays if that fails.
  ///
  /// - Throws: `CheckpointError.unwritable`.
  func save(_ state: RunState, kind: String, identity: [(name: String, value: String)]) throws {
    var texts: [String: String] = [:]
    for (name, value) in [("kind", kind)] + identity { texts[name] = try RunState.text(value) }
    try SafetensorsFile.write(state.tensors, metadata: state.texts.merging(texts) { $1 }, to: checkpoint)
  }
}
