import Checkpoint
import Foundation
import Tensor
import VQVAE

/// The tokens of a data set's images, encoded once; those of the mirrored images too where asked.
struct TokenSet: Sendable {
  /// [N, V, L]; V is 2 with mirrored images, else 1.
  private let tokens: [Int32]
  /// [N]; empty without classes.
  private(set) var classes: [Int]
  /// L
  let length: Int
  /// V
  let variants: Int

  /// N
  var count: Int { tokens.count / (length * variants) }

  /// The same with classes as a model numbers them.
  func mapped(by mapping: ClassMapping) -> TokenSet {
    var mapped = self
    mapped.classes = mapping(classes)
    return mapped
  }

  /// The L tokens of an image.
  func tokens(of image: Int, variant: Int) -> ArraySlice<Int32> {
    let start = (image * variants + variant) * length
    return tokens[start..<start + length]
  }

  private init(tokens: [Int32], classes: [Int], length: Int, variants: Int) {
    (self.tokens, self.classes, self.length, self.variants) = (tokens, classes, length, variants)
  }

  /// Encodes all images that can be read.
  ///
  /// - Parameters:
  ///   - limit: the most images, taken evenly from the whole set.
  ///   - report: gets the share done, and throws to stop.
  /// - Throws: `VQVAEError.wrongImageSize`, `DatasetError.allUnreadable`; what `report` throws.
  init(
    _ images: PreparedImages, by tokenizer: any ImageTokenizer, mirrored: Bool, limit: Int = .max,
    report: (Double) throws -> Void = { _ in }
  ) throws {
    let chosen = images.spread(limit)
    let variants = mirrored ? 2 : 1
    let atOnce = 250
    var (tokens, classes, length): ([Int32], [Int], Int) = ([], [], 0)
    for start in stride(from: 0, to: chosen.count, by: atOnce) {
      let some = Array(chosen[start..<min(start + atOnce, chosen.count)])
      let (signed, read) = try images.tensor(some)
      let pixels = signed.unitRange
      let encoded =
        read.isEmpty ? [] : try [pixels, mirrored ? pixels.mirrored : nil].compactMap { try $0.map(tokenizer.encode) }
      for image in read.indices {
        for images in encoded {
          tokens += images[image].tokens
          length = images.layout.count
        }
      }
      classes += read.compactMap { images.dataset.classIndex($0) }
      try report(Double(start + some.count) / Double(chosen.count))
    }
    guard length > 0 else { throw images.allUnreadable() }
    self.init(tokens: tokens, classes: classes, length: length, variants: variants)
  }
}

// Kept as a file.
extension TokenSet {
  /// Writes the set, whole or not at all.
  ///
  /// - Parameter origin: what the tokens are of, to be recognised by.
  /// - Throws: `CheckpointError.unwritable`.
  func write(to file: URL, origin: String) throws {
    try SafetensorsFile.write(
      [
        StoredTensor("tokens", tokens.map(Int.init), shape: [count, variants, length]),
        StoredTensor("classes", classes, shape: [classes.count]),
      ], metadata: ["origin": origin], to: file)
  }

  /// The set in a file, nil unless it is there, whole and of that origin.
  init?(of file: URL, origin: String) {
    guard let stored = try? SafetensorsFile(file), stored.metadata["origin"] == origin,
      let shape = stored.shape(of: "tokens"), shape.count == 3, shape.allSatisfy({ $0 > 0 }),
      let tokens = try? stored.integers("tokens"), let classes = try? stored.integers("classes"),
      classes.isEmpty || classes.count == shape[0]
    else { return nil }
    let narrowed = tokens.compactMap { Int32(exactly: $0) }
    guard narrowed.count == tokens.count else { return nil }
    self.init(tokens: narrowed, classes: classes, length: shape[2], variants: shape[1])
  }
}

extension PreparedImages {
  /// At most `limit` indices, evenly from the whole set.
  func spread(_ limit: Int) -> [Int] {
    let count = min(limit, dataset.count)
    return (0..<count).map { $0 * dataset.count / count }
  }
}
