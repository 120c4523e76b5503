import Checkpoint
import Foundation
import Tensor
import TestSupport
import VQVAE

/// Tensors of another source under other names and shapes; those that aren't listed aren't there.
struct RenamedSource: TensorSource {
  private let base: any TensorSource
  private let renamed: [String: RenamedTensors.Entry]
  let names: [String]

  init(_ base: any TensorSource, _ list: [RenamedTensors.Entry]) {
    self.base = base
    let there = Set(base.names)
    let list = list.filter { there.contains($0.original) }
    renamed = Dictionary(uniqueKeysWithValues: list.map { ($0.name, $0) })
    names = list.map(\.name)
  }

  var file: String { base.file }

  func shape(of name: String) -> [Int]? {
    renamed[name].flatMap { $0.shape ?? base.shape(of: $0.original) }
  }

  func floatTensor(_ name: String) throws(CheckpointError) -> FloatTensor {
    guard let tensor = renamed[name] else { throw .missingTensor(file: file, tensor: name, shape: nil) }
    let values = try base.floatTensor(tensor.original)
    return tensor.shape.map { values.reshaped($0) } ?? values
  }
}

/// Names and shapes; tensors of zeros.
struct ShapesOnly: TensorSource {
  let file = "shapes"
  var shapes: [String: [Int]]

  var names: [String] { shapes.keys.sorted() }

  func shape(of name: String) -> [Int]? { shapes[name] }

  func floatTensor(_ name: String) throws(CheckpointError) -> FloatTensor {
    guard let shape = shapes[name] else { throw .missingTensor(file: file, tensor: name, shape: nil) }
    return FloatTensor(zeros: shape)
  }
}

extension GoldenCase {
  /// A recorded autoencoder's configuration, in numbers where the reference writes pairs.
  func vqConfiguration(_ quantizer: QuantizerKind?) throws -> VQModelConfiguration {
    let own: [String: JSONValue] = [
      "resolution": .int(16), "attn_resolutions": .array([.int(8)]), "double_z": .bool(false),
      "quantizer": quantizer.map { .string($0.rawValue) } ?? .null,
    ]
    return try JSONValue.object(config.object("params").merging(own) { $1 }).decoded()
  }

  /// The files of a recorded autoencoder's weights, without the quantiser of the case that it shares its other parts with.
  func vqSources() throws -> [any TensorSource] {
    let files = try config.strings("weights").map { folder.appendingPathComponent($0).standardizedFileURL }
    return try files.map { file in
      let source = try SafetensorsFile(file)
      let isShared = file.deletingLastPathComponent().lastPathComponent != name
      let kept = source.names.filter { !isShared || !$0.hasPrefix("quantize.") }
      return RenamedSource(source, kept.map { .init(name: $0, original: $0) })
    }
  }

  /// See `vqSources`.
  func vqWeights(adding more: [any TensorSource] = []) throws -> Weights { try Weights(vqSources() + more, laterWins: true) }
}
