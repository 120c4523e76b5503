import Checkpoint
import Files
import Foundation
import Tensor

/// A model on its way into this project's folder: what is taken from which file, under which name, and what is left out.
///
/// Making one loads every part, its weights left in their files as far as possible; `write` streams them, one tensor at a time.
public struct ModelConversion: Sendable {
  /// How floats are stored.
  public enum FloatType: String, Sendable, CaseIterable {
    case float32, float16, bfloat16
  }

  /// A tensor that is taken.
  public struct Entry: Sendable, Equatable {
    /// The file of the new folder.
    public let target: String
    public let name: String
    public let file: String
    /// Its name there.
    public let original: String
    public let shape: [Int]
  }

  public let tensors: [Entry]
  /// What the files hold besides, and why it isn't taken.
  public let ignored: [IgnoredTensor]
  private let source: any ModelSource
  private let groups: [(target: String, groups: [TensorGroup])]
  private let documents: [(path: String, data: Data)]
  private let floats: FloatType?

  /// - Parameters:
  ///   - location: the model to convert.
  ///   - floats: how floats are to be stored; nil for as they are.
  /// - Throws: what loading the model throws.
  public init(_ location: ModelLocation, floats: FloatType? = nil) throws {
    let source = try location.source()
    // Little of a weight file is touched where weights stay in place.
    _ = try LoadedModel(location, options: ComputeOptions(memory: .low))
    self.source = source
    self.floats = floats
    var ignored = try source.ignored
    var groups: [(String, [TensorGroup])] = []
    for part in ModelPart.allCases where part != .scheduler && source.has(part) {
      groups.append(("\(part.rawValue)/model.safetensors", try source.usedGroups(of: part)))
      ignored += try source.unusedTensors(of: part)
    }
    self.ignored = ignored
    if let empty = try source.textParts()?.empty {
      groups.append((EmptyTextFile.path, [try empty.group()]))
    }
    self.groups = groups
    tensors = groups.flatMap { target, groups in
      groups.flatMap { group in
        group.entries.map { entry in
          Entry(
            target: target, name: entry.name, file: group.source.file, original: entry.original,
            shape: entry.shape ?? group.source.shape(of: entry.original) ?? [])
        }
      }
    }
    documents = try ModelDocuments.of(source)
  }

  /// Writes the folder, which appears complete or not at all.
  ///
  /// - Parameter checkCancellation: called between tensors; what it throws ends the work, and nothing is left of the folder.
  /// - Throws: `ModelFileError.unwritable` for a folder that exists or can't be made; `CheckpointError`, for a value that is too
  ///   large for the type among others.
  public func write(to url: URL, checkCancellation: () throws -> Void = {}) throws {
    try ModelFileError.wrapping {
      try AtomicFolder.make(url) { folder in
        for (path, data) in documents { try data.write(to: Self.file(path, in: folder)) }
        for (target, groups) in groups {
          var stored: [StoredTensor] = []
          for group in groups {
            let renamed = try group.renamed()
            for name in renamed.names {
              stored.append(try StoredTensor(name, name, of: renamed, floatsAs: floats?.stored))
            }
          }
          let file = try Self.file(target, in: folder)
          do {
            try SafetensorsFile.write(stored, to: file, checkCancellation: checkCancellation)
          } catch let error as CheckpointError {
            throw named(error, of: target)
          }
        }
        try writeCodebookMap(in: folder)
        try checkCancellation()
      }
    }
  }

  /// An error of writing `target`; a tensor that can't be stored is named as it stands in the file that holds it.
  private func named(_ error: CheckpointError, of target: String) -> CheckpointError {
    guard case .unrepresentable(_, let name, let value, let type) = error,
      let tensor = tensors.first(where: { $0.target == target && $0.name == name })
    else { return error }
    return .unrepresentable(file: tensor.file, tensor: tensor.original, value: value, type: type)
  }

  private static func file(_ target: String, in folder: URL) throws -> URL {
    let file = folder.appendingPathComponent(target)
    try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
    return file
  }

  private func writeCodebookMap(in folder: URL) throws {
    guard source.has(.vqvae) else { return }
    let codes = try source.tokenizerConfiguration().facts.codes
    let reduced = try source.networkConfiguration().facts.codes
    guard let table = try source.codebookTable(codes: codes, reducedCodes: reduced) else { return }
    try SafetensorsFile.write(
      [StoredTensor(CodebookMapFile.tensor, table, shape: [codes])], to: Self.file(CodebookMapFile.path, in: folder))
  }
}

extension ModelConversion.FloatType {
  var stored: StoredTensor.FloatType {
    switch self {
    case .float32: .float32
    case .float16: .float16
    case .bfloat16: .bfloat16
    }
  }
}
