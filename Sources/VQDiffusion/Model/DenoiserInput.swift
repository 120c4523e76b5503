import Checkpoint
import Foundation
import Tensor
import Transformer

/// What a denoiser is asked, as a safetensors file: `tokens` I64 [B, L] in 0…K, `timesteps` I64 [B] from 0, and for a
/// class-conditional model `labels` I64 [B], rows of the class table, for a text-conditional one `text` [B, text length, text width],
/// floats of any width.
public struct DenoiserInput: Sendable {
  let tokens: [Int32]
  let timesteps: [Int]
  let conditions: [DenoiserCondition]
  private let length: Int

  /// - Throws: `CheckpointError` for a file that isn't such a one; `PipelineError.invalidInput` for values out of range.
  public init(contentsOf url: URL, for configuration: DenoiserConfiguration) throws {
    let file = try SafetensorsFile(url)
    length = configuration.sequenceLength
    let count = try file.tokenRows(length: length)
    let conditionName: String? =
      switch configuration.kind {
      case .classConditional: "labels"
      case .text: "text"
      case .unconditional: nil
      }
    try file.expectOnly(["tokens", "timesteps"] + (conditionName.map { [$0] } ?? []))
    tokens = try file.integers("tokens", shape: [count, length], in: 0..<configuration.codebookSize + 1).map { Int32($0) }
    timesteps = try file.integers("timesteps", shape: [count], in: 0..<configuration.timesteps)
    conditions =
      switch configuration.kind {
      case .classConditional:
        try file.integers("labels", shape: [count], in: 0..<(configuration.classRows ?? 0)).map { .index($0) }
      case .text:
        try file.texts("text", count: count, length: configuration.textLength ?? 0, width: configuration.textWidth ?? 0)
      case .unconditional: Array(repeating: .none, count: count)
      }
  }

  /// The denoiser's logits [B, L, K], a few rows at a time.
  ///
  /// - Throws: what `checkCancellation` throws; it is called between layers.
  public func logits(by denoiser: DenoisingTransformer, checkCancellation: () throws -> Void = {}) throws -> FloatTensor {
    let codes = denoiser.configuration.codebookSize
    var values: [Float] = []
    values.reserveCapacity(tokens.count * codes)
    for first in stride(from: 0, to: timesteps.count, by: 16) {
      let rows = first..<min(first + 16, timesteps.count)
      let logits = try Log.timed("evaluated", ["rows": "\(rows)"]) {
        try denoiser.logits(
          tokens: Array(tokens[rows.lowerBound * length..<rows.upperBound * length]), timesteps: Array(timesteps[rows]),
          conditions: Array(conditions[rows]), checkCancellation: checkCancellation)
      }
      logits.withUnsafeBufferPointer { values += $0 }
    }
    return FloatTensor(values, shape: [timesteps.count, length, codes])
  }

  /// Writes `logits` F32; the file appears complete or not at all.
  ///
  /// - Throws: `CheckpointError.unwritable`.
  public static func write(logits: FloatTensor, to url: URL) throws(CheckpointError) {
    try SafetensorsFile.write([StoredTensor("logits", logits)], to: url)
  }
}

extension VQDiffusionPipeline {
  /// The denoiser of a model, of which nothing else is read.
  ///
  /// - Throws: `PipelineError`, `CheckpointError` or `TransformerError`, each naming the part.
  public static func denoiser(_ location: ModelLocation) throws -> DenoisingTransformer {
    let source = try location.source()
    return try Log.timed("loaded the transformer", ["model": "\(source.location)"]) { try source.denoiser() }
  }
}

extension SafetensorsFile {
  /// The vectors of texts, [count, length, width]; equal ones as one object, which keeps what a network computes from it.
  fileprivate func texts(_ name: String, count: Int, length: Int, width: Int) throws -> [DenoiserCondition] {
    let vectors = try Weights(self).tensor(name, [count, length, width])
    var known: [TextVectors: TextVectors] = [:]
    return (0..<count).map { row in
      let text = TextVectors(vectors.rows(row * length..<(row + 1) * length, width: width))
      let first = known[text] ?? text
      known[text] = first
      return .text(first)
    }
  }
}

/// The network alone (see `Transformer.DenoisingTransformer`).
public typealias DenoisingTransformer = Transformer.DenoisingTransformer
