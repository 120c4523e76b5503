import CLIPText
import Checkpoint
import Tensor
import Transformer

/// Texts to what a text-conditional denoiser attends to: CLIP's tokenizer and text encoder.
public struct TextConditioner: Sendable {
  private let tokenizer: CLIPTokenizer
  private let encoder: CLIPTextEncoder
  /// Learned vectors for "no text", used as they are.
  private let empty: TextVectors?

  /// - Throws: `CLIPTextError`, `CheckpointError`; `ModelFileError.mismatchedParts` unless the vectors are as many and as wide as the
  ///   denoiser takes and the encoder knows every token.
  init(_ parts: TextParts, of source: any ModelSource, for facts: NetworkFacts, options: ComputeOptions) throws {
    let text = parts.configuration
    tokenizer = try parts.tokenizer()
    func require(_ isTrue: Bool, _ expected: String, _ found: String) throws(ModelFileError) {
      if !isTrue { throw .mismatchedParts(folder: source.location, expected: expected, found: found) }
    }
    guard case .text(let length, let width) = facts.conditioning else { preconditionFailure("texts for \(facts.conditioning)") }
    let shape = [length, width]
    let found = [text.contextLength, text.width]
    try require(found == shape, "texts of \(shape) numbers, as the transformer takes", "\(found) from the text encoder")
    try require(
      tokenizer.vocabularySize <= text.vocabularySize, "at most \(text.vocabularySize) tokens, as the text encoder knows",
      "\(tokenizer.vocabularySize) in the tokenizer")
    encoder = try source.naming(.textEncoder) {
      try CLIPTextEncoder(text, weights: WeightLoader(source.tensors(of: .textEncoder), options: options), names: parts.names)
    }
    empty = try parts.empty.map { empty in
      TextVectors(try WeightLoader(empty.group().renamed(), options: options).tensor(EmptyTextFile.tensor, shape))
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
  /// The text encoder for a denoiser that is conditioned on texts; nil if the files lack one.
  func textConditioner(for facts: NetworkFacts, options: ComputeOptions) throws -> TextConditioner? {
    try textParts().map { parts in
      try Log.timed("loaded the text encoder") { try TextConditioner(parts, of: self, for: facts, options: options) }
    }
  }
}
