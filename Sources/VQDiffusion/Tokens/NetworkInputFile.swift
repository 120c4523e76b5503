import Checkpoint
import Foundation
import ModelFiles
import Tensor
import Transformer

/// The input of a denoising network as a safetensors file: `tokens` I64 [B, L] in 0…K, `timesteps` I64 [B] from 0, and the condition
/// of each sequence: for a class-conditional network `labels` I64 [B], rows of the class table; for a text-conditional one the vectors
/// `text` F32 [B, text length, text width]. Networks that don't read the timestep need no `timesteps`.
public struct NetworkInputFile: Sendable {
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
    static func name(of conditioning: NetworkFacts.Conditioning) -> String? {
      switch conditioning {
      case .none: nil
      case .classes: "labels"
      case .text: "text"
      }
    }
  }

  /// - Throws: `CheckpointError` for a file that isn't such a one; `ModelFileError.invalidInput` for values out of range.
  public init(contentsOf url: URL, for facts: NetworkFacts) throws {
    let file = try SafetensorsFile(url)
    length = facts.length
    let count = try file.tokenRows(length: length)
    let names = ["tokens", facts.timesteps == nil ? nil : "timesteps", Conditions.name(of: facts.conditioning)]
    try file.expectOnly(names.compactMap { $0 })
    tokens = try file.integers("tokens", shape: [count, length], in: 0..<facts.codes + 1).map { Int32($0) }
    timesteps =
      try facts.timesteps.map { try file.integers("timesteps", shape: [count], in: 0..<$0) } ?? Array(repeating: 0, count: count)
    switch facts.conditioning {
    case .none: conditions = .none
    case .classes: conditions = .labels(try file.integers("labels", shape: [count], in: 0..<facts.classRows))
    case .text(let length, let width):
      conditions = .text(try file.finiteFloats("text", shape: [count, length, width]))
    }
  }

  /// The conditions of some rows. Equal texts are one object, which keeps what the network made of it for as long as the rows last.
  private func conditions(of rows: Range<Int>) -> [NetworkCondition] {
    switch conditions {
    case .none: rows.map { _ in .none }
    case .labels(let labels): labels[rows].map { .index($0) }
    case .text(let vectors): texts(vectors, rows)
    }
  }

  private func texts(_ vectors: FloatTensor, _ rows: Range<Int>) -> [NetworkCondition] {
    let (length, width) = (vectors.shape[1], vectors.shape[2])
    var known: Set<TextVectors> = []
    return rows.map { row in
      .text(known.insert(TextVectors(vectors.rows(row * length..<(row + 1) * length, width: width))).memberAfterInsert)
    }
  }

  /// The network's logits [B, L, K] (K + 1 with a logit for [MASK]), a few rows at a time.
  ///
  /// - Throws: `TransformerError`; what `checkCancellation` throws, which is called between layers.
  public func logits(by network: any DenoisingNetwork, checkCancellation: () throws -> Void = {}) throws -> FloatTensor {
    let width = network.facts.logitsPerToken
    var values: [Float] = []
    values.reserveCapacity(tokens.count * width)
    for first in stride(from: 0, to: timesteps.count, by: 16) {
      let rows = first..<min(first + 16, timesteps.count)
      let input = NetworkInput(
        tokens: Array(tokens[rows.lowerBound * length..<rows.upperBound * length]), timesteps: Array(timesteps[rows]),
        conditions: conditions(of: rows))
      let logits = try Log.timed("evaluated", ["rows": "\(rows)"]) {
        try network.logits(input, checkCancellation: checkCancellation)
      }
      try network.facts.check(logits, rows: [rows.count, length])
      logits.withUnsafeBufferPointer { values += $0 }
    }
    return FloatTensor(values, shape: [timesteps.count, length, width])
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
  /// - Throws: `CheckpointError.missingTensor`, `.wrongShape`, `.wrongElementType`; `ModelFileError.invalidInput` for an infinite value
  ///   or one that is no number.
  fileprivate func finiteFloats(_ name: String, shape: [Int]) throws -> FloatTensor {
    let tensor = try WeightLoader(self).tensor(name, shape)
    let index = tensor.withUnsafeBufferPointer { values in values.firstIndex { !$0.isFinite } }
    if let index {
      throw ModelFileError.invalidInput(
        file: file, expected: "finite numbers in \(name)",
        found: "\(tensor.withUnsafeBufferPointer { $0[index] }) at position \(index)")
    }
    return tensor
  }
}
