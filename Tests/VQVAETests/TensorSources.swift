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
  func vqConfiguration(_ quantizer: QuantizerKind?) throws -> TamingVQGANConfiguration {
    func number(_ value: JSONValue) -> JSONValue { value.arrayValue?.first ?? value }
    let own: [String: JSONValue] = [
      "resolution": number(params["resolution"]),
      "attn_resolutions": .array(try params.array("attn_resolutions").map(number)), "double_z": .bool(false),
      "quantizer": quantizer.map { .string($0.rawValue) } ?? .null,
    ]
    return try JSONValue.object(config.object("params").merging(own) { $1 }).decoded()
  }

  /// Recorded codes of grids as large as the latents [B, C, h, w] of another tensor.
  func grid(_ tokens: String, sizedAs latents: String = "out.latents") throws -> ImageTokens {
    let shape = try shape(latents)
    return ImageTokens(try self.tokens(tokens), layout: .grid(rows: shape[2], columns: shape[3]))
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
  func vqWeights(adding more: [any TensorSource] = [], options: ComputeOptions = ComputeOptions()) throws -> WeightLoader {
    try WeightLoader(vqSources() + more, laterWins: true, options: options)
  }
}
