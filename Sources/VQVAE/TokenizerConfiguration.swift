import Checkpoint
import Tensor

/// The architecture of a family of image tokenizers, as `vqvae/config.json` of a model folder states it.
package protocol TokenizerConfiguration: Codable, Sendable {
  /// The family's name in configuration files.
  static var family: String { get }

  /// The facts of the tokenizer with its full codebook.
  var facts: TokenizerFacts { get }

  /// The layout of the tokens of an image of a size in pixels; nil for a size that the tokenizer can't take.
  func layout(height: Int, width: Int) -> TokenLayout?

  /// The size in pixels of an image whose tokens have a layout; nil for a layout that the tokenizer can't take.
  func imageSize(of layout: TokenLayout) -> (height: Int, width: Int)?

  /// One line for people: the codebook and the size of images.
  var summary: String { get }

  /// Name and shape of every tensor that the tokenizer reads.
  var tensorShapes: [TensorShape] { get }

  /// Tensors that checkpoints of the architecture may hold and that the tokenizer doesn't read. Each name also stands for all
  /// names below it.
  var unusedTensors: [String] { get }

  /// Checks that the numbers fit together.
  ///
  /// - Throws: `VQVAEError.invalidConfiguration`.
  func validate() throws(VQVAEError)

  /// Loads the tokenizer.
  ///
  /// - Parameter codebookMap: the table between the full codebook and a reduced one; nil where the denoiser knows all codes.
  /// - Throws: `VQVAEError` for a configuration or table that doesn't fit together; `CheckpointError` for a tensor that is missing,
  ///   has another shape than the configuration asks for, or isn't part of the architecture.
  func tokenizer(_ weights: WeightLoader, codebookMap: CodebookMap?) throws -> any ImageTokenizer
}

extension TokenizerConfiguration {
  /// The layout of the tokens of an image of the training size; nil if that size doesn't give whole tokens.
  package var nativeLayout: TokenLayout? { layout(height: facts.height, width: facts.width) }
}
