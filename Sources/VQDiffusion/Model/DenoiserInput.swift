import Checkpoint
import Foundation
import Tensor
import Transformer

/// What a denoiser is asked, as a safetensors file: `tokens` I64 [B, L] in 0…K, `timesteps` I64 [B] from 0, and what it is told of
/// the images: for a class-conditional model `labels` I64 [B], rows of the class table; for a text-conditional one the vectors
/// `text` F32 [B, text length, text width].
public struct DenoiserInput: Sendable {
  let tokens: [Int32]
  let timesteps: [Int]
  private let conditions: Conditions
  private let length: Int

  private enum Conditions {
    case none
    case labels([Int])
    /// [B, text length, text width]
    case text(FloatTensor)

    /// The tensor that states them; nil without one.
    static func name(of kind: DenoiserConfiguration.Kind) -> String? {
      switch kind {
      case .unconditional: nil
      case .classConditional: "labels"
      case .text: "text"
      }
    }
  }

  /// - Throws: `CheckpointError` for a file that isn't such a one; `PipelineError.invalidInput` for values out of range.
  public init(contentsOf url: URL, for configuration: DenoiserConfiguration) throws {
    let file = try SafetensorsFile(url)
    length = configuration.sequenceLength
    let count = try file.tokenRows(length: length)
    try file.expectOnly(["tokens", "timesteps"] + [Conditions.name(of: configuration.kind)].compactMap { $0 })
    tokens = try file.integers("tokens", shape: [count, length], in: 0..<configuration.codebookSize + 1).map { Int32($0) }
    timesteps = try file.integers("timesteps", shape: [count], in: 0..<configuration.timesteps)
    switch configuration.kind {
    case .unconditional: conditions = .none
    case .classConditional:
      conditions = .labels(try file.integers("labels", shape: [count], in: 0..<(configuration.classRows ?? 0)))
    case .text:
      let shape = [count, configuration.textLength ?? 0, configuration.textWidth ?? 0]
      conditions = .text(try file.finiteFloats("text", shape: shape))
    }
  }

  /// What the network is told of rows. It leaves with a text's vectors what it made of them: equal texts are one object, which goes
  /// with the rows.
  private func conditions(of rows: Range<Int>) -> [DenoiserCondition] {
    switch conditions {
    case .none: rows.map { _ in .none }
    case .labels(let labels): labels[rows].map { .index($0) }
    case .text(let vectors):
      texts(vectors, rows)
    }
  }

  private func texts(_ vectors: FloatTensor, _ rows: Range<Int>) -> [DenoiserCondition] {
    let (length, width) = (vectors.shape[1], vectors.shape[2])
    var known: Set<TextVectors> = []
    return rows.map { row in
      .text(known.insert(TextVectors(vectors.rows(row * length..<(row + 1) * length, width: width))).memberAfterInsert)
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
          conditions: conditions(of: rows), checkCancellation: checkCancellation)
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

extension TensorSource {
  /// Floats of a given shape.
  ///
  /// - Throws: `CheckpointError.missingTensor`, `.wrongShape`, `.wrongElementType`; `PipelineError.invalidInput` for an infinite value
  ///   or one that is no number.
  fileprivate func finiteFloats(_ name: String, shape: [Int]) throws -> FloatTensor {
    let tensor = try Weights(self).tensor(name, shape)
    let index = tensor.withUnsafeBufferPointer { values in values.firstIndex { !$0.isFinite } }
    if let index {
      throw PipelineError.invalidInput(
        file: file, expected: "finite numbers in \(name)",
        found: "\(tensor.withUnsafeBufferPointer { $0[index] }) at position \(index)")
    }
    return tensor
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

/// The network alone (see `Transformer.DenoisingTransformer`).
public typealias DenoisingTransformer = Transformer.DenoisingTransformer
