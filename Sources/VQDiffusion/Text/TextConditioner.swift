import CLIPText
import Checkpoint
import Tensor
import Transformer

/// The architecture of a text encoder, and what can be wrong with one, its tokenizer or a text (see `CLIPText`).
public typealias CLIPTextConfiguration = CLIPText.CLIPTextConfiguration
public typealias CLIPTextError = CLIPText.CLIPTextError

/// Texts to what a text-conditional denoiser attends to: CLIP's tokenizer and text encoder.
public struct TextConditioner: Sendable {
  private let tokenizer: CLIPTokenizer
  private let encoder: CLIPTextEncoder
  /// Learned vectors for "no text", used as they are.
  private let empty: TextVectors?

  /// - Throws: `CLIPTextError`, `CheckpointError`; `PipelineError.mismatchedParts` unless the vectors are as many and as wide as the
  ///   denoiser takes and the encoder knows every token.
  init(_ parts: TextParts, of source: any ModelSource, for configuration: DenoiserConfiguration) throws {
    let text = parts.configuration
    tokenizer = try parts.tokenizer()
    func require(_ isTrue: Bool, _ expected: String, _ found: String) throws(PipelineError) {
      if !isTrue { throw .mismatchedParts(folder: source.location, expected: expected, found: found) }
    }
    let shape = [configuration.textLength ?? 0, configuration.textWidth ?? 0]
    let found = [text.contextLength, text.width]
    try require(found == shape, "texts of \(shape) numbers, as the transformer takes", "\(found) from the text encoder")
    try require(
      tokenizer.vocabularySize <= text.vocabularySize, "at most \(text.vocabularySize) tokens, as the text encoder knows",
      "\(tokenizer.vocabularySize) in the tokenizer")
    encoder = try source.asPipelineErrors(in: .textEncoder) {
      try CLIPTextEncoder(text, weights: Weights(source.tensors(of: .textEncoder)), names: parts.names)
    }
    empty = try parts.empty.map { empty in
      TextVectors(try Weights(empty.group().renamed()).tensor(EmptyTextFile.tensor, shape))
    }
  }

  /// A text's vectors.
  ///
  /// - Throws: `CLIPTextError`.
  public func vectors(of text: String) throws -> TextVectors {
    let vectors = try encoder.embed(tokenizer.encode(text))
    return TextVectors(vectors.reshaped(Array(vectors.shape.dropFirst())))
  }

  /// What guidance leads away from: the vectors of `negative`; without one the learned vectors for "no text", or those of the empty
  /// text in models that learned none.
  ///
  /// - Throws: `CLIPTextError`.
  public func unconditional(negative: String?) throws -> TextVectors {
    if negative == nil, let empty { return empty }
    return try vectors(of: negative ?? "")
  }

  /// Whether a text has more tokens than the model reads, so that its end counts for nothing.
  public func isCut(_ text: String) -> Bool { tokenizer.encoding(of: text).isCut }
}

extension ModelSource {
  /// What turns texts into vectors for a denoiser; nil if the files lack a text encoder.
  func textConditioner(for configuration: DenoiserConfiguration) throws -> TextConditioner? {
    try textParts().map { parts in
      try Log.timed("loaded the text encoder") { try TextConditioner(parts, of: self, for: configuration) }
    }
  }
}
