import Foundation

/// The tensor files of a part of a diffusers folder, by the names that diffusers and transformers write: a stem, perhaps a
/// variant (`.fp16`), perhaps a shard's number (`-00001-of-00002`).
struct PartFiles {
  /// One file, or all shards of one set.
  let chosen: [URL]
  /// Further tensor files, which aren't read.
  let others: [URL]

  /// - Throws: `ModelFileError.missingPart` without a file of a known name, or for a shard that isn't there; `.invalidConfiguration`
  ///   for an index that isn't one.
  init(of part: String, in folder: ConfigurationFolder) throws(ModelFileError) {
    var files: [URL] = []
    for format in TensorFileName.formats { files += try folder.files(in: part, withExtension: format) }
    let names = files.map(\.lastPathComponent)
    let indices = try folder.files(in: part, withExtension: "json").map(\.lastPathComponent)
    let known = (names + indices).compactMap(TensorFileName.init)
    // Other precisions only where there is nothing else, as the public libraries have it.
    let best = known.min { $0.rank < $1.rank }
    guard let best else { throw .missingPart(folder: folder.url.path, part: "\(part)/*.safetensors or *.bin") }
    let shards: [String]
    switch best.kind {
    case .whole: shards = [best.name]
    case .index: shards = try Self.shards(of: "\(part)/\(best.name)", in: folder)
    case .shard(let number, let count):
      // The first one's name tells the others'.
      shards = (1...max(count, 1)).map { other in
        let digits = String(other)
        let padded = String(repeating: "0", count: max(0, number.count - digits.count)) + digits
        return best.name.replacingOccurrences(of: "-\(number)-of-", with: "-\(padded)-of-")
      }
    }
    for shard in shards where !names.contains(shard) {
      throw .missingPart(folder: folder.url.path, part: "\(part)/\(shard)")
    }
    chosen = files.filter { shards.contains($0.lastPathComponent) }
    others = files.filter { !shards.contains($0.lastPathComponent) }
  }

  /// The files that an index names.
  private static func shards(of index: String, in folder: ConfigurationFolder) throws(ModelFileError) -> [String] {
    struct Index: Decodable {
      var files: [String: String]
      enum CodingKeys: String, CodingKey { case files = "weight_map" }
    }
    let shards = Set((try folder.decode(index) as Index).files.values).sorted()
    guard !shards.isEmpty else {
      throw .invalidConfiguration(file: folder.path(index), field: "weight_map", expected: "files", found: "none")
    }
    return shards
  }
}

/// The name of a tensor file, or of an index of several, in its parts.
private struct TensorFileName {
  enum Kind {
    case whole, index
    /// The number as it is written, from 1.
    case shard(String, of: Int)
  }

  static let formats = ["safetensors", "bin"]
  private static let stems = ["diffusion_pytorch_model", "model", "pytorch_model"]

  let name: String
  let kind: Kind
  /// What is preferred comes first.
  let rank: Rank

  struct Rank: Comparable {
    let variant: String
    let format: Int
    let kind: Int
    let stem: Int

    static func < (left: Rank, right: Rank) -> Bool {
      (left.variant, left.format, left.kind, left.stem) < (right.variant, right.format, right.kind, right.stem)
    }
  }

  /// Nil for other names, such as a training program's.
  init?(_ name: String) {
    let file = /(\w+)(?:\.(\w+))?(?:-(\d{1,6})-of-(\d{1,6}))?(?:\.(\w+))?\.(safetensors|bin)/
    let index = /(\w+)(?:\.(\w+))?\.(safetensors|bin)\.index(?:\.(\w+))?\.json/
    let parts: (stem: Substring, variant: Substring?, format: Substring)
    let order: Int
    if let match = name.wholeMatch(of: file)?.output {
      parts = (match.1, match.2 ?? match.5, match.6)
      if let number = match.3, let count = match.4.flatMap({ Int($0) }) {
        (kind, order) = (.shard(String(number), of: count), 2)
      } else {
        (kind, order) = (.whole, 0)
      }
    } else if let match = name.wholeMatch(of: index)?.output {
      parts = (match.1, match.2 ?? match.4, match.3)
      (kind, order) = (.index, 1)
    } else {
      return nil
    }
    guard let stem = Self.stems.firstIndex(of: String(parts.stem)), let format = Self.formats.firstIndex(of: String(parts.format))
    else { return nil }
    self.name = name
    rank = Rank(variant: String(parts.variant ?? ""), format: format, kind: order, stem: stem)
  }
}
