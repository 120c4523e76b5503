import CLIPText
import Checkpoint
import Foundation

/// Files of the text encoder.
package struct TextParts: Sendable {
  /// Vectors in tensor files.
  package struct EmptyText: Sendable {
    /// The files that are looked in.
    let sources: [any TensorSource]
    let name: String

    /// The tensor by the name that this project knows it by.
    ///
    /// - Throws: `CheckpointError.missingTensor`.
    func group() throws(CheckpointError) -> TensorGroup {
      guard let source = sources.first(where: { $0.shape(of: name) != nil }) else {
        throw .missingTensor(file: sources.map(\.file).joined(separator: ", "), tensor: name, shape: nil)
      }
      return TensorGroup(source, entries: [.init(name: EmptyTextFile.tensor, original: name)])
    }
  }

  /// `vocab.json`; nil where the vocabulary follows from the merges.
  package let vocabulary: URL?
  /// `merges.txt`
  package let merges: URL
  package let variant: CLIPTokenizer.Variant
  package let padding: CLIPTokenizer.Padding
  package let configuration: CLIPTextConfiguration
  /// Whose names the encoder's tensors have.
  package let names: CLIPTensorNames
  /// The learned vectors that stand for "no text"; nil where the vectors of the empty text do.
  package let empty: EmptyText?

  package func tokenizer() throws(CLIPTextError) -> CLIPTokenizer {
    let length = configuration.contextLength
    guard let vocabulary else {
      return try CLIPTokenizer(merges: merges, variant: variant, padding: padding, contextLength: length)
    }
    return try CLIPTokenizer(
      vocabulary: vocabulary, merges: merges, variant: variant, padding: padding, contextLength: length)
  }
}

/// The vocabulary of OpenAI's CLIP, which comes with the package, since checkpoints don't hold it.
enum CLIPVocabulary {
  /// `merges.txt`
  ///
  /// - Throws: `ModelFileError.clipVocabularyMissing`.
  static func merges() throws(ModelFileError) -> URL {
    try BundledResources.folder(
      "clip", holding: "merges.txt", missing: ModelFileError.clipVocabularyMissing(searched:)
    )
    .appendingPathComponent("merges.txt")
  }
}
