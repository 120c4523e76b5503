import Foundation

/// The tensor files of a part of a diffusers folder, by the names that diffusers and transformers write: a stem, perhaps a
/// variant (`.fp16`), perhaps a shard's number (`-00001-of-00002`).
struct PartFiles {
  /// One file, or all shards of one set.
  let chosen: [URL]
  /// Further tensor files, which aren't read.
  let others: [URL]

  /// - Throws: `PipelineError.missingPart` without a file of a known name, or for a shard that isn't there; `.invalidConfiguration`
  ///   for an index that isn't one.
  init(of part: String, in folder: ConfigurationFolder) throws(PipelineError) {
    var files: [URL] = []
    for format in TensorFileName.formats { files += try folder.files(in: part, withExtension: format) }
    let names = files.map(\.lastPathComponent) + (try folder.files(in: part, withExtension: "json").map(\.lastPathComponent))
    let known = names.compactMap(TensorFileName.init)
    // Other precisions only where there is nothing else, as the public libraries have it.
    let best = known.min { $0.rank < $1.rank }
    guard let best else { throw .missingPart(folder: folder.url.path, part: "\(part)/*.safetensors or *.bin") }
    let shards: [String]
    switch best.kind {
    case .whole: shards = [best.name]
    case .index: shards = try Self.shards(of: "\(part)/\(best.name)", in: folder)
    case .shard(_, let count):
      shards = known.filter { $0.rank.isSameSet(as: best.rank) }.map(\.name)
      guard shards.count == count else {
        throw .missingPart(
          folder: folder.url.path, part: "\(part)/\(best.name) and its like, \(count) in all: \(shards.count) are there")
      }
    }
    for shard in shards where !names.contains(shard) {
      throw .missingPart(folder: folder.url.path, part: "\(part)/\(shard)")
    }
    chosen = files.filter { shards.contains($0.lastPathComponent) }
    others = files.filter { !shards.contains($0.lastPathComponent) }
  }

  /// The files that an index names.
  private static func shards(of index: String, in folder: ConfigurationFolder) throws(PipelineError) -> [String] {
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
    /// From 1.
    case shard(Int, of: Int)
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

    private var key: (String, Int, Int, Int) { (variant, format, kind, stem) }

    static func < (left: Rank, right: Rank) -> Bool { left.key < right.key }

    func isSameSet(as other: Rank) -> Bool { key == other.key }
  }

  /// Nil for other names, such as a training program's.
  init?(_ name: String) {
    let file = /(\w+)(?:\.(\w+))?(?:-(\d{1,6})-of-(\d{1,6}))?(?:\.(\w+))?\.(safetensors|bin)/
    let index = /(\w+)(?:\.(\w+))?\.(safetensors|bin)\.index(?:\.(\w+))?\.json/
    let parts: (stem: Substring, variant: Substring?, format: Substring)
    let order: Int
    if let match = name.wholeMatch(of: file)?.output {
      parts = (match.1, match.2 ?? match.5, match.6)
      let shard = match.3.flatMap { Int($0) }.flatMap { number in match.4.flatMap { Int($0) }.map { (number, $0) } }
      (kind, order) = shard.map { (.shard($0.0, of: $0.1), 2) } ?? (.whole, 0)
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
