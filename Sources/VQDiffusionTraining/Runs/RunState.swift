import Checkpoint
import Foundation

/// Everything that a run goes on from: tensors, and texts for the rest.
struct RunState {
  var tensors: [StoredTensor]
  var texts: [String: String]

  /// A value as JSON; floating-point numbers come back bit for bit.
  static func text(_ value: some Encodable) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    return String(decoding: try encoder.encode(value), as: UTF8.self)
  }

  static func + (a: RunState, b: RunState) -> RunState {
    RunState(tensors: a.tensors + b.tensors, texts: a.texts.merging(b.texts) { $1 })
  }

  /// A state as a file holds it.
  struct Saved {
    let file: SafetensorsFile

    /// - Throws: `TrainingRunError.unreadableState` unless there is such a value.
    func value<T: Decodable>(_ name: String) throws(TrainingRunError) -> T {
      guard let text = file.metadata[name] else {
        throw .unreadableState(file: file.file, expected: "a text \(name)", found: "none")
      }
      do {
        let decoder = JSONDecoder()
        decoder.nonConformingFloatDecodingStrategy = .convertFromString(
          positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
        return try decoder.decode(T.self, from: Data(text.utf8))
      } catch {
        throw .unreadableState(file: file.file, expected: "a text \(name) that holds a \(T.self)", found: text)
      }
    }
  }
}
