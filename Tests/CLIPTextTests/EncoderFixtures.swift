import CLIPText
import Checkpoint
import Foundation
import Tensor
import TestSupport

/// Tensors in memory, as a file of another format would hold them.
struct MemorySource: TensorSource {
  let file = "memory"
  var tensors: [String: FloatTensor]

  var names: [String] { tensors.keys.sorted() }

  func shape(of name: String) -> [Int]? { tensors[name]?.shape }

  func floatTensor(_ name: String) throws(CheckpointError) -> FloatTensor {
    guard let tensor = tensors[name] else { throw .missingTensor(file: file, tensor: name, shape: nil) }
    return tensor
  }
}

/// The text encoder of the recorded pipeline.
struct RecordedEncoder {
  let golden: GoldenCase
  let configuration: CLIPTextConfiguration
  let file: URL

  init() throws {
    golden = try GoldenCase("hf")
    let folder = golden.folder.appendingPathComponent("pipeline/text_encoder")
    configuration = try JSONDecoder().decode(
      CLIPTextConfiguration.self, from: Data(contentsOf: folder.appendingPathComponent("config.json")))
    file = folder.appendingPathComponent("model.safetensors")
  }

  /// Ids of all texts, one after another.
  func ids() throws -> [Int32] { try golden.tokens("in.prompt_ids") }

  /// Ids of each text.
  func texts() throws -> [[Int32]] {
    let (ids, length) = (try ids(), configuration.contextLength)
    return stride(from: 0, to: ids.count, by: length).map { Array(ids[$0..<$0 + length]) }
  }

  func encoder(_ way: ComputeOptions = ComputeOptions()) throws -> CLIPTextEncoder {
    try CLIPTextEncoder(configuration, weights: WeightLoader(files: [file], options: way))
  }

  func tensors() throws -> [String: FloatTensor] {
    let file = try SafetensorsFile(file)
    return Dictionary(uniqueKeysWithValues: try file.names.map { ($0, try file.floatTensor($0)) })
  }

  /// The same tensors under OpenAI's names, query, key and value in one.
  func openAITensors() throws -> [String: FloatTensor] {
    var tensors = try tensors()
    var renamed: [String: FloatTensor] = [:]
    func move(_ from: String, _ to: String) { renamed[to] = tensors.removeValue(forKey: "text_model." + from) }
    move("embeddings.token_embedding.weight", "token_embedding.weight")
    move("embeddings.position_embedding.weight", "positional_embedding")
    for kind in ["weight", "bias"] {
      move("final_layer_norm.\(kind)", "ln_final.\(kind)")
      for layer in 0..<configuration.layers {
        let (from, to) = ("encoder.layers.\(layer)", "transformer.resblocks.\(layer)")
        for (one, other) in [
          ("layer_norm1", "ln_1"), ("layer_norm2", "ln_2"), ("mlp.fc1", "mlp.c_fc"), ("mlp.fc2", "mlp.c_proj"),
          ("self_attn.out_proj", "attn.out_proj"),
        ] { move("\(from).\(one).\(kind)", "\(to).\(other).\(kind)") }
        let parts = ["q", "k", "v"].compactMap { tensors.removeValue(forKey: "text_model.\(from).self_attn.\($0)_proj.\(kind)") }
        renamed["\(to).attn.in_proj_\(kind)"] = FloatTensor(
          parts.flatMap(\.values), shape: [3 * configuration.width] + parts[0].shape.dropFirst())
      }
    }
    guard tensors.isEmpty else { throw CheckpointError.unexpectedTensors(file: file.path, names: tensors.keys.sorted()) }
    return renamed
  }
}
