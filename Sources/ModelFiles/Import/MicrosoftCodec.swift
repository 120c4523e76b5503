import Checkpoint
import Foundation

/// The autoencoder of a Microsoft checkpoint, or one in a file of its own.
struct MicrosoftCodec: Sendable {
  private(set) var group: TensorGroup
  private(set) var ignored: [IgnoredTensor] = []

  /// The autoencoder within a checkpoint: halves `enc` and `dec`, both with the quantiser.
  ///
  /// - Parameter tensors: names below `content_codec`, and those in the file.
  /// - Throws: `CheckpointError.missingTensor` for a quantiser that the encoder lacks; `ModelFileError.invalidInput` for quantisers
  ///   that differ.
  init(_ file: any TensorSource, _ tensors: [(name: String, original: String)]) throws {
    group = TensorGroup(file)
    for (name, original) in tensors {
      let own = name.suffix(after: "enc.") ?? name.suffix(after: "dec.") ?? name
      guard name.hasPrefix("dec.quantize.") else {
        group.entries.append(.init(name: own, original: original))
        continue
      }
      try Self.check(original, is: original.dropLast(name.count) + "enc." + own, in: file)
      ignored.append(IgnoredTensor(file: file.file, name: original, reason: "the same as the encoder's"))
    }
  }

  /// The autoencoder in a file of its own: at the top, or under `state_dict` or `model`; there at once, or as the first stage of a
  /// Net2NetTransformer, as the autoencoder of the FFHQ model is published, or as the codec of a whole VQ-Diffusion model.
  ///
  /// - Throws: as `init(_:_:)`.
  init(in file: any TensorSource) throws {
    func begins(_ prefix: String) -> Bool { file.names.contains { $0.hasPrefix(prefix) } }
    let root = ["state_dict.", "model."].first(where: begins) ?? ""
    let prefix = root + (["first_stage_model.", "content_codec."].first { begins(root + $0) } ?? "")
    try self.init(file, file.names.compactMap { name in name.suffix(after: prefix).map { (name: $0, original: name) } })
    ignored += file.names.filter { !$0.hasPrefix(prefix) }
      .map { IgnoredTensor(file: file.file, name: $0, reason: "no part of the autoencoder") }
  }

  /// Checks that two tensors are one.
  private static func check(_ name: String, is other: String, in file: any TensorSource) throws {
    guard let shape = file.shape(of: other) else {
      throw CheckpointError.missingTensor(file: file.file, tensor: other, shape: file.shape(of: name))
    }
    guard let (left, right) = file.mapped(name).flatMap({ left in file.mapped(other).map { (left, $0) } }),
      left.shape == shape, left.elementType == right.elementType, left.holdsTheBytes(of: right)
    else { throw ModelFileError.invalidInput(file: file.file, expected: "\(name) to be the same as \(other)", found: "another") }
  }
}

extension MappedTensor {
  /// Whether the elements are the same, bit by bit; at the same place in the file they are without being read.
  fileprivate func holdsTheBytes(of other: MappedTensor) -> Bool {
    withBytes { left in
      other.withBytes { right in
        guard left.count == right.count else { return false }
        guard let start = left.baseAddress, let otherStart = right.baseAddress, start != otherStart else { return true }
        return memcmp(start, otherStart, left.count) == 0
      }
    }
  }
}

extension String {
  /// What follows a prefix; nil without it.
  func suffix(after prefix: String) -> String? { hasPrefix(prefix) ? String(dropFirst(prefix.count)) : nil }
}
